#pragma once

#include "protocol/batch.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/messages.hpp"
#include "sql/session.hpp"
#include "sql_stream.hpp"

#include <memory>
#include <vector>

namespace saturn::server {

/// A batch that is run as far as its results are asked for: POST /v3/cursor, and the cursors of
/// WebSockets. It borrows its stream, which nothing else uses while the cursor is there.
class Cursor {
 public:
  /// The SQL texts are resolved, or stored in the stream.
  Cursor(SqlStream& stream, std::int32_t id, protocol::Batch batch)
      : stream_(stream), id_(id), batch_(std::move(batch)) {}

  std::int32_t id() const noexcept { return id_; }

  /// Writes the next entry; false, and nothing is written, when there is none left. // SUSPENDS
  bool next(protocol::JsonWriter& out);

 private:
  bool begin_step(protocol::JsonWriter& out);
  void end_step(protocol::JsonWriter& out, std::optional<protocol::HranaError> error);

  SqlStream& stream_;
  std::int32_t id_;
  protocol::Batch batch_;
  std::vector<protocol::StepOutcome> outcomes_;  ///< of the steps that are over
  std::unique_ptr<sql::Statement> statement_;    ///< of the step that is on
  bool row_ready_ = false;                       ///< `statement_` stands on a row not yet written
  std::optional<protocol::HranaError> pending_;  ///< why the step failed behind the last row
  bool is_noop_ = false;  ///< the step is a ROLLBACK that has nothing to do any more
  bool failed_ = false;   ///< a condition could not be evaluated
  io::Clock::time_point began_;
  std::vector<ValueRef> values_;
};

}  // namespace saturn::server
