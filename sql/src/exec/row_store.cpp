#include "exec/row_store.hpp"

namespace saturn::sql {

void RowStore::append(std::span<const ValueRef> row) {
  if (size_ == chunks_.size() * kChunkRows) {
    chunks_.push_back(std::make_unique<ValueRef[]>(kChunkRows * std::size_t{width_}));
  }
  ValueRef* to = chunks_.back().get() + (size_ % kChunkRows) * width_;
  for (std::uint32_t i = 0; i < width_; ++i) {
    ValueRef v = row[i];
    if (v.is_text() || v.is_blob()) {
      const std::string_view bytes = arena_->copy(v.bytes());
      text_bytes_ += bytes.size();
      ValueRef copy = v.is_text() ? ValueRef::text(bytes) : ValueRef::blob(bytes);
      copy.set_subtype(v.subtype());
      v = copy;
    }
    to[i] = v;
  }
  ++size_;
}

void RowStore::clear() noexcept {
  size_ = 0;
  text_bytes_ = 0;
  chunks_.clear();
  arena_->reset();
}

}  // namespace saturn::sql
