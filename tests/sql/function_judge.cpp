// Compares calls of functions with SQLite's own, on random arguments.
// Usage: sql-function-judge [seed [calls [area]]]

#include <cstdio>

#ifndef SATURN_HAVE_SQLITE

int main() {
  std::fputs("SKIPPED: libsqlite3 is absent, nothing judged the functions\n", stderr);
  return 77;
}

#else

#include "random_calls.hpp"

#include "io/backends.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"

#include <sqlite3.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

using namespace saturn;

namespace {

/// A query's rows, or its error.
struct Answer {
  std::vector<Value> values;
  std::string error;
};

class Saturn {
 public:
  Saturn() : vfs_(io::make_memory_vfs()) {
    io::run([&] {
      auto database = sql::Database::open(*vfs_, "test", {});
      ASSERT(database.has_value());
      database_ = std::move(*database);
      session_ = std::make_unique<sql::Session>(database_);
    });
  }
  ~Saturn() {
    io::run([&] {
      session_.reset();
      ASSERT(database_->close().has_value());
    });
  }
  Answer ask(const std::string& sql) {
    return io::run([&] {
      Answer answer;
      const Result<void> outcome = collect(sql, answer.values);
      if (!outcome) answer.error = outcome.message();
      return answer;
    });
  }

 private:
  Result<void> collect(const std::string& sql, std::vector<Value>& values) {
    auto statement = TRY(session_->prepare(sql));
    for (;;) {
      const bool more = TRY(statement->step());
      if (!more) return {};
      for (std::size_t i = 0; i < statement->column_count(); ++i) {
        values.emplace_back(statement->column(i));
      }
    }
  }

  std::unique_ptr<io::Vfs> vfs_;
  std::shared_ptr<sql::Database> database_;
  std::unique_ptr<sql::Session> session_;
};

class Sqlite {
 public:
  Sqlite() { ASSERT(sqlite3_open(":memory:", &db_) == SQLITE_OK); }
  ~Sqlite() { sqlite3_close(db_); }
  Answer ask(const std::string& sql) {
    Answer answer;
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
    if (code == SQLITE_OK) {
      while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); ++i) {
          answer.values.push_back(column(statement, i));
        }
      }
    }
    if (code != SQLITE_DONE) answer.error = sqlite3_errmsg(db_);
    sqlite3_finalize(statement);
    return answer;
  }

 private:
  static Value column(sqlite3_stmt* statement, int i) {
    const auto bytes = [&] {
      const void* p = sqlite3_column_blob(statement, i);
      const auto n = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
      return n == 0 ? std::string() : std::string(static_cast<const char*>(p), n);
    };
    switch (sqlite3_column_type(statement, i)) {
      case SQLITE_INTEGER: return Value(std::int64_t{sqlite3_column_int64(statement, i)});
      case SQLITE_FLOAT: return Value(sqlite3_column_double(statement, i));
      case SQLITE_TEXT: return Value(bytes());
      case SQLITE_BLOB: return Value(Value::Blob{bytes()});
      default: return {};
    }
  }

  sqlite3* db_ = nullptr;
};

std::string show(const Answer& answer) {
  std::string out;
  for (const Value& v : answer.values) {
    constexpr const char* kNames[] = {"null", "integer", "real", "text", "blob"};
    out += out.empty() ? "" : ", ";
    out += kNames[static_cast<int>(v.type())];
    out += ' ';
    const ValueRef ref = v.ref();
    char number[64];
    if (ref.is_integer()) out += std::to_string(ref.as_integer());
    if (ref.is_real()) {
      std::snprintf(number, sizeof number, "%.17g", ref.as_real());
      out += number;
    }
    if (!ref.is_text() && !ref.is_blob()) continue;
    for (const char c : ref.bytes()) {
      const auto byte = static_cast<unsigned char>(c);
      if (ref.is_text() && byte >= 0x20) {
        out += c;
      } else {
        std::snprintf(number, sizeof number, "\\%02x", byte);
        out += number;
      }
    }
  }
  return answer.error.empty() ? out : out + " error: " + answer.error;
}

/// Equal, but for the last bits of reals that a function computed, and the rows before an error.
bool alike(const Answer& a, const Answer& b) {
  if (!a.error.empty() || !b.error.empty()) return a.error == b.error;
  if (a.values.size() != b.values.size()) return false;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const ValueRef x = a.values[i].ref();
    const ValueRef y = b.values[i].ref();
    if (x.is_real() && y.is_real()) {
      const double d = std::fabs(x.as_real() - y.as_real());
      if (x.as_real() != y.as_real() && !(d <= 1e-14 * std::fabs(x.as_real()))) return false;
    } else if (!(a.values[i] == b.values[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed =
      argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device{}();
  const std::uint64_t calls = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2000;
  const std::string only = argc > 3 ? argv[3] : "";
  std::printf("seed %llu, SQLite %s\n", static_cast<unsigned long long>(seed),
              sqlite3_libversion());
  Saturn saturn;
  Sqlite sqlite;
  std::uint64_t failures = 0;
  std::uint64_t judged = 0;
  for (const test::Area& area : test::kAreas) {
    if (!only.empty() && only != area.name) continue;
    if (sqlite3_libversion_number() < area.version_min) {
      std::printf("%s: not judged, since it takes SQLite %d\n", area.name, area.version_min);
      continue;
    }
    judged += calls;
    test::Random random(seed);
    for (std::uint64_t i = 0; i < calls; ++i) {
      const std::string sql = area.make(random);
      const Answer wanted = sqlite.ask(sql);
      const Answer got = saturn.ask(sql);
      if (alike(got, wanted)) continue;
      ++failures;
      if (failures <= 20) {
        std::printf("%s: %s\n  SQLite: %s\n  Saturn: %s\n", area.name, sql.c_str(),
                    show(wanted).c_str(), show(got).c_str());
      }
    }
  }
  if (judged == 0) {
    std::printf("SKIPPED: SQLite %s is too old to judge any function\n", sqlite3_libversion());
    return 77;
  }
  std::printf("%llu differences\n", static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}

#endif
