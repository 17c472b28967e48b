#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// libsaturn: a client of saturnd (and of any server that speaks Hrana 3 over HTTP) for C++20. The
/// header needs nothing but the standard library.
///
///     auto db = saturn::client::Connection::open("http://127.0.0.1:8080");
///     db.execute("CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b TEXT)");
///     auto tx = db.begin();
///     tx.execute("INSERT INTO t(b) VALUES (?)", {"hello"});
///     tx.commit();
///     for (const auto& row : db.execute("SELECT a, b FROM t").rows) {
///       std::cout << row.get<std::int64_t>("a") << ' ' << row.get<std::string>("b") << '\n';
///     }
///
/// All calls block until the server has answered. Whatever fails throws `Error`. A connection and
/// what was made from it belong to one thread at a time; use one connection a thread.
namespace saturn::client {

/// What the server or the network refused. `code()` is the server's code ("SQLITE_CONSTRAINT",
/// "TRANSACTION_TIMEOUT"), or one from this side: "NETWORK_ERROR" (nobody there, or gone before the
/// answer: then `what()` says whether the statement may have run), "PROTOCOL_ERROR" (an answer that
/// makes no sense), "USAGE_ERROR", "TRANSACTION_CLOSED" (the transaction has ended already).
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, std::string code,
        std::optional<std::size_t> index = std::nullopt)
      : std::runtime_error(message), code_(std::move(code)), index_(index) {}
  const std::string& code() const noexcept { return code_; }
  /// Which statement of a `batch`, or row of `execute_many`, failed (from 0), where it was one.
  std::optional<std::size_t> index() const noexcept { return index_; }

 private:
  std::string code_;
  std::optional<std::size_t> index_;
};

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

enum class Type : std::uint8_t { null, integer, real, text, blob };

/// One of SQLite's five kinds of values.
class Value {
 public:
  Value() noexcept = default;  ///< NULL
  Value(std::nullptr_t) noexcept {}
  template <std::integral T>
  Value(T v) noexcept : state_(static_cast<std::int64_t>(v)) {}
  template <std::floating_point T>
  Value(T v) noexcept : state_(static_cast<double>(v)) {}
  Value(std::string v) : state_(std::move(v)) {}
  Value(std::string_view v) : state_(std::string(v)) {}
  Value(const char* v) : state_(std::string(v)) {}
  Value(Blob v) : state_(std::move(v)) {}

  Type type() const noexcept { return static_cast<Type>(state_.index()); }
  bool is_null() const noexcept { return type() == Type::null; }
  /// The value as `std::int64_t`, `double`, `std::string` or `Blob`; an integer is also had as a
  /// double. Throws `Error` when it is another kind.
  template <typename T>
  T get() const {
    if (const T* v = std::get_if<T>(&state_)) return *v;
    if constexpr (std::is_same_v<T, double>) {
      if (const auto* i = std::get_if<std::int64_t>(&state_)) return static_cast<double>(*i);
    }
    throw Error("the value is of another type", "USAGE_ERROR");
  }
  /// The same without conversion or throwing: null when it is another kind.
  template <typename T>
  const T* get_if() const noexcept {
    return std::get_if<T>(&state_);
  }
  bool operator==(const Value&) const = default;

 private:
  friend class Codec;
  std::variant<std::monostate, std::int64_t, double, std::string, Blob> state_;
};

using Parameters = std::vector<Value>;
/// Names with or without their ':'.
using NamedParameters = std::vector<std::pair<std::string, Value>>;

struct Column {
  std::string name;
  std::string type;  ///< the declared type of the table's column; empty for expressions
};

class Row {
 public:
  Row(std::shared_ptr<const std::vector<Column>> columns, std::vector<Value> values)
      : columns_(std::move(columns)), values_(std::move(values)) {}
  std::size_t size() const noexcept { return values_.size(); }
  const Value& operator[](std::size_t index) const { return values_.at(index); }
  /// By the column's name; throws `Error` when there is none.
  const Value& operator[](std::string_view name) const;
  template <typename T, typename Key>
  T get(const Key& key) const {
    return (*this)[key].template get<T>();
  }

 private:
  std::shared_ptr<const std::vector<Column>> columns_;
  std::vector<Value> values_;
};

struct Result {
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::uint64_t affected_rows = 0;
  std::int64_t last_insert_rowid = 0;
};

struct Statement {
  std::string sql;
  Parameters parameters{};
};

