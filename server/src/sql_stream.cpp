#include "sql_stream.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "protocol/batch.hpp"
#include "protocol/error.hpp"

#include <chrono>

namespace saturn::server {

using protocol::HranaError;
using protocol::StepOutcome;

namespace {

/// `sql` without what may stand before or between statements: blanks, comments and `;`.
std::string_view skip_blank(std::string_view sql) noexcept {
  for (;;) {
    while (!sql.empty() && (sql[0] == ' ' || sql[0] == '\t' || sql[0] == '\n' || sql[0] == '\r' ||
                            sql[0] == '\f' || sql[0] == ';')) {
      sql.remove_prefix(1);
    }
    if (sql.substr(0, 2) == "--") {
      const std::size_t end = sql.find('\n');
      sql = end == std::string_view::npos ? std::string_view() : sql.substr(end + 1);
    } else if (sql.substr(0, 2) == "/*") {
      const std::size_t end = sql.find("*/", 2);
      sql = end == std::string_view::npos ? std::string_view() : sql.substr(end + 2);
    } else {
      return sql;
    }
  }
}

bool starts_with_word(std::string_view sql, std::string_view word) noexcept {
  sql = skip_blank(sql);
  if (sql.size() < word.size() || !equals_nocase(sql.substr(0, word.size()), word)) return false;
  return sql.size() == word.size() || !((sql[word.size()] | 0x20) >= 'a' && (sql[word.size()] | 0x20) <= 'z');
}

}  // namespace

SqlStream::SqlStream(std::shared_ptr<sql::Database> database, const sql::SessionOptions& options,
                     StreamLimits limits)
    : session_(std::move(database), options), limits_(limits) {}

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
SqlStream::Failure SqlStream::timed_out(std::string_view sql) {
  if (!transaction_timed_out_) return {};
  const bool ends = starts_with_word(sql, "commit") || starts_with_word(sql, "end") ||
                    starts_with_word(sql, "rollback");
  if (ends) transaction_timed_out_ = false;
  return protocol::make_error(protocol::codes::kTransactionTimeout,
                              "the transaction was open for too long and has been rolled back");
}

SqlStream::Failure SqlStream::prepare(std::string_view sql,
                                      std::unique_ptr<sql::Statement>& statement) {
  if (auto failed = timed_out(sql)) return failed;
  std::size_t consumed = 0;
  auto prepared = session_.prepare(sql, &consumed);
  if (!prepared) return protocol::from_engine(prepared.error());
  if (!*prepared) return protocol::no_statement();
  if (!skip_blank(sql.substr(consumed)).empty()) return protocol::many_statements();
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
    if (!bound) return protocol::from_engine(std::move(bound).error());
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
    if (!bound) return protocol::from_engine(std::move(bound).error());
  }
  return {};
}

SqlStream::Failure SqlStream::start(const protocol::Stmt& stmt,
                                    std::unique_ptr<sql::Statement>& statement) {
  std::string_view sql;
  if (auto failed = text_of(stmt.sql, sql)) return failed;
  if (auto failed = prepare(sql, statement)) return failed;
  return bind(stmt, *statement);
}

void SqlStream::note_transaction() {
  if (session_.autocommit()) {
    transaction_since_ = io::Clock::time_point::max();
  } else if (transaction_since_ == io::Clock::time_point::max()) {
    transaction_since_ = io::Clock::now();
  }
}

