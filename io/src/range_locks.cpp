#include "range_locks.hpp"

#include <algorithm>

namespace saturn::io {

bool RangeLocks::allowed(const void* owner, LockRange range, LockMode mode) const {
  const std::uint64_t begin = range.offset;
  const std::uint64_t end = range.offset + range.size;
  return mode == LockMode::none || std::none_of(held_.begin(), held_.end(), [&](const Held& h) {
           return h.owner != owner && h.begin < end && begin < h.end &&
                  (mode == LockMode::exclusive || h.mode == LockMode::exclusive);
         });
}

bool RangeLocks::set(const void* owner, LockRange range, LockMode mode) {
  if (!allowed(owner, range, mode)) return false;
  const std::uint64_t begin = range.offset;
  const std::uint64_t end = range.offset + range.size;
  std::vector<Held> next;
  for (const Held& h : held_) {
    if (h.owner != owner || h.end <= begin || end <= h.begin) {
      next.push_back(h);
      continue;
    }
    if (h.begin < begin) next.push_back({owner, h.begin, begin, h.mode});
    if (end < h.end) next.push_back({owner, end, h.end, h.mode});
  }
  if (mode != LockMode::none) next.push_back({owner, begin, end, mode});
  held_ = std::move(next);
  return true;
}

void RangeLocks::drop(const void* owner) {
  std::erase_if(held_, [&](const Held& h) { return h.owner == owner; });
}

std::vector<LockRange> RangeLocks::held_by(const void* owner) const {
  std::vector<LockRange> out;
  for (const Held& h : held_) {
    if (h.owner == owner) out.push_back({h.begin, h.end - h.begin});
  }
  return out;
}

std::vector<RangeLocks::Piece> RangeLocks::pieces(LockRange range) const {
  const std::uint64_t begin = range.offset;
  const std::uint64_t end = range.offset + range.size;
  std::vector<std::uint64_t> cuts{begin, end};
  for (const Held& h : held_) {
    if (h.begin > begin && h.begin < end) cuts.push_back(h.begin);
    if (h.end > begin && h.end < end) cuts.push_back(h.end);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Piece> out;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    LockMode mode = LockMode::none;
    for (const Held& h : held_) {
      if (h.begin <= cuts[i] && cuts[i] < h.end) mode = std::max(mode, h.mode);
    }
    out.push_back({{cuts[i], cuts[i + 1] - cuts[i]}, mode});
  }
  return out;
}

}  // namespace saturn::io