struct Options {
  std::uint32_t timeout_ms = 60'000;  ///< for the server to answer; 0 = none
  std::string token{};                ///< sent as "Authorization: Bearer"
};

class PreparedStatement;
class Session;
class Transaction;

/// A connection: statements run one by one, each committed by itself unless in a `Transaction`.
class Connection {
 public:
  /// `http://HOST[:PORT]` or `libsql://HOST:PORT?tls=0`. Connects at the first call.
  static Connection open(std::string_view url, const Options& options = {});
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  Result execute(std::string_view sql, const Parameters& parameters = {});
  Result execute_named(std::string_view sql, const NamedParameters& parameters);
  /// All or nothing: the statements run in one transaction.
  std::vector<Result> batch(const std::vector<Statement>& statements);
  /// Statements separated by ';', without parameters and without results.
  void execute_script(std::string_view sql);
  PreparedStatement prepare(std::string_view sql);
  /// A session of its own on the server: BEGIN and pragmas last from one call to the next.
  Session session();

  /// The database file as the server's last commit has left it: its bytes go to `sink` as they
  /// arrive, at so many a second; 0: as fast as can be. When this throws, `sink` has not got all of
  /// it.
  void backup(const std::function<void(std::string_view bytes)>& sink,
              std::uint64_t bytes_per_second = 0);

  enum class Mode { deferred, immediate, read_only };
  Transaction begin(Mode mode = Mode::immediate);

 private:
  friend class PreparedStatement;
  friend class Session;
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A statement that the server has checked; must not outlive its connection.
class PreparedStatement {
 public:
  const std::vector<Column>& columns() const noexcept { return columns_; }
  /// Names with their prefix; empty for plain '?'.
  const std::vector<std::string>& parameters() const noexcept { return parameters_; }
  bool is_read_only() const noexcept { return read_only_; }
  Result execute(const Parameters& parameters = {});

 private:
  friend class Connection;
  PreparedStatement() = default;
  Connection::Impl* connection_ = nullptr;
  std::string sql_;
  std::vector<Column> columns_;
  std::vector<std::string> parameters_;
  bool read_only_ = false;
};

/// A session on the server, from its first call to `close` or destruction. A transaction that is
/// open at its end is rolled back. Must not outlive its connection.
///
/// When the server has given the session up (idle for long, or restarted) while no transaction was
/// open, the next call starts a new one, and only the settings of pragmas are lost; inside a
/// transaction that call and all later ones throw, so that no statement runs outside of it unseen.
class Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) = delete;
  ~Session();

  Result execute(std::string_view sql, const Parameters& parameters = {});
  Result execute_named(std::string_view sql, const NamedParameters& parameters);
  /// The same statement once for each of the parameter lists; rows it returns are dropped. Stops at
  /// the first failure; what ran before stays, unless a transaction around it is rolled back.
  void execute_many(std::string_view sql, const std::vector<Parameters>& rows);
  void execute_script(std::string_view sql);
  /// Whether no transaction was open after the last call.
  bool autocommit() const noexcept { return autocommit_; }
  void close();

 private:
  friend class Connection;
  friend class Transaction;
  explicit Session(Connection::Impl* connection) : connection_(connection) {}
  struct Call;
  Connection::Impl* connection_;  ///< null once it has ended
  std::string baton_;             ///< empty: no stream is open
  bool autocommit_ = true;
  bool lost_transaction_ = false;  ///< what follows must not run outside of it
};

/// A transaction; rolls back when it is destroyed before `commit`. Other calls on the connection
/// stay outside of it. Once it has ended, whoever ended it, every call throws TRANSACTION_CLOSED: a
/// statement never runs outside of it.
class Transaction {
 public:
  Result execute(std::string_view sql, const Parameters& parameters = {}) {
    return open_session().execute(sql, parameters);
  }
  Result execute_named(std::string_view sql, const NamedParameters& parameters) {
    return open_session().execute_named(sql, parameters);
  }
  void execute_many(std::string_view sql, const std::vector<Parameters>& rows) {
    open_session().execute_many(sql, rows);
  }
  void execute_script(std::string_view sql) { open_session().execute_script(sql); }
  void commit();
  void rollback() { open_session().close(); }
  bool active() const noexcept { return !session_.autocommit(); }

 private:
  friend class Connection;
  explicit Transaction(Session session) : session_(std::move(session)) {}
  Session& open_session();
  Session session_;
};

}  // namespace saturn::client
