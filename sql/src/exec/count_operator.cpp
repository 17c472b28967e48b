#include "exec/count_operator.hpp"

#include "base/text.hpp"
#include "storage/estimate.hpp"

namespace saturn::sql {

CountOperator::CountOperator(Runtime& runtime, const Table& table, const Index* index,
                             std::size_t columns)
    : runtime_(runtime), table_(table), index_(index) {
  for (std::size_t i = 0; i < columns; ++i) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
}

Result<const Batch*> CountOperator::produce() {
  if (done_) return static_cast<const Batch*>(nullptr);
  done_ = true;
  const storage::PageNo root = index_ != nullptr ? index_->root : table_.root;
  const std::uint64_t count = TRY(storage::count_entries(runtime_.transaction(table_.database),
                                                         root, [&] { return runtime_.poll(); }));
  runtime_.rows_read += count;
  for (ValueRef* column : out_.columns) {
    column[0] = ValueRef::integer(static_cast<std::int64_t>(count));
  }
  out_.selection = first_rows(1);
  return static_cast<const Batch*>(&out_);
}

std::string CountOperator::describe() const {
  std::string text = cat("SCAN ", table_.name);
  if (index_ != nullptr) text += cat(" USING COVERING INDEX ", index_->name);
  return text;
}

}  // namespace saturn::sql
