#include "exec/either_access.hpp"

#include "base/text.hpp"
#include "exec/listing.hpp"

namespace saturn::sql {
namespace {

/// What a rowid takes in the set: a node, and its part of the table.
constexpr std::size_t kBytesPerRow = 48;

}  // namespace

EitherAccess::EitherAccess(Runtime& runtime, std::vector<std::unique_ptr<AccessPath>> ways,
                           std::vector<Slot> slots, Slot rowid_slot)
    : ways_(std::move(ways)),
      slots_(std::move(slots)),
      rowid_slot_(rowid_slot),
      charge_(runtime.session.memory) {}

Result<void> EitherAccess::open() {
  for (const auto& way : ways_) TRY(way->open());
  return {};
}

void EitherAccess::recycle() noexcept {
  for (const auto& way : ways_) way->recycle();
}

Result<void> EitherAccess::bind(EvalContext& left, Selection selection) {
  for (const auto& way : ways_) TRY(way->bind(left, selection));
  return {};
}

void EitherAccess::forget() noexcept {
  given_.clear();
  charge_.set(0);
}

Result<void> EitherAccess::start(RowIndex left_row) {
  forget();
  left_row_ = left_row;
  way_ = 0;
  return ways_[0]->start(left_row);
}

/// Moves the rows that have not been given yet to the front; returns their number.
std::uint32_t EitherAccess::keep_new(const Batch& out, std::uint32_t at, std::uint32_t count) {
  std::uint32_t kept = at;
  for (std::uint32_t row = at; row < at + count; ++row) {
    if (!given_.insert(out.columns[rowid_slot_][row].as_integer()).second) continue;
    if (kept != row) {
      for (const Slot slot : slots_) out.columns[slot][kept] = out.columns[slot][row];
    }
    ++kept;
  }
  charge_.set(given_.size() * kBytesPerRow);
  return kept - at;
}

Result<std::uint32_t> EitherAccess::fetch(const Batch& out, std::uint32_t at, std::uint32_t room) {
  std::uint32_t count = 0;
  while (way_ < ways_.size() && count < room) {
    const std::uint32_t wanted = room - count;
    const std::uint32_t got = TRY(ways_[way_]->fetch(out, at + count, wanted));
    count += keep_new(out, at + count, got);
    if (got == wanted) continue;
    ++way_;
    if (way_ < ways_.size()) TRY(ways_[way_]->start(left_row_));
  }
  return count;
}

void EitherAccess::close() noexcept {
  forget();
  for (const auto& way : ways_) way->close();
}

std::string EitherAccess::describe() const {
  std::string text = ways_[0]->describe();
  for (std::size_t i = 1; i < ways_.size(); ++i) {
    const std::string way = ways_[i]->describe();
    const std::size_t using_at = way.find(" USING ");
    text += cat(" OR", using_at == std::string::npos ? way : way.substr(using_at + 6));
  }
  return text;
}

void EitherAccess::list(Listing& listing) const {
  const Listing::Part part = listing.part("Either", describe());
  for (const auto& way : ways_) listing.add("way", *way);
}

}  // namespace saturn::sql
