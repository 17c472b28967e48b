#include "exec/program.hpp"

#include <algorithm>

namespace saturn::sql {

Result<void> run_to_end(Program& program, Runtime& runtime) {
  Result<void> ran = program.start(runtime);
  for (bool more = true; ran && more;) {
    auto batch = program.next(runtime);
    more = batch && *batch != nullptr;
    if (!batch) ran = std::move(batch).error();
  }
  program.finish(runtime);
  return ran;
}

Result<void> ImmediateProgram::start(Runtime&) {
  rows_.clear();
  shown_ = 0;
  done_ = false;
  return {};
}

Result<const Batch*> ImmediateProgram::next(Runtime& runtime) {
  if (!done_) {
    done_ = true;
    TRY(work(runtime, rows_));
  }
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, rows_.size() - shown_));
  if (count == 0) return static_cast<const Batch*>(nullptr);
  while (buffers_.size() < columns.size()) {
    buffers_.push_back(make_column());
    batch_.columns.push_back(buffers_.back().get());
  }
  for (std::uint32_t r = 0; r < count; ++r) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      batch_.columns[c][r] = rows_[shown_ + r][c].ref();
    }
  }
  shown_ += count;
  batch_.selection = first_rows(count);
  return static_cast<const Batch*>(&batch_);
}

void ImmediateProgram::finish(Runtime&) noexcept { rows_.clear(); }

}  // namespace saturn::sql
