#include "exec/function_access.hpp"

#include "base/text.hpp"
#include "value/recode.hpp"

namespace saturn::sql {

FunctionAccess::FunctionAccess(Runtime& runtime, Parts parts)
    : runtime_(runtime), parts_(std::move(parts)) {
  columns_.resize(parts_.arguments.size());
  arguments_.resize(parts_.arguments.size());
  if (parts_.track_matches) rowids_.resize(limits::kBatchRows);
}

Result<void> FunctionAccess::open() {
  matched_.clear();
  called_once_more_ = false;
  return {};
}

Result<void> FunctionAccess::bind(EvalContext& left, Selection selection) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (parts_.arguments[i]) {
      TRY(parts_.arguments[i]->eval(left, selection, columns_[i].get()));
    }
  }
  return {};
}

Result<void> FunctionAccess::start(RowIndex left_row) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (parts_.arguments[i]) arguments_[i] = columns_[i].get()[left_row];
  }
  return parts_.cursor->start(arguments_);
}

/// Writes the row at which the cursor stands.
Result<void> FunctionAccess::write_row(const Batch& out, std::uint32_t row) {
  const TextEncoding encoding = runtime_.session.encoding();
  for (const auto& [column, slot] : parts_.wanted) {
    const ValueRef v = TRY(parts_.cursor->column(column, arena_));
    out.columns[slot][row] =
        is_utf16(encoding) ? recoded(v, Recode::entering, encoding, false, arena_) : v;
  }
  if (parts_.rowid_slot != kNoSlot) {
    out.columns[parts_.rowid_slot][row] = ValueRef::integer(parts_.cursor->rowid());
  }
  return {};
}

Result<std::uint32_t> FunctionAccess::fetch(const Batch& out, std::uint32_t at,
                                            std::uint32_t room) {
  std::uint32_t count = 0;
  for (; count < room; ++count) {
    const bool more = TRY(parts_.cursor->next());
    if (!more) break;
    TRY(write_row(out, at + count));
    if (parts_.track_matches) rowids_[at + count] = parts_.cursor->rowid();
  }
  runtime_.rows_read += count;
  return count;
}

/// The columns of the left side are NULL in row 0 of `out`.
Result<std::uint32_t> FunctionAccess::fetch_unmatched(const Batch& out, std::uint32_t room) {
  if (!called_once_more_) {
    called_once_more_ = true;
    last_arena_.reset();
    EvalContext nulls{runtime_, last_arena_, out};
    TRY(bind(nulls, first_rows(1)));
    TRY(start(0));
  }
  arena_.reset();
  std::uint32_t count = 0;
  while (count < room) {
    const bool more = TRY(parts_.cursor->next());
    if (!more) break;
    TRY(runtime_.poll());
    if (matched_.contains(parts_.cursor->rowid())) continue;
    TRY(write_row(out, count++));
  }
  runtime_.rows_read += count;
  return count;
}

std::string FunctionAccess::describe() const { return cat("SCAN ", parts_.label, " FUNCTION"); }

}  // namespace saturn::sql
