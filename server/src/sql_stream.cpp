#include "sql_stream.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "protocol/batch.hpp"
#include "protocol/error.hpp"
#include "sql_text.hpp"

#include <algorithm>
#include <chrono>

namespace saturn::server {

using protocol::HranaError;
using protocol::StepOutcome;

namespace {

constexpr auto kNever = io::Clock::time_point::max();

HranaError timed_out_error() {
  return protocol::make_error(protocol::codes::kTransactionTimeout,
                              "the transaction was open for longer than transaction_timeout_ms and "
                              "was rolled back: end it with ROLLBACK and start again");
}

}  // namespace

HranaError sql_error(const Error& error) {
  HranaError out = protocol::from_engine(error);
  const std::string_view text = error.message();
  const bool from_parser = error.code() == Code::error &&
                           (text.ends_with(": syntax error") || text == "incomplete input" ||
                            text.starts_with("unrecognized token"));
  if (from_parser) out.code = protocol::codes::kSqlParseError;
  return out;
}

void SqlStreams::add(SqlStream& stream) {
  MutexLock lock(mutex_);
  streams_.push_back(&stream);
}

void SqlStreams::remove(SqlStream& stream) noexcept {
  MutexLock lock(mutex_);
  // From behind: most streams live for one request.
  const auto found = std::find(streams_.rbegin(), streams_.rend(), &stream);
  ASSERT(found != streams_.rend());
  *found = streams_.back();
  streams_.pop_back();
}

void SqlStreams::interrupt_all() {
  MutexLock lock(mutex_);
  for (SqlStream* stream : streams_) stream->interrupt();
}

SqlStream::SqlStream(SqlStreams& all, std::shared_ptr<sql::Database> database,
                     const sql::SessionOptions& options, StreamLimits limits)
    : all_(all), session_(std::move(database), options), limits_(limits) {
  all_.add(*this);
}

SqlStream::~SqlStream() { all_.remove(*this); }

// --- preparing -----------------------------------------------------------------------------------

SqlStream::Failure SqlStream::text_of(const protocol::SqlSource& source,
                                      std::string_view& text) const {
  if (const auto* sql = std::get_if<std::string>(&source)) {
    text = *sql;
    return {};
  }
  const auto found = stored_.find(std::get<std::int32_t>(source));
  if (found == stored_.end()) {
    return protocol::make_error(protocol::codes::kProtocolError,
                                cat("SQL text ", std::get<std::int32_t>(source), " is not stored"));
  }
  text = found->second;
  return {};
}

/// After a transaction was rolled back for its age, its statements must not run outside of it.
/// `ended` when `sql` is the ROLLBACK that ends it for the client.
SqlStream::Failure SqlStream::timed_out(std::string_view sql, bool& ended) {
  ended = false;
  if (!transaction_timed_out_) return {};
  const TransactionEnd end = transaction_end(sql);
  if (end != TransactionEnd::none) transaction_timed_out_ = false;
  ended = end == TransactionEnd::rollback;
  if (ended) return {};
  return timed_out_error();
}

SqlStream::Failure SqlStream::prepare(std::string_view sql,
                                      std::unique_ptr<sql::Statement>& statement) {
  session_.set_deadline(in_transaction_ ? transaction_deadline_ : kNever);
  std::size_t consumed = 0;
  auto prepared = session_.prepare(sql, &consumed);
  if (!prepared) return sql_error(prepared.error());
  if (!*prepared) return protocol::no_statement();
  if (!is_blank_sql(sql.substr(consumed))) return protocol::many_statements();
  statement = std::move(*prepared);
  return {};
}

SqlStream::Failure SqlStream::bind(const protocol::Stmt& stmt, sql::Statement& statement) {
  if (!stmt.args.empty() && !stmt.named_args.empty()) {
    return protocol::make_error(protocol::codes::kArgsBothPositionalAndNamed,
                                "a statement takes positional or named arguments, not both");
  }
  if (stmt.args.size() > statement.parameter_count()) {
    return protocol::make_error(
        protocol::codes::kArgsInvalid,
        cat("the statement has ", statement.parameter_count(), " parameters, and ",
            stmt.args.size(), " arguments were given"));
  }
  for (std::size_t i = 0; i < stmt.args.size(); ++i) {
    Result<void> bound = statement.bind(i + 1, stmt.args[i].ref());
    if (!bound) return sql_error(std::move(bound).error());
  }
  for (const protocol::NamedArg& arg : stmt.named_args) {
    std::size_t number = statement.parameter_number(arg.name);
    for (const char* prefix : {":", "@", "$"}) {
      if (number == 0) number = statement.parameter_number(cat(prefix, arg.name));
    }
    if (number == 0) {
      return protocol::make_error(protocol::codes::kArgsInvalid,
                                  cat("the statement has no parameter named ", arg.name));
    }
    Result<void> bound = statement.bind(number, arg.value.ref());
    if (!bound) return sql_error(std::move(bound).error());
  }
  return {};
}

SqlStream::Failure SqlStream::start(const protocol::Stmt& stmt,
                                    std::unique_ptr<sql::Statement>& statement) {
  std::string_view sql;
  if (auto failed = text_of(stmt.sql, sql)) return failed;
  bool ended = false;
  if (auto failed = timed_out(sql, ended)) return failed;
  if (ended) return {};
  if (auto failed = prepare(sql, statement)) return failed;
  return bind(stmt, *statement);
}

void SqlStream::finished(Failure& failure) {
  if (failure && is_overdue(io::Clock::now())) {
    expire_transaction();
    failure = timed_out_error();
  }
  const bool open = !session_.autocommit();
  if (open && !in_transaction_) {
    const std::uint32_t limit = limits_.transaction_timeout_ms;
    transaction_deadline_ =
        limit == 0 ? kNever : io::Clock::now() + std::chrono::milliseconds(limit);
  }
  if (!open) transaction_deadline_ = kNever;
  in_transaction_ = open;
}

void SqlStream::expire_transaction() noexcept {
  session_.rollback();
  in_transaction_ = false;
  transaction_deadline_ = kNever;
  transaction_timed_out_ = true;
}

// --- running -------------------------------------------------------------------------------------

std::vector<protocol::Column> SqlStream::columns_of(const sql::Statement& statement) {
  std::vector<protocol::Column> columns;
  for (std::size_t i = 0; i < statement.column_count(); ++i) {
    protocol::Column column;
    column.name = std::string(statement.column_name(i));
    const std::string_view type = statement.column_decltype(i);
    if (!type.empty()) column.decltype_name = std::string(type);
    columns.push_back(std::move(column));
  }
  return columns;
}

protocol::StmtTrailer SqlStream::trailer(const sql::Statement& statement,
                                         io::Clock::time_point since) const {
  protocol::StmtTrailer trailer;
  trailer.affected_row_count = static_cast<std::uint64_t>(statement.affected_rows());
  trailer.last_insert_rowid = session_.last_insert_rowid();
  trailer.rows_read = statement.rows_read();
  trailer.rows_written = statement.rows_written();
  trailer.query_duration_ms =
      std::chrono::duration<double, std::milli>(io::Clock::now() - since).count();
  return trailer;
}

/// One statement, from its text to its result, which `Writer` gives its form.
template <typename Writer>
SqlStream::Failure SqlStream::run(const protocol::Stmt& stmt, protocol::JsonWriter& out) {
  const io::Clock::time_point since = io::Clock::now();
  const protocol::JsonWriter::Mark mark = out.mark();
  Writer result(out);
  std::unique_ptr<sql::Statement> statement;
  Failure failed = start(stmt, statement);
  if (!failed && statement == nullptr) {
    result.begin({});
    result.finish({});
    return {};
  }
  bool begun = false;
  for (bool more = !failed; more && !failed;) {
    auto stepped = statement->step();
    if (!stepped) {
      failed = sql_error(stepped.error());
      break;
    }
    more = *stepped;
    // Not before the first step, which compiles again when the schema has changed.
    if (!begun) result.begin(columns_of(*statement));
    begun = true;
    if (more && stmt.want_rows) failed = row(*statement, result, out, mark.size);
  }
  if (!failed) result.finish(trailer(*statement, since));
  statement.reset();
  finished(failed);
  if (failed) out.rewind(mark);
  return failed;
}

/// Writes the row that the statement is on, within the limit on answers.
template <typename Writer>
SqlStream::Failure SqlStream::row(const sql::Statement& statement, Writer& result,
                                  const protocol::JsonWriter& out, std::size_t start) {
  values_.resize(statement.column_count());
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = statement.column(i);
  Result<void> written = result.row(values_);
  if (!written) return sql_error(std::move(written).error());
  if (out.mark().size - start <= limits_.response_bytes) return {};
  return protocol::make_error(protocol::codes::kResponseTooLarge,
                              "the result is larger than the server sends in one answer: use "
                              "LIMIT, or a cursor");
}

SqlStream::Failure SqlStream::execute(const protocol::Stmt& stmt, protocol::JsonWriter& out) {
  return run<protocol::StmtResultWriter>(stmt, out);
}

SqlStream::Failure SqlStream::execute_simple(const protocol::Stmt& stmt,
                                             protocol::JsonWriter& out) {
  return run<protocol::SimpleResultWriter>(stmt, out);
}

SqlStream::Failure SqlStream::batch(const protocol::Batch& steps, protocol::JsonWriter& out) {
  std::vector<StepOutcome> outcomes;
  std::vector<std::optional<HranaError>> errors;
  protocol::BatchResultWriter result(out);
  const protocol::JsonWriter::Mark mark = out.mark();
  result.begin();
  for (const protocol::BatchStep& step : steps.steps) {
    bool runs = true;
    if (step.condition) {
      auto holds = protocol::evaluate(*step.condition, outcomes, autocommit());
      if (!holds) {
        out.rewind(mark);
        return protocol::from_decoder(holds.error());
      }
      runs = *holds;
    }
    errors.emplace_back();
    if (!runs) {
      result.no_result();
      outcomes.push_back(StepOutcome::skipped);
      continue;
    }
    errors.back() = execute(step.stmt, out);
    if (errors.back()) result.no_result();
    outcomes.push_back(errors.back() ? StepOutcome::error : StepOutcome::ok);
  }
  result.finish(errors);
  return {};
}

SqlStream::Failure SqlStream::sequence(const protocol::SqlSource& source) {
  std::string_view sql;
  if (auto failed = text_of(source, sql)) return failed;
  while (!is_blank_sql(sql)) {
    bool ended = false;
    if (auto failed = timed_out(sql, ended)) return failed;
    session_.set_deadline(in_transaction_ ? transaction_deadline_ : kNever);
    std::size_t consumed = 0;
    auto prepared = session_.prepare(sql, &consumed);
    if (!prepared) return sql_error(prepared.error());
    std::unique_ptr<sql::Statement> statement = std::move(*prepared);
    if (statement == nullptr) return {};
    Failure failed;
    for (bool more = !ended; more;) {
      auto stepped = statement->step();
      if (!stepped) failed = sql_error(stepped.error());
      more = stepped && *stepped;
    }
    statement.reset();
    finished(failed);
    if (failed) return failed;
    sql.remove_prefix(consumed);
  }
  return {};
}

SqlStream::Failure SqlStream::settle() {
  Result<void> durable = session_.wait_durable();
  if (durable) return {};
  Failure failure = sql_error(std::move(durable).error());
  finished(failure);
  return failure;
}

SqlStream::Failure SqlStream::describe(const protocol::SqlSource& source,
                                       protocol::JsonWriter& out) {
  std::string_view sql;
  if (auto failed = text_of(source, sql)) return failed;
  std::unique_ptr<sql::Statement> statement;
  if (auto failed = prepare(sql, statement)) return failed;
  protocol::DescribeResult result;
  for (std::size_t i = 1; i <= statement->parameter_count(); ++i) {
    const std::string_view name = statement->parameter_name(i);
    result.params.push_back(name.empty() ? std::nullopt : std::optional(std::string(name)));
  }
  result.cols = columns_of(*statement);
  result.is_explain = statement->is_explain();
  result.is_readonly = statement->is_readonly();
  protocol::write_describe_result(out, result);
  return {};
}

SqlStream::Failure SqlStream::store_sql(std::int32_t id, std::string sql) {
  if (stored_.contains(id)) {
    return protocol::make_error(protocol::codes::kProtocolError,
                                cat("SQL text ", id, " is stored already"));
  }
  if (stored_.size() == limits::kStoredSqlMax) {
    return protocol::make_error(protocol::codes::kSqlStoreTooMany, "too many stored SQL texts");
  }
  if (stored_bytes_ + sql.size() > limits::kStoredSqlBytesMax) {
    return protocol::make_error(protocol::codes::kSqlStoreTooLarge,
                                "the stored SQL texts are too large");
  }
  stored_bytes_ += sql.size();
  stored_.emplace(id, std::move(sql));
  return {};
}

void SqlStream::close_sql(std::int32_t id) {
  const auto found = stored_.find(id);
  if (found == stored_.end()) return;
  stored_bytes_ -= found->second.size();
  stored_.erase(found);
}

}  // namespace saturn::server
