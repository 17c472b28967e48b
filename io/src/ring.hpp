#pragma once

#include "pieces.hpp"
#include "poller.hpp"

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <liburing.h>
#include <memory>
#include <span>

namespace saturn::io {

class Fiber;

/// One operation of a ring: what to do, and how it ended.
struct RingRequest {
  enum class Kind : std::uint8_t { read, write, sync_data, sync_full, truncate };

  Kind kind = Kind::read;
  int fd = -1;
  std::uint64_t file_id = 0;  ///< of the open file, never used again; 0: not to be registered
  std::uint64_t offset = 0;   ///< in bytes; for `truncate` the new size
  Pieces pieces{std::span<const ByteSpan>{}};
  bool durable = false;  ///< of a write: as `File::write_durably`
  /// As `Op::after_previous`: starts when all requests before it in the span have succeeded.
  bool after_previous = false;

  std::size_t transferred = 0;
  int error = 0;  ///< errno; ECANCELED when one that it waits for failed
  bool done = false;
  int file_slot = -1;  ///< while it is under way
  /// In this round the kernel starts it when this one is done.
  const RingRequest* linked_to = nullptr;
  std::uint64_t splits_seen = 0;
  struct Group* group = nullptr;
};

/// The requests that one fiber waits for together.
struct Group {
  Fiber* fiber = nullptr;
  std::size_t pending = 0;
};

/// A worker's ring. Made, used and destroyed on the worker's thread.
class Ring final : public Poller {
 public:
  /// Walks down the ladder: best flags, fewer flags on EINVAL, fewer entries on ENOMEM. `arena` may
  /// be empty. Fails with the errno of io_uring_setup when nothing is left to try.
  static Result<std::unique_ptr<Ring>> make(MutableByteSpan arena);
  ~Ring() override;

  /// Runs all requests to their end, short transfers continued. Requests that follow each other in
  /// one chain are handed to the kernel together, as linked entries. Only on a fiber. // SUSPENDS
  void run(std::span<RingRequest> requests);

  /// The file is closed: its place among the registered files is free. Other rings let go of it
  /// when they need the place.
  void forget_file(std::uint64_t file_id) noexcept;

  /// For tests: rings made from now on do as if the kernel had none of these operations (a bit for
  /// each `RingRequest::Kind`).
  static void mask_for_tests(unsigned kinds) noexcept;
  /// For tests and measurements: whether rings link what follows each other (they do), or wait for
  /// the one before they hand over the next.
  static void link_for_tests(bool links) noexcept;
  /// For tests: each read and write asks for at most this many bytes, as a kernel might that stops
  /// short; 0 = all.
  static void shorten_for_tests(std::size_t bytes) noexcept;
  static bool shortens() noexcept;

  /// Whether the kernel has this opcode.
  bool supports(RingRequest::Kind kind) const noexcept;

  /// The rung taken, the entries, and each operation with yes or no; several lines.
  std::string describe() const;

  bool turn() override;
  int event_fd() const noexcept override { return event_fd_; }

 private:
  Ring() = default;
  std::vector<RingRequest*> next_round(std::span<RingRequest> requests);
  bool may_follow(const RingRequest& request, const std::vector<RingRequest*>& round) const;
  void make_room(std::size_t entries);
  void queue(RingRequest& request, bool links_next);
  void prepare(io_uring_sqe* sqe, RingRequest& request) const;
  void register_files();
  /// The file's place among the registered files, or -1 when it has none.
  int file_slot(const RingRequest& request) noexcept;
  void complete(RingRequest& request, int result);
  void probe();
  void register_arena(MutableByteSpan arena);
  /// The index of the registered buffer that contains the piece, or -1.
  int fixed_index(const iovec& piece) const noexcept;

  io_uring ring_{};
  bool made_ = false;
  int event_fd_ = -1;
  std::string refusals_;    ///< the rungs that were refused, and why
  unsigned supported_ = 0;  ///< a bit for each Kind
  std::size_t unsubmitted_ = 0;
  std::size_t in_flight_ = 0;  ///< submitted, not reaped
  /// Submissions of which the kernel took a part only: a chain ends where the part does.
  std::uint64_t splits_ = 0;
  MutableByteSpan arena_;

  /// Files are registered when they are first used here, so that the kernel need not look their
  /// descriptors up for each operation. A place changes hands only while nothing uses it.
  struct FileSlot {
    std::uint64_t file_id = 0;
    std::uint32_t users = 0;  ///< requests queued or under way
    std::uint64_t used_at = 0;
  };
  std::vector<FileSlot> file_slots_;  ///< empty when the kernel cannot
  std::uint64_t file_clock_ = 0;
};

}  // namespace saturn::io