void SqlStream::check_timeout(io::Clock::time_point now) {
  if (limits_.transaction_timeout_ms == 0 || session_.autocommit()) return;
  if (transaction_since_ == io::Clock::time_point::max()) return;
  if (now - transaction_since_ < std::chrono::milliseconds(limits_.transaction_timeout_ms)) return;
  session_.rollback();
  transaction_timed_out_ = true;
  transaction_since_ = io::Clock::time_point::max();
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

/// Steps to the end, handing each row to `row` if they are wanted.
SqlStream::Failure SqlStream::rows(
    sql::Statement& statement, bool wanted,
    const std::function<Result<void>(std::span<const ValueRef>)>& row, protocol::JsonWriter& out,
    std::size_t start) {
  const std::size_t width = statement.column_count();
  for (;;) {
    auto more = statement.step();
    if (!more) return protocol::from_engine(more.error());
    if (!*more) return {};
    if (!wanted) continue;
    values_.resize(width);
    for (std::size_t i = 0; i < width; ++i) values_[i] = statement.column(i);
    Result<void> written = row(values_);
    if (!written) return protocol::from_engine(std::move(written).error());
    if (out.mark().size - start > limits_.response_bytes) {
      return protocol::make_error(protocol::codes::kResponseTooLarge,
                                  "the result is larger than the server sends in one answer: use "
                                  "LIMIT, or a cursor");
    }
  }
}

SqlStream::Failure SqlStream::execute(const protocol::Stmt& stmt, protocol::JsonWriter& out) {
  const io::Clock::time_point since = io::Clock::now();
  std::unique_ptr<sql::Statement> statement;
  if (auto failed = start(stmt, statement)) return failed;
  const protocol::JsonWriter::Mark mark = out.mark();
  protocol::StmtResultWriter result(out);
  result.begin(columns_of(*statement));
  auto failed = rows(
      *statement, stmt.want_rows,
      [&](std::span<const ValueRef> values) { return result.row(values); }, out, mark.size);
  note_transaction();
  if (failed) {
    out.rewind(mark);
    return failed;
  }
  result.finish(trailer(*statement, since));
  return {};
}

SqlStream::Failure SqlStream::execute_simple(const protocol::Stmt& stmt,
                                             protocol::JsonWriter& out) {
  const io::Clock::time_point since = io::Clock::now();
  std::unique_ptr<sql::Statement> statement;
  if (auto failed = start(stmt, statement)) return failed;
  const protocol::JsonWriter::Mark mark = out.mark();
  protocol::SimpleResultWriter result(out);
  result.begin(columns_of(*statement));
  auto failed = rows(
      *statement, stmt.want_rows,
      [&](std::span<const ValueRef> values) { return result.row(values); }, out, mark.size);
  note_transaction();
  if (failed) {
    out.rewind(mark);
    return failed;
  }
  result.finish(trailer(*statement, since));
  return {};
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
      auto holds = protocol::evaluate(*step.condition, outcomes, session_.autocommit());
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

void SqlStream::run_cursor(const protocol::Batch& steps, protocol::JsonWriter& out,
                           const std::function<bool()>& entry) {
  std::vector<StepOutcome> outcomes;
  for (std::uint32_t number = 0; number < steps.steps.size(); ++number) {
    const protocol::BatchStep& step = steps.steps[number];
    bool runs = true;
    if (step.condition) {
      auto holds = protocol::evaluate(*step.condition, outcomes, session_.autocommit());
      if (!holds) {
        protocol::write_cursor_error(out, protocol::from_decoder(holds.error()));
        entry();
        return;
      }
      runs = *holds;
    }
    outcomes.push_back(StepOutcome::skipped);
    if (!runs) continue;
    const io::Clock::time_point since = io::Clock::now();
    std::unique_ptr<sql::Statement> statement;
    Failure failed = start(step.stmt, statement);
    if (!failed) {
      protocol::write_step_begin(out, number, columns_of(*statement));
      if (!entry()) return;
    }
    while (!failed) {
      auto more = statement->step();
      if (!more) {
        failed = protocol::from_engine(more.error());
        break;
      }
      if (!*more) break;
      if (!step.stmt.want_rows) continue;
      values_.resize(statement->column_count());
      for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = statement->column(i);
      Result<void> written = protocol::write_row_entry(out, values_);
      if (!written) {
        failed = protocol::from_engine(std::move(written).error());
        break;
      }
      if (!entry()) return;
    }
    note_transaction();
    if (failed) {
      protocol::write_step_error(out, number, *failed);
    } else {
      protocol::write_step_end(out, trailer(*statement, since));
    }
    outcomes.back() = failed ? StepOutcome::error : StepOutcome::ok;
    if (!entry()) return;
  }
}

SqlStream::Failure SqlStream::sequence(const protocol::SqlSource& source) {
  std::string_view sql;
  if (auto failed = text_of(source, sql)) return failed;
  if (auto failed = timed_out(sql)) return failed;
  Result<void> done = session_.execute(sql);
  note_transaction();
  if (!done) return protocol::from_engine(std::move(done).error());
  return {};
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
