#include "base/text.hpp"
#include "connection.hpp"
#include "saturn/client.hpp"
#include "splitter.hpp"

#include <algorithm>

namespace saturn::shell {
namespace {

/// The length of the first statement of `sql`, its `;` included.
std::size_t first_statement(std::string_view sql) {
  Splitter splitter;
  std::size_t at = 0;
  while (at < sql.size()) {
    const std::size_t semicolon = sql.find(';', at);
    if (semicolon == std::string_view::npos) return sql.size();
    const bool complete = splitter.feed(sql.substr(at, semicolon + 1 - at));
    at = semicolon + 1;
    if (complete) return at;
  }
  return sql.size();
}

Value to_value(const client::Value& v) {
  if (v.is_null()) return {};
  try {
    return v.get<std::int64_t>();
  } catch (const client::Error&) {
  }
  try {
    return v.get<double>();
  } catch (const client::Error&) {
  }
  try {
    return v.get<std::string>();
  } catch (const client::Error&) {
  }
  return Value::Blob{v.get<client::Blob>().bytes};
}

client::Value from_value(const Value& value) {
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

/// The server's error as the engine would have given it.
Error from_client(const client::Error& error) {
  std::string message = error.what();
  constexpr std::string_view kPrefix = "SQLite error: ";
  if (message.starts_with(kPrefix)) message.erase(0, kPrefix.size());
  Code code = Code::error;
  for (int number = 1; number < 27; ++number) {
    if (code_name(static_cast<Code>(number)) == error.code()) code = static_cast<Code>(number);
  }
  return Error(code, std::move(message));
}

class RemoteConnection final : public Connection {
 public:
  explicit RemoteConnection(client::Connection connection)
      : connection_(std::move(connection)), session_(connection_.session()) {}

  Result<void> run(std::string_view sql, std::size_t& consumed, RowSink& sink) override {
    consumed = first_statement(sql);
    const std::string_view statement = sql.substr(0, consumed);
    Splitter splitter;
    splitter.feed(statement);
    if (statement.find_first_not_of("; \t\r\n") == std::string_view::npos) return {};
    try {
      const client::Result result = session_.execute(statement);
      if (result.columns.empty()) return {};
      std::vector<std::string> names;
      for (const client::Column& column : result.columns) names.push_back(column.name);
      sink.begin(names);
      for (const client::Row& row : result.rows) {
        std::vector<Value> values;
        for (std::size_t i = 0; i < row.size(); ++i) values.push_back(to_value(row[i]));
        std::vector<ValueRef> refs;
        for (const Value& value : values) refs.push_back(value.ref());
        sink.row(refs);
      }
      sink.end();
    } catch (const client::Error& error) {
      if (error.code() == "SQL_NO_STATEMENT") return {};
      return from_client(error);
    }
    return {};
  }

  Result<void> insert_rows(const std::string& sql, std::size_t width,
                           std::span<const Value> rows) override {
    std::vector<client::Parameters> parameters;
    for (std::size_t at = 0; at < rows.size(); at += width) {
      client::Parameters row;
      for (std::size_t i = 0; i < width; ++i) row.push_back(from_value(rows[at + i]));
      parameters.push_back(std::move(row));
    }
    try {
      session_.execute_many(sql, parameters);
    } catch (const client::Error& error) {
      return from_client(error);
    }
    return {};
  }

  bool autocommit() const override { return session_.autocommit(); }

  Result<void> close() override {
    try {
      session_.close();
    } catch (const client::Error& error) {
      return from_client(error);
    }
    return {};
  }

 private:
  client::Connection connection_;
  client::Session session_;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_remote(const std::string& url) {
  try {
    client::Connection connection = client::Connection::open(url);
    connection.execute("SELECT 1");
    return std::unique_ptr<Connection>(std::make_unique<RemoteConnection>(std::move(connection)));
  } catch (const client::Error& error) {
    return from_client(error);
  }
}

}  // namespace saturn::shell
