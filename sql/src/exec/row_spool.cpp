#include "exec/row_spool.hpp"

#include "exec/take_rows.hpp"

namespace saturn::sql {

RowSpool::RowSpool(std::uint32_t width, SessionState& session, std::uint64_t share)
    : session_(session), share_(share), rows_(width, session.memory), charge_(session.memory) {}

Result<void> RowSpool::append(std::span<const ValueRef> row) {
  if (!file_) {
    if (!session_.memory.wants_back(rows_.bytes(), share_) || !SpillFile::available(session_)) {
      rows_.append(row);
      return {};
    }
    file_ = TRY(SpillFile::make(session_));
  }
  const std::uint64_t offset = TRY(file_->append(row.first(width())));
  if (spilled_++ % kBlockRows == 0) {
    offsets_.push_back(offset);
    charge_.set(offsets_.capacity() * sizeof(std::uint64_t));
  }
  return {};
}

Result<void> RowSpool::finish() { return file_ ? file_->flush() : Result<void>(); }

void RowSpool::clear() noexcept {
  rows_.clear();
  offsets_ = {};
  spilled_ = 0;
  charge_.set(0);
  file_.reset();
  ++filling_;
}

Result<const ValueRef*> RowSpool::Reader::read(std::size_t number) {
  if (filling_ != spool_.filling_) {
    file_ = std::make_unique<SpillReader>(*spool_.file_, spool_.width());
    filling_ = spool_.filling_;
    next_ = 0;
    row_.resize(spool_.width());
  }
  const std::size_t block = number / kBlockRows;
  if (number < next_ || block > next_ / kBlockRows) {
    file_->seek(spool_.offsets_[block]);
    next_ = block * kBlockRows;
  }
  for (; next_ <= number; ++next_) TRY(file_->next(row_.data()));
  return row_.data();
}

Result<void> take_rows(Runtime& runtime, Operator& input, RowSpool& rows) {
  TRY(take_rows(runtime, input, rows.width(), [&](const ValueRef* row) {
    return rows.append({row, rows.width()});
  }));
  return rows.finish();
}

ValueRef kept_in(ValueArena& arena, ValueRef value) {
  const std::uint8_t subtype = value.subtype();
  value = arena.copy(value);
  value.set_subtype(subtype);
  return value;
}

}  // namespace saturn::sql
