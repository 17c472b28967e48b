#include "connection.hpp"
#include "io/backends.hpp"
#include "sql/session.hpp"

namespace saturn::shell {
namespace {

class LocalConnection final : public Connection {
 public:
  LocalConnection(std::unique_ptr<io::Vfs> vfs, std::shared_ptr<sql::Database> database)
      : vfs_(std::move(vfs)), database_(std::move(database)) {
    sql::SessionOptions options;
    options.allow_files = true;
    options.busy_timeout_ms = 0;
    session_ = std::make_unique<sql::Session>(database_, options);
  }

  Result<void> run(std::string_view sql, std::size_t& consumed, RowSink& sink) override {
    consumed = sql.size();
    std::unique_ptr<sql::Statement> statement = TRY(session_->prepare(sql, &consumed));
    if (!statement) return {};
    const std::size_t width = statement->column_count();
    std::vector<ValueRef> values(width);
    bool begun = false;
    for (;;) {
      const bool more = TRY(statement->step());
      if (!begun && statement->column_count() > 0) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < statement->column_count(); ++i) {
          names.emplace_back(statement->column_name(i));
        }
        values.resize(names.size());
        sink.begin(names);
        begun = true;
      }
      if (!more) break;
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = statement->column(i);
      sink.row(values);
    }
    if (begun) sink.end();
    return {};
  }

  Result<void> insert_rows(const std::string& sql, std::size_t width,
                           std::span<const Value> rows) override {
    std::unique_ptr<sql::Statement> statement = TRY(session_->prepare(sql));
    for (std::size_t at = 0; at < rows.size(); at += width) {
      for (std::size_t i = 0; i < width; ++i) TRY(statement->bind(i + 1, rows[at + i].ref()));
      TRY(statement->step());
      statement->reset();
    }
    return {};
  }

  bool autocommit() const override { return session_->autocommit(); }

  Result<void> close() override {
    session_.reset();
    if (database_ == nullptr) return {};
    Result<void> closed = database_->close();
    database_.reset();
    return closed;
  }

 private:
  std::unique_ptr<io::Vfs> vfs_;
  std::shared_ptr<sql::Database> database_;
  std::unique_ptr<sql::Session> session_;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_local(const LocalOptions& given) {
  LocalOptions options = given;
  // SQLite's URI form, as far as it concerns a plain file.
  if (options.path.starts_with("file:")) {
    options.path.erase(0, 5);
    const std::size_t query = options.path.find('?');
    if (query != std::string::npos) {
      const std::string parameters = options.path.substr(query + 1);
      options.path.resize(query);
      if (parameters.find("immutable=1") != std::string::npos ||
          parameters.find("mode=ro") != std::string::npos) {
        options.read_only = true;
      }
    }
  }
  const bool in_memory = options.path.empty() || options.path == ":memory:";
  std::unique_ptr<io::Vfs> vfs;
  if (in_memory) {
    vfs = io::make_memory_vfs();
  } else {
    const io::VfsChoice choice = options.vfs == "posix"      ? io::VfsChoice::posix
                                 : options.vfs == "io_uring" ? io::VfsChoice::io_uring
                                                             : io::VfsChoice::automatic;
    vfs = TRY(io::make_vfs(choice, true, nullptr));
  }
  sql::DatabaseOptions database_options;
  database_options.storage.read_only = options.read_only;
  auto database =
      TRY(sql::Database::open(*vfs, in_memory ? "memory" : options.path, database_options));
  return std::unique_ptr<Connection>(
      std::make_unique<LocalConnection>(std::move(vfs), std::move(database)));
}

}  // namespace saturn::shell
