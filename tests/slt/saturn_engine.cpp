#include "saturn_engine.hpp"

#include "io/backends.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"
#include "value/number.hpp"

#include <cstdlib>
#include <filesystem>

namespace saturn::slt {
namespace {

class SaturnEngine final : public Engine {
 public:
  SaturnEngine(const std::string& vfs, std::uint64_t query_memory) {
    std::string path = "test";
    if (vfs == "memory") {
      vfs_ = io::make_memory_vfs();
    } else {
      const bool ring = vfs == "io_uring";
      auto made =
          io::make_vfs(ring ? io::VfsChoice::io_uring : io::VfsChoice::posix, false, nullptr);
      ASSERT(made.has_value());
      vfs_ = std::move(*made);
      directory_ = (std::filesystem::temp_directory_path() / "saturn-slt-XXXXXX").string();
      ASSERT(mkdtemp(directory_.data()) != nullptr);
      path = directory_ + "/test.db";
    }
    io::run([&] {
      sql::DatabaseOptions options;
      options.storage.synchronous = storage::Synchronous::off;
      auto database = sql::Database::open(*vfs_, path, options);
      ASSERT(database.has_value());
      database_ = std::move(*database);
      session_ = std::make_unique<sql::Session>(database_,
                                                sql::SessionOptions{.query_memory = query_memory});
    });
  }
  ~SaturnEngine() override {
    io::run([&] {
      session_.reset();
      ASSERT(database_->close().has_value());
      database_.reset();
    });
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  Result<void> execute(const std::string& sql) override {
    return io::run([&] { return session_->execute(sql); });
  }

  Result<Printed> query(const std::string& sql, std::string_view types) override {
    return io::run([&] { return run_query(sql, types); });
  }

 private:
  Result<Printed> run_query(const std::string& sql, std::string_view types) {
    auto statement = TRY(session_->prepare(sql));
    if (!statement) return Error(Code::error, "no statement");
    Printed printed;
    printed.column_count = statement->column_count();
    for (;;) {
      const bool more = TRY(statement->step());
      if (!more) return printed;
      for (std::size_t i = 0; i < printed.column_count; ++i) {
        const ValueRef v = statement->column(i);
        const char type = i < types.size() ? types[i] : 'T';
        const bool null = v.is_null();
        printed.values.push_back(
            print_value(type, v, null ? 0 : sql::to_integer(v), null ? 0 : sql::to_real(v)));
      }
    }
  }

  std::string directory_;
  std::unique_ptr<io::Vfs> vfs_;
  std::shared_ptr<sql::Database> database_;
  std::unique_ptr<sql::Session> session_;
};

}  // namespace

std::unique_ptr<Engine> make_saturn_engine(const std::string& vfs, std::uint64_t query_memory) {
  return std::make_unique<SaturnEngine>(vfs, query_memory);
}

}  // namespace saturn::slt
