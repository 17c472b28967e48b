#include "exec/row_store.hpp"

namespace saturn::sql {

void RowStore::append(std::span<const ValueRef> row) {
  if (size_ == kFewRows + chunks_.size() * kChunkRows || !few_) grow();
  copy(row, at(size_));
  ++size_;
}

void RowStore::grow() {
  const std::size_t rows = few_ ? kChunkRows : kFewRows;
  auto values = std::make_unique<ValueRef[]>(rows * width_);
  charge_.add(rows * width_ * sizeof(ValueRef));
  if (few_) {
    chunks_.push_back(std::move(values));
  } else {
    few_ = std::move(values);
  }
}

void RowStore::set(std::size_t index, std::span<const ValueRef> row) { copy(row, at(index)); }

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
  few_.reset();
  chunks_.clear();
  arena_->reset();
}

}  // namespace saturn::sql
