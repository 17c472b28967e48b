#include "history.hpp"

#include <algorithm>

namespace sim {

void History::restart(State now) {
  states_.clear();
  states_.push_back({std::move(now), Synchronous::full, true});
  acknowledged_ = floor_ = 0;
  gambles_ = false;
}

void History::forget_after(std::size_t index) {
  states_.resize(index + 1);
  acknowledged_ = index;
  floor_ = std::min(floor_, index);
}

std::size_t History::hand_over(State after, Synchronous mode) {
  // One that changes nothing writes nothing, and so syncs nothing of what was before it.
  const bool writes = !(after == states_.back().state);
  if (!writes) mode = states_.back().mode;
  states_.push_back({std::move(after), mode, writes});
  return last();
}

void History::acknowledge(std::size_t index) {
  if (is_dark()) return;
  acknowledged_ = std::max(acknowledged_, index);
  const Commit& commit = states_[index];
  if (commit.mode != Synchronous::full) return;
  if (commit.writes) {
    settled(index);
  } else {
    shown(index);
  }
}

void History::shown(std::size_t index) {
  if (is_dark()) return;
  if (states_[index].mode == Synchronous::full) floor_ = std::max(floor_, index);
}

void History::settled(std::size_t index) {
  if (is_dark()) return;
  floor_ = std::max(floor_, index);
  if (index >= acknowledged_) gambles_ = false;
}

std::optional<std::size_t> History::find(const State& seen, std::size_t from) const {
  for (std::size_t index = from; index < states_.size(); ++index) {
    if (states_[index].state == seen) return index;
  }
  return std::nullopt;
}

void History::violate(std::string what) {
  if (!violation_ && !is_dark()) violation_ = std::move(what);
}

}  // namespace sim
