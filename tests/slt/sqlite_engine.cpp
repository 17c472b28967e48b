#include "sqlite_engine.hpp"

#include <sqlite3.h>

namespace saturn::slt {

namespace {

class SqliteEngine final : public Engine {
 public:
  SqliteEngine() { ASSERT(sqlite3_open(":memory:", &db_) == SQLITE_OK); }
  ~SqliteEngine() override { sqlite3_close(db_); }
  SqliteEngine(const SqliteEngine&) = delete;
  SqliteEngine& operator=(const SqliteEngine&) = delete;

  Result<void> execute(const std::string& sql) override {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return {};
  }

  Result<Printed> query(const std::string& sql, std::string_view types) override {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) return failure();
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
    Printed printed;
    printed.column_count = static_cast<std::size_t>(sqlite3_column_count(raw));
    int code;
    while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
      for (std::size_t i = 0; i < printed.column_count; ++i) {
        const int column = static_cast<int>(i);
        const char type = i < types.size() ? types[i] : 'T';
        printed.values.push_back(print_value(type, value(raw, column),
                                             sqlite3_column_int64(raw, column),
                                             sqlite3_column_double(raw, column)));
      }
    }
    if (code != SQLITE_DONE) return failure();
    return printed;
  }

 private:
  static ValueRef value(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_NULL: return {};
      case SQLITE_INTEGER: return ValueRef::integer(sqlite3_column_int64(statement, column));
      case SQLITE_FLOAT: return ValueRef::real(sqlite3_column_double(statement, column));
      default: break;
    }
    // Of a text in UTF-16 this makes UTF-8; the bytes of a blob stay.
    if (sqlite3_column_type(statement, column) == SQLITE_TEXT) {
      sqlite3_column_text(statement, column);
    }
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    return ValueRef::text({bytes == nullptr ? "" : bytes, size});
  }

  Error failure() const { return Error(Code::error, sqlite3_errmsg(db_)); }

  sqlite3* db_ = nullptr;
};

}  // namespace

std::unique_ptr<Engine> make_sqlite_engine() { return std::make_unique<SqliteEngine>(); }

}  // namespace saturn::slt
