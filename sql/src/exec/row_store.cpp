#include "exec/row_store.hpp"

#include "exec/operator.hpp"

namespace saturn::sql {

void RowStore::append(std::span<const ValueRef> row) {
  if (size_ == chunks_.size() * kChunkRows) {
    chunks_.push_back(std::make_unique<ValueRef[]>(kChunkRows * std::size_t{width_}));
    charge_.add(kChunkRows * width_ * sizeof(ValueRef));
  }
  copy(row, chunks_.back().get() + (size_ % kChunkRows) * width_);
  ++size_;
}

void RowStore::set(std::size_t index, std::span<const ValueRef> row) {
  copy(row, chunks_[index / kChunkRows].get() + (index % kChunkRows) * width_);
}

void RowStore::copy(std::span<const ValueRef> row, ValueRef* to) {
  for (std::uint32_t i = 0; i < width_; ++i) {
    ValueRef v = row[i];
    if (v.is_text() || v.is_blob()) {
      const std::string_view bytes = arena_->copy(v.bytes());
      charge_.add(bytes.size());
      ValueRef copy = v.is_text() ? ValueRef::text(bytes) : ValueRef::blob(bytes);
      copy.set_subtype(v.subtype());
      v = copy;
    }
    to[i] = v;
  }
}

void RowStore::clear() noexcept {
  size_ = 0;
  charge_.set(0);
  chunks_.clear();
  arena_->reset();
}

Result<void> take_rows(Runtime& runtime, Operator& input, RowStore& rows) {
  std::vector<ValueRef> values(rows.width());
  TRY(input.open());
  for (;;) {
    const Batch* batch = TRY(input.next());
    if (batch == nullptr) break;
    TRY(runtime.poll());
    for (const RowIndex row : batch->selection) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = batch->columns[i][row];
      rows.append(values);
    }
  }
  input.close();
  return {};
}

}  // namespace saturn::sql
