#include "cursor.hpp"

#include "protocol/json_results.hpp"

namespace saturn::server {

using protocol::HranaError;
using protocol::StepOutcome;

/// Goes on to the next step that runs. False when there is none.
bool Cursor::begin_step(protocol::JsonWriter& out) {
  while (outcomes_.size() < batch_.steps.size() && !failed_) {
    const protocol::BatchStep& step = batch_.steps[outcomes_.size()];
    if (step.condition) {
      auto holds = protocol::evaluate(*step.condition, outcomes_, stream_.autocommit());
      if (!holds) {
        failed_ = true;
        protocol::write_cursor_error(out, protocol::from_decoder(holds.error()));
        return true;
      }
      if (!*holds) {
        outcomes_.push_back(StepOutcome::skipped);
        continue;
      }
    }
    const auto number = static_cast<std::uint32_t>(outcomes_.size());
    began_ = io::Clock::now();
    std::optional<HranaError> error = stream_.start(step.stmt, statement_);
    if (!error && statement_ == nullptr) {
      protocol::write_step_begin(out, number, {});
      is_noop_ = true;
      return true;
    }
    if (!error) {
      auto more = statement_->step();
      if (!more) error = sql_error(more.error());
      row_ready_ = more && *more;
    }
    if (error) {
      end_step(out, std::move(error));
      return true;
    }
    protocol::write_step_begin(out, number, SqlStream::columns_of(*statement_));
    return true;
  }
  return false;
}

void Cursor::end_step(protocol::JsonWriter& out, std::optional<HranaError> error) {
  const auto number = static_cast<std::uint32_t>(outcomes_.size());
  protocol::StmtTrailer trailer;
  if (!error) trailer = stream_.trailer(*statement_, began_);
  statement_.reset();
  row_ready_ = false;
  stream_.finished(error);
  if (!error) error = stream_.settle();
  outcomes_.push_back(error ? StepOutcome::error : StepOutcome::ok);
  if (error) {
    protocol::write_step_error(out, number, *error);
  } else {
    protocol::write_step_end(out, trailer);
  }
}

bool Cursor::next(protocol::JsonWriter& out) {
  if (is_noop_) {
    is_noop_ = false;
    outcomes_.push_back(StepOutcome::ok);
    protocol::write_step_end(out, {});
    return true;
  }
  if (statement_ == nullptr) return begin_step(out);
  const bool want_rows = batch_.steps[outcomes_.size()].stmt.want_rows;
  std::optional<HranaError> error;
  while (row_ready_) {
    if (want_rows) {
      values_.resize(statement_->column_count());
      for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = statement_->column(i);
      Result<void> written = protocol::write_row_entry(out, values_);
      if (!written) {
        error = sql_error(std::move(written).error());
        break;
      }
    }
    auto more = statement_->step();
    if (!more) {
      // The row before it has been written: the error is the next entry.
      if (want_rows) {
        pending_ = sql_error(more.error());
        row_ready_ = false;
        return true;
      }
      error = sql_error(more.error());
      break;
    }
    row_ready_ = *more;
    if (want_rows) return true;
  }
  if (!error && pending_) error = std::move(pending_);
  pending_.reset();
  end_step(out, std::move(error));
  return true;
}

}  // namespace saturn::server
