#pragma once

#include "catalog/schema.hpp"
#include "exec/runtime.hpp"

namespace saturn::sql {

/// AUTOINCREMENT's counters (https://www.sqlite.org/autoinc.html) as a statement has them, those of
/// the triggers that it fires included (`SessionState::sequences`). Nobody sees in sqlite_sequence
/// what the statement has counted until it is done, and one that stops with FAIL leaves it as it
/// was.

/// At the beginning of a statement.
void forget_sequences(SessionState& session) noexcept;
/// The table's counter, which stays where it is until the statement ends; `sequence_table` is
/// sqlite_sequence, `corrupt` where it is missing. // SUSPENDS
Result<Sequence*> sequence_of(Runtime& runtime, const Table& table, const Table* sequence_table);
/// At the end of a statement: writes what has changed. // SUSPENDS
Result<void> write_sequences(Runtime& runtime);

}  // namespace saturn::sql
