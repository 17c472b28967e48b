#include "exec/shared_rows.hpp"

#include <algorithm>

namespace saturn::sql {

Result<void> SharedRows::fill() {
  if (run_ == runtime_.run) return {};
  rows_.clear();
  Result<void> taken = take_rows(runtime_, *root_, rows_);
  if (!taken) {
    root_->close();
    forget();
    return taken;
  }
  run_ = runtime_.run;
  runtime_.keep(*this);
  return {};
}

Result<void> SharedScan::start() {
  at_ = 0;
  if (!rows_->shared()) return rows_->root().open();
  return rows_->fill();
}

Result<const Batch*> SharedScan::produce() {
  if (!rows_->shared()) return rows_->root().next();
  const RowSpool& rows = rows_->rows();
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, rows.size() - at_));
  if (count == 0) return static_cast<const Batch*>(nullptr);
  while (buffers_.size() < rows.width()) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
  arena_.reset();
  for (std::uint32_t r = 0; r < count; ++r) {
    const ValueRef* row = TRY(reader_.row(at_ + r));
    const bool kept = rows.keeps(at_ + r);
    for (std::size_t c = 0; c < rows.width(); ++c) {
      out_.columns[c][r] = kept ? row[c] : kept_in(arena_, row[c]);
    }
  }
  at_ += count;
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

}  // namespace saturn::sql
