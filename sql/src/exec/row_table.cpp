#include "exec/row_table.hpp"

#include "exec/nodes.hpp"

namespace saturn::sql {

RowTable::RowTable(std::vector<const Collation*> collations, MemoryAccount& account)
    : collations_(std::move(collations)),
      rows_(static_cast<std::uint32_t>(collations_.size()), account),
      charge_(account) {}

std::size_t RowTable::hash(const ValueRef* row) const noexcept {
  std::size_t h = 0;
  for (std::size_t i = 0; i < collations_.size(); ++i) {
    h = h * 0x100'0000'01b3ULL ^ hash_value(row[i], *collations_[i]);
  }
  return h ^ (h >> 31);
}

std::size_t RowTable::place(const ValueRef* row, std::size_t h) const noexcept {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = h & mask;; at = (at + 1) & mask) {
    const std::uint32_t entry = table_[at];
    if (entry == 0) return at;
    if (hashes_[entry - 1] != h) continue;
    const ValueRef* there = rows_.row(entry - 1);
    bool equal = true;
    for (std::size_t i = 0; equal && i < collations_.size(); ++i) {
      equal = compare(there[i], row[i], *collations_[i]) == 0;
    }
    if (equal) return at;
  }
}

void RowTable::grow() {
  table_.assign(table_.empty() ? 16 : table_.size() * 2, 0);
  charge_.set(table_.size() * (sizeof(std::uint32_t) + sizeof(std::size_t) / 2));
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t i = 0; i < hashes_.size(); ++i) {
    std::size_t at = hashes_[i] & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = i + 1;
  }
}

void RowTable::put(const ValueRef* row) {
  bool added = false;
  const std::uint32_t number = add(row, &added);
  if (added) return;
  const ValueRef* known = rows_.row(number);
  for (std::size_t i = 0; i < collations_.size(); ++i) {
    // Equal under a collation, or as numbers, and yet not the same.
    if (row[i].type() == known[i].type() && compare(row[i], known[i]) == 0) continue;
    rows_.set(number, {row, collations_.size()});
    return;
  }
}

std::uint32_t RowTable::add(const ValueRef* row, bool* added) {
  if ((hashes_.size() + 1) * 2 > table_.size()) grow();
  const std::size_t h = hash(row);
  const std::size_t at = place(row, h);
  const bool is_new = table_[at] == 0;
  if (added != nullptr) *added = is_new;
  if (!is_new) return table_[at] - 1;
  rows_.append({row, collations_.size()});
  hashes_.push_back(h);
  table_[at] = static_cast<std::uint32_t>(hashes_.size());
  return table_[at] - 1;
}

std::uint32_t RowTable::find(const ValueRef* row) const noexcept {
  if (table_.empty()) return kNone;
  const std::uint32_t entry = table_[place(row, hash(row))];
  return entry == 0 ? kNone : entry - 1;
}

void RowTable::clear() noexcept {
  rows_.clear();
  hashes_.clear();
  table_.clear();
  charge_.set(0);
}

}  // namespace saturn::sql
