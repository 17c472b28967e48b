#include "base/text.hpp"
#include "connection.hpp"
#include "io/backends.hpp"
#include "saturn/client.hpp"
#include "splitter.hpp"
#include "storage/backup.hpp"

namespace saturn::shell {
namespace {

constexpr std::string_view kEnginePrefix = "SQLite error: ";

/// The code behind the name that a server sends. What is no code of SQLite's is a plain error.
Code code_of(std::string_view name) noexcept {
  for (int number = 1; number <= static_cast<int>(Code::notadb); ++number) {
    if (code_name(static_cast<Code>(number)) == name) return static_cast<Code>(number);
  }
  return Code::error;
}

bool is_mistake_in_sql(std::string_view code) noexcept { return code.starts_with("SQL_"); }

/// The engine's own text is shown as the engine words it; of anything else the code is shown too.
Error to_error(const client::Error& error) {
  const std::string_view message = error.what();
  if (message.starts_with(kEnginePrefix)) {
    return {code_of(error.code()), std::string(message.substr(kEnginePrefix.size()))};
  }
  return {code_of(error.code()), cat(message, " [", error.code(), "]")};
}

client::Value to_client(const Value& value) {
  const ValueRef v = value.ref();
  switch (v.type()) {
    case Type::null: return {};
    case Type::integer: return v.as_integer();
    case Type::real: return v.as_real();
    case Type::text: return std::string(v.bytes());
    case Type::blob: return client::Blob{std::string(v.bytes())};
  }
  return {};
}

ValueRef to_ref(const client::Value& value) {
  switch (value.type()) {
    case client::Type::null: return {};
    case client::Type::integer: return ValueRef::integer(*value.get_if<std::int64_t>());
    case client::Type::real: return ValueRef::real(*value.get_if<double>());
    case client::Type::text: return ValueRef::text(*value.get_if<std::string>());
    case client::Type::blob: return ValueRef::blob(value.get_if<client::Blob>()->bytes);
  }
  return {};
}

class RemoteConnection final : public Connection {
 public:
  explicit RemoteConnection(client::Connection connection)
      : connection_(std::move(connection)), session_(connection_.session()) {}

  Result<void> run(std::string_view sql, std::size_t& consumed, RowSink& sink) override {
    const Splitter::Statement first = Splitter::first_statement(sql);
    consumed = first.size;
    if (first.is_blank) return {};
    try {
      show(session_.execute(sql.substr(0, first.size)), sink);
    } catch (const client::Error& error) {
      phase_ = is_mistake_in_sql(error.code()) ? Phase::prepare : Phase::step;
      return to_error(error);
    }
    return {};
  }

  Phase failed_phase() const noexcept override { return phase_; }

  Result<void> insert_rows(const std::string& sql, std::size_t width, std::span<const Value> rows,
                           std::size_t& inserted) override {
    inserted = 0;
    std::vector<client::Parameters> parameters;
    for (std::size_t at = 0; at < rows.size(); at += width) {
      client::Parameters row;
      for (const Value& v : rows.subspan(at, width)) row.push_back(to_client(v));
      parameters.push_back(std::move(row));
    }
    try {
      session_.execute_many(sql, parameters);
      inserted = parameters.size();
    } catch (const client::Error& error) {
      inserted = error.index().value_or(0);
      return to_error(error);
    }
    return {};
  }

  Result<bool> double_quoted_texts(std::optional<bool> on) override {
    if (on && !*on) return Error(Code::error, "a server's sessions take double quotes for texts");
    return true;
  }

  Result<void> backup(const std::string& path) override {
    const std::unique_ptr<io::Vfs> vfs = io::make_posix_vfs();
    storage::BackupFile file = TRY(storage::BackupFile::create(*vfs, path));
    Result<void> written;
    try {
      connection_.backup([&](std::string_view bytes) {
        if (written)
          written =
              file.append({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      });
    } catch (const client::Error& error) {
      return to_error(error);
    }
    TRY(std::move(written));
    return file.finish();
  }

  bool autocommit() const override { return session_.autocommit(); }

  Result<void> close() override {
    try {
      session_.close();
    } catch (const client::Error& error) {
      return to_error(error);
    }
    return {};
  }

 private:
  static void show(const client::Result& result, RowSink& sink) {
    if (result.columns.empty()) return;
    std::vector<std::string> names;
    for (const client::Column& column : result.columns) names.push_back(column.name);
    sink.begin(names);
    std::vector<ValueRef> values(names.size());
    for (const client::Row& row : result.rows) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = to_ref(row[i]);
      sink.row(values);
    }
    sink.end();
  }

  client::Connection connection_;
  client::Session session_;
  Phase phase_ = Phase::prepare;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_remote(const std::string& url) {
  try {
    client::Connection connection = client::Connection::open(url);
    connection.execute("SELECT 1");  // says now, not at the first statement, that nobody is there
    return std::unique_ptr<Connection>(std::make_unique<RemoteConnection>(std::move(connection)));
  } catch (const client::Error& error) {
    return Error(Code::cantopen, error.what());
  }
}

}  // namespace saturn::shell
