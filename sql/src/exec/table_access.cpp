#include "exec/access.hpp"

#include "base/text.hpp"

#include <cmath>
#include <limits>

namespace saturn::sql {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// The least rowid that is >= v (or > v), false when there is none.
bool least_from(ValueRef v, bool inclusive, std::int64_t& out) noexcept {
  if (v.is_integer()) {
    if (!inclusive && v.as_integer() == kMax) return false;
    out = v.as_integer() + (inclusive ? 0 : 1);
    return true;
  }
  if (!v.is_real()) return false;  // texts and blobs come after every number
  const double r = v.as_real();
  if (r >= 9223372036854775808.0) return false;
  if (r < -9223372036854775808.0) {
    out = kMin;
    return true;
  }
  const double up = std::ceil(r);
  if (up >= 9223372036854775808.0) return false;
  out = static_cast<std::int64_t>(up);
  if (!inclusive && up == r) {
    if (out == kMax) return false;
    ++out;
  }
  return true;
}

/// The greatest rowid that is <= v (or < v), false when there is none.
bool greatest_to(ValueRef v, bool inclusive, std::int64_t& out) noexcept {
  if (v.is_integer()) {
    if (!inclusive && v.as_integer() == kMin) return false;
    out = v.as_integer() - (inclusive ? 0 : 1);
    return true;
  }
  if (!v.is_real()) {
    out = kMax;
    return true;
  }
  const double r = v.as_real();
  if (r < -9223372036854775808.0) return false;
  const double down = std::floor(r);
  if (down >= 9223372036854775808.0) {
    out = kMax;
    return true;
  }
  out = static_cast<std::int64_t>(down);
  if (!inclusive && down == r) {
    if (out == kMin) return false;
    --out;
  }
  return true;
}

}  // namespace

TableAccess::TableAccess(Runtime& runtime, const Table& table, std::string_view alias,
                         SeekSpec spec, std::vector<WantedColumn> wanted, Slot rowid_slot)
    : runtime_(runtime),
      table_(table),
      alias_(alias),
      keys_(runtime, std::move(spec)),
      wanted_(std::move(wanted)),
      rowid_slot_(rowid_slot) {}

Result<void> TableAccess::open() {
  cursor_.emplace(runtime_.transaction(table_.database), table_.root);
  done_ = true;
  return {};
}

Result<void> TableAccess::reopen() {
  if (!cursor_) return open();
  done_ = true;
  return {};
}

Result<void> TableAccess::bind(EvalContext& left, Selection selection) {
  return keys_.bind(left, selection);
}

Result<void> TableAccess::start(RowIndex left_row) {
  started_ = false;
  done_ = !keys_.load(left_row);
  return {};
}

Result<bool> TableAccess::seek_first(std::int64_t low, std::int64_t high) {
  first_ = low;
  last_ = high;
  if (low > high) return false;
  if (low == high) return seek_row(low);
  if (keys_.spec().backward) {
    if (high == kMax) return cursor_->last();
    return cursor_->seek(storage::Seek::le, high);
  }
  if (low == kMin) return cursor_->first();
  return cursor_->seek(storage::Seek::ge, low);
}

/// When the row was not in memory, asks for those that are going to be sought behind it.
Result<bool> TableAccess::seek_row(std::int64_t rowid) {
  const storage::Transaction& transaction = runtime_.transaction(table_.database);
  const std::uint64_t misses = transaction.misses();
  const bool found = TRY(cursor_->seek(storage::Seek::eq, rowid));
  const std::uint32_t behind = pace_.next(transaction.misses() != misses);
  if (behind == 0) return found;
  values_behind_.clear();
  rowids_behind_.clear();
  keys_.look_ahead(behind, values_behind_);
  for (const ValueRef value : values_behind_) {
    std::int64_t wanted = 0;
    if (least_from(value, true, wanted)) rowids_behind_.push_back(wanted);
  }
  cursor_->prefetch(rowids_behind_);
  pace_.asked(rowids_behind_.size());
  return found;
}

/// Moves to the first row of the next probe; false when there are no more probes.
Result<bool> TableAccess::position() {
  while (keys_.next_probe()) {
    std::int64_t low = kMin;
    std::int64_t high = kMax;
    bool any = true;
    if (!keys_.equal.empty()) {
      any = least_from(keys_.equal[0], true, low) && greatest_to(keys_.equal[0], true, high) &&
            low == high;
    } else {
      if (keys_.spec().low) any = least_from(keys_.low, keys_.spec().low_inclusive, low);
      if (any && keys_.spec().high)
        any = greatest_to(keys_.high, keys_.spec().high_inclusive, high);
    }
    if (!any) continue;
    const bool found = TRY(seek_first(low, high));
    if (found && cursor_->rowid() >= low && cursor_->rowid() <= high) return true;
  }
  return false;
}

Result<bool> TableAccess::advance() {
  if (first_ == last_) return false;
  const bool found = TRY(keys_.spec().backward ? cursor_->prev() : cursor_->next());
  return found && cursor_->rowid() >= first_ && cursor_->rowid() <= last_;
}

Result<std::uint32_t> TableAccess::fetch(const Batch& out, std::uint32_t at, std::uint32_t room) {
  std::uint32_t count = 0;
  while (!done_ && count < room) {
    bool here = started_ && TRY(advance());
    if (!here) {
      here = TRY(position());
      started_ = here;
      if (!here) {
        done_ = true;
        break;
      }
    }
    const auto row = static_cast<RowIndex>(at + count);
    if (rowid_slot_ != kNoSlot) {
      out.columns[rowid_slot_][row] = ValueRef::integer(cursor_->rowid());
    }
    if (!wanted_.empty()) {
      const ByteSpan record = TRY(cursor_->payload());
      TRY(decode_columns(record, table_.root, table_.encoding, wanted_, out.columns.data(), row,
                         &arena_));
    }
    ++count;
  }
  runtime_.rows_read += count;
  return count;
}

std::string TableAccess::describe() const {
  const SeekSpec& spec = keys_.spec();
  const std::string name =
      equals_nocase(alias_, table_.name) ? alias_ : cat(table_.name, " AS ", alias_);
  if (spec.equal.empty() && !spec.low && !spec.high) return cat("SCAN ", name);
  std::string what;
  if (!spec.equal.empty()) {
    what = "rowid=?";
  } else {
    if (spec.low) what = "rowid>?";
    if (spec.high) what += what.empty() ? "rowid<?" : " AND rowid<?";
  }
  return cat("SEARCH ", name, " USING INTEGER PRIMARY KEY (", what, ")");
}

}  // namespace saturn::sql
