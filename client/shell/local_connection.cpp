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
    phase_ = Phase::prepare;
    const std::unique_ptr<sql::Statement> statement = TRY(session_->prepare(sql, &consumed));
    if (!statement) return {};
    phase_ = Phase::step;
    bool begun = false;
    std::vector<ValueRef> values;
    for (;;) {
      const bool more = TRY(statement->step());
      // Only now: a statement that had to be compiled again may have other columns.
      if (!begun && statement->column_count() > 0) {
        begin_rows(*statement, sink);
        values.resize(statement->column_count());
        begun = true;
      }
      if (!more) break;
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = statement->column(i);
      sink.row(values);
    }
    if (begun) sink.end();
    return {};
  }

  Phase failed_phase() const noexcept override { return phase_; }

  Result<void> insert_rows(const std::string& sql, std::size_t width, std::span<const Value> rows,
                           std::size_t& inserted) override {
    inserted = 0;
    const std::unique_ptr<sql::Statement> statement = TRY(session_->prepare(sql));
    for (std::size_t at = 0; at < rows.size(); at += width) {
      for (std::size_t i = 0; i < width; ++i) TRY(statement->bind(i + 1, rows[at + i].ref()));
      TRY(statement->step());
      statement->reset();
      ++inserted;
    }
    return {};
  }

  Result<bool> double_quoted_texts(std::optional<bool> on) override {
    if (on) session_->set_double_quoted_texts(*on);
    return session_->double_quoted_texts();
  }

  Result<void> backup(const std::string& path) override {
    if (vfs_->name() != "memory")
      return storage::write_backup(database_->storage(), *vfs_, path, 0);
    return storage::write_backup(database_->storage(), *io::make_posix_vfs(), path, 0);
  }

  bool autocommit() const override { return session_->autocommit(); }

  Result<void> close() override {
    if (database_ == nullptr) return {};
    Result<void> detached = session_->close();
    session_.reset();
    Result<void> closed = database_->close();
    database_.reset();
    TRY(std::move(detached));
    return closed;
  }

 private:
  static void begin_rows(const sql::Statement& statement, RowSink& sink) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < statement.column_count(); ++i) {
      names.emplace_back(statement.column_name(i));
    }
    sink.begin(names);
  }

  // In this order: the file goes before the backend it lives in.
  std::unique_ptr<io::Vfs> vfs_;
  std::shared_ptr<sql::Database> database_;
  std::unique_ptr<sql::Session> session_;
  Phase phase_ = Phase::prepare;
};

/// SQLite's URI form (https://www.sqlite.org/uri.html), as far as it concerns a plain file.
void take_uri(std::string& path, LocalOptions& options) {
  if (!path.starts_with("file:")) return;
  path.erase(0, 5);
  const std::size_t query = path.find('?');
  if (query == std::string::npos) return;
  const std::string parameters = path.substr(query + 1);
  path.resize(query);
  if (parameters.find("immutable=1") != std::string::npos ||
      parameters.find("mode=ro") != std::string::npos) {
    options.read_only = true;
  }
}

}  // namespace

Result<std::unique_ptr<Connection>> open_local(const std::string& given,
                                               const LocalOptions& given_options) {
  std::string path = given;
  LocalOptions options = given_options;
  take_uri(path, options);
  const bool in_memory = path.empty() || path == ":memory:";
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
  database_options.storage.read_only = options.read_only && !in_memory;
  database_options.storage.create = !database_options.storage.read_only;
  auto database = TRY(sql::Database::open(*vfs, in_memory ? "memory" : path, database_options));
  return std::unique_ptr<Connection>(
      std::make_unique<LocalConnection>(std::move(vfs), std::move(database)));
}

Result<std::unique_ptr<Connection>> open_target(const std::string& target,
                                                const LocalOptions& options) {
  if (target.find("://") != std::string::npos) return open_remote(target);
  return open_local(target, options);
}

}  // namespace saturn::shell
