// The SQL engine through its in-process API beside SQLite's library, on files of the same content,
// in turns: usage: sql-bench [ROUNDS] [ROWS]. Prints medians and Saturn's share of SQLite's speed.
//
// Prepared point SELECTs by rowid, each a transaction of its own; one-row INSERTs within one
// transaction; a count, a sum and a filter over ROWS rows (6,000,000). Works in the current
// directory, which should be on a real disk.

#include "io/backends.hpp"
#include "io/vfs.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace saturn;

namespace {

constexpr std::int64_t kPointRows = 100'000;
constexpr int kPointSelects = 200'000;
constexpr int kInserts = 200'000;
constexpr const char* kText = "a text of some forty bytes, as rows have";

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

/// What both engines are asked to do; a statement is prepared once and run many times.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void execute(const std::string& sql) = 0;
  virtual void prepare(const std::string& sql) = 0;
  /// Runs what was prepared with up to two parameters; the first column of the first row, or 0.
  virtual std::int64_t run(std::optional<std::int64_t> first, const char* second) = 0;
  /// The whole of `work` on the engine's own terms: on a fiber, where it has fibers.
  virtual void within(const std::function<void()>& work) { work(); }
};

class Sqlite final : public Engine {
 public:
  explicit Sqlite(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) die(sqlite3_errmsg(db_));
    execute("PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -262144");
  }
  ~Sqlite() override {
    sqlite3_finalize(statement_);
    sqlite3_close(db_);
  }
  void execute(const std::string& sql) override {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      die(sqlite3_errmsg(db_));
    }
  }
  void prepare(const std::string& sql) override {
    sqlite3_finalize(statement_);
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
      die(sqlite3_errmsg(db_));
    }
  }
  std::int64_t run(std::optional<std::int64_t> first, const char* second) override {
    if (first) sqlite3_bind_int64(statement_, 1, *first);
    if (second != nullptr) sqlite3_bind_text(statement_, 2, second, -1, SQLITE_STATIC);
    std::int64_t value = 0;
    int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) {
      value = sqlite3_column_int64(statement_, 0);
      code = sqlite3_step(statement_);
    }
    if (code != SQLITE_DONE) die(sqlite3_errmsg(db_));
    sqlite3_reset(statement_);
    return value;
  }

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

template <typename T>
T checked(Result<T> result) {
  if (!result) die(std::string(result.error().message()));
  return std::move(*result);
}

void check(Result<void> result) {
  if (!result) die(result.message());
}

class Saturn final : public Engine {
 public:
  explicit Saturn(const std::string& path) : vfs_(io::make_posix_vfs()) {
    io::run([&] {
      database_ = checked(sql::Database::open(*vfs_, path, {}));
      session_ = std::make_unique<sql::Session>(database_);
    });
  }
  ~Saturn() override {
    io::run([&] {
      statement_.reset();
      session_.reset();
      check(database_->close());
      database_.reset();
    });
  }
  void within(const std::function<void()>& work) override { io::run(work); }
  void execute(const std::string& sql) override { check(session_->execute(sql)); }
  void prepare(const std::string& sql) override {
    statement_.reset();
    statement_ = checked(session_->prepare(sql));
  }
  std::int64_t run(std::optional<std::int64_t> first, const char* second) override {
    if (first) check(statement_->bind(1, ValueRef::integer(*first)));
    if (second != nullptr) check(statement_->bind(2, ValueRef::text(second)));
    bool row = checked(statement_->step());
    std::int64_t value = 0;
    if (row) {
      const ValueRef v = statement_->column(0);
      value = v.is_integer() ? v.as_integer() : 0;
      row = checked(statement_->step());
    }
    statement_->reset();
    return value;
  }

 private:
  std::unique_ptr<io::Vfs> vfs_;
  std::shared_ptr<sql::Database> database_;
  std::unique_ptr<sql::Session> session_;
  std::unique_ptr<sql::Statement> statement_;
};

struct Work {
  const char* title;
  double units;  ///< of work in one run
  std::function<void(Engine&)> run;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void fill(Engine& engine, std::int64_t rows) {
  engine.execute("CREATE TABLE point(id INTEGER PRIMARY KEY, text TEXT)");
  engine.execute("CREATE TABLE big(id INTEGER PRIMARY KEY, a INT, b REAL, c TEXT)");
  engine.execute("CREATE TABLE fresh(a INT, text TEXT)");
  const auto series = [](std::int64_t n) {
    return "WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < " +
           std::to_string(n) + ") ";
  };
  engine.execute(series(kPointRows) + "INSERT INTO point SELECT i, '" + kText + "' FROM s");
  engine.execute(
      series(rows) +
      "INSERT INTO big SELECT i, i * 7919 % 1000003, i * 0.25, 'text ' || i % 100 FROM s");
}

std::vector<Work> works(std::int64_t rows) {
  const auto scan = [](const char* sql) {
    return [sql](Engine& engine) {
      engine.prepare(sql);
      engine.run(std::nullopt, nullptr);
    };
  };
  const auto rows_scanned = static_cast<double>(rows);
  return {
      {"point SELECT by rowid", kPointSelects,
       [](Engine& engine) {
         engine.prepare("SELECT length(text) FROM point WHERE id = ?");
         std::uint64_t at = 1;
         for (int i = 0; i < kPointSelects; ++i) {
           at = at * 6364136223846793005ULL + 1442695040888963407ULL;
           const auto id = static_cast<std::int64_t>(at >> 33) % kPointRows + 1;
           if (engine.run(id, nullptr) == 0) die("a row is missing");
         }
       }},
      {"one-row INSERT in a transaction", kInserts,
       [](Engine& engine) {
         engine.execute("BEGIN; DELETE FROM fresh");
         engine.prepare("INSERT INTO fresh VALUES (?, ?)");
         for (int i = 0; i < kInserts; ++i) engine.run(i, kText);
         engine.execute("COMMIT");
       }},
      {"count of all rows", rows_scanned, scan("SELECT count(*) FROM big")},
      {"sum of a column", rows_scanned, scan("SELECT sum(a) FROM big")},
      {"count of rows that a filter lets pass", rows_scanned,
       scan("SELECT count(*) FROM big WHERE b > 1000 AND a % 3 = 0")},
  };
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const std::int64_t rows = argc > 2 ? std::atoll(argv[2]) : 6'000'000;
  const std::filesystem::path directory = "sql-bench.tmp";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  const std::string first = (directory / "saturn.db").string();
  const std::string second = (directory / "sqlite.db").string();
  {
    Sqlite sqlite(first);
    fill(sqlite, rows);
  }
  std::filesystem::copy_file(first, second);
  {
    Saturn saturn(first);
    Sqlite sqlite(second);
    Engine* const engines[] = {&saturn, &sqlite};
    std::printf("%-40s %14s %14s %6s\n", "", "Saturn /s", "SQLite /s", "ratio");
    for (const Work& work : works(rows)) {
      std::vector<double> times[2];
      for (int round = 0; round < rounds; ++round) {
        for (int e = 0; e < 2; ++e) {
          Engine& engine = *engines[e];
          engine.within([&] { times[e].push_back(seconds_of([&] { work.run(engine); })); });
        }
      }
      const double a = work.units / median(times[0]);
      const double b = work.units / median(times[1]);
      std::printf("%-40s %14.0f %14.0f %6.2f\n", work.title, a, b, a / b);
      std::fflush(stdout);
    }
  }
  std::filesystem::remove_all(directory);
  return 0;
}
