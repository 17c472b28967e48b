#pragma once

namespace saturn::io {

/// A source of completions that a worker drives, such as a ring. Worker's thread only.
class Poller {
 public:
  virtual ~Poller() = default;
  /// Submits what fibers have queued and wakes those whose operations have completed. Never blocks.
  /// True when it has to be called again even if nothing happens in between.
  virtual bool turn() = 0;
  /// Becomes readable when `turn` has something to reap; the poller owns it.
  virtual int event_fd() const noexcept = 0;
};

}  // namespace saturn::io
