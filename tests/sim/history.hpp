#pragma once

#include "state.hpp"

#include "io/faulty.hpp"
#include "storage/database.hpp"

#include <deque>
#include <optional>
#include <string>

namespace sim {

using saturn::storage::Synchronous;

/// The commits of one database in the order of the writers' turns, and what has been promised of
/// them. State k is what the database holds after commit k; state 0 is what it held at the start.
///
///     0 .. floor ................ acknowledged .......... last
///     │    │ no power cut may     │ no reader that begins │ may still be on its way
///     │    │ take these away      │ now may miss these    │
///
/// `floor` follows `acknowledged` and what readers were shown with `full`, completed checkpoints
/// with `normal`, and nothing with `off`.
class History {
 public:
  /// What clients are told while `vfs` is without power nobody hears. It is borrowed.
  History(State start, const saturn::io::FaultyVfs& vfs) : vfs_(vfs) { restart(std::move(start)); }

  /// The database holds exactly this now, and durably.
  void restart(State now);
  /// The database holds state `index`, and nothing later will ever come of what was on its way.
  void forget_after(std::size_t index);

  /// A commit on top of the last is about to be handed over. Returns its number.
  std::size_t hand_over(State after, Synchronous mode);
  /// The commit was answered with success.
  void acknowledge(std::size_t index);
  /// Rows of that state were shown to a client.
  void shown(std::size_t index);
  /// Everything up to `index` was written into the file, and synced.
  void settled(std::size_t index);

  std::size_t last() const { return states_.size() - 1; }
  std::size_t acknowledged() const { return acknowledged_; }
  std::size_t floor() const { return floor_; }
  const State& state(std::size_t index) const { return states_[index].state; }
  /// The first state from `from` on that equals `seen`.
  std::optional<std::size_t> find(const State& seen, std::size_t from) const;

  /// From here on the database is written with `off`: by checkpoints, too.
  void gamble() { gambles_ = true; }
  /// Whether something may have been written with `off` and not synced since: no promise holds at a
  /// power cut, not even that the database can be opened.
  bool gambles() const { return gambles_; }

  /// The first violation of a promise stays.
  void violate(std::string what);
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  bool is_dark() const { return vfs_.power_lost_at().has_value(); }

  struct Commit {
    State state;
    Synchronous mode;  ///< of the last commit up to this one that wrote anything
    bool writes;
  };
  const saturn::io::FaultyVfs& vfs_;
  std::deque<Commit> states_;  ///< references stay good while more are added
  std::size_t acknowledged_ = 0;
  std::size_t floor_ = 0;
  bool gambles_ = false;
  std::optional<std::string> violation_;
};

}  // namespace sim
