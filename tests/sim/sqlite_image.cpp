#include "sqlite_image.hpp"

#ifdef SATURN_HAVE_SQLITE
#include <sqlite3.h>
#include <memory>
#endif

namespace sim {

using saturn::Code;
using saturn::Error;
using saturn::Result;
using saturn::Value;

#ifdef SATURN_HAVE_SQLITE

namespace {

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Error failure(sqlite3* db) { return Error(Code::error, sqlite3_errmsg(db)); }

Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER: return Value(std::int64_t{sqlite3_column_int64(statement, index)});
    case SQLITE_NULL: return {};
    default: break;
  }
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
  return Value(std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index))));
}

Result<Rows> ask(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) return failure(db);
  const std::unique_ptr<sqlite3_stmt, Close> statement(raw);
  Rows rows;
  int step = 0;
  while ((step = sqlite3_step(raw)) == SQLITE_ROW) {
    std::vector<Value>& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(raw); ++i) row.push_back(column(raw, i));
  }
  if (step != SQLITE_DONE) return failure(db);
  return rows;
}

}  // namespace

bool sqlite_available() { return true; }

Result<State> recover_with_sqlite(const std::string& path) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open(path.c_str(), &raw);
  const std::unique_ptr<sqlite3, Close> db(raw);
  if (opened != SQLITE_OK) return failure(raw);
  TRY(ask(raw, "PRAGMA synchronous = OFF"));
  const Rows problems = TRY(ask(raw, "PRAGMA integrity_check"));
  if (problems.size() != 1 || !(problems[0][0] == Value("ok"))) {
    return Error(Code::corrupt, std::string(problems.at(0).at(0).ref().bytes()));
  }
  return read_state([raw](const std::string& sql) { return ask(raw, sql); });
}

#else

bool sqlite_available() { return false; }
Result<State> recover_with_sqlite(const std::string&) { return Error(Code::internal); }

#endif

}  // namespace sim
