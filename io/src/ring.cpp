#include "ring.hpp"

#include "posix_error.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "io/backends.hpp"
#include "io/fiber.hpp"
#include "probe.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

namespace saturn::io {
namespace {

/// IORING_OP_FTRUNCATE (Linux 6.9), younger than the liburing headers of Debian 12.
constexpr int kOpFtruncate = 55;

constexpr std::uint32_t kRingEntriesMin = 8;

/// The kernel registers at most 1 GiB as one buffer.
constexpr std::size_t kFixedBufferBytes = std::size_t{1} << 30;

/// The most bytes that one read or write moves (MAX_RW_COUNT).
constexpr std::size_t kTransferBytesMax = 0x7ffff000;

constexpr std::array<unsigned, 4> kFlagLadder = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP |
        IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_CLAMP,
    0,
};

constexpr unsigned kFileSlots = 32;

constexpr int kMemoryWaitsMax = 50;

/// Linked entries are submitted together, so a chain must fit into the smallest queue.
constexpr std::size_t kChainMax = kRingEntriesMin;

std::atomic<unsigned> masked_kinds{0};
std::atomic<bool> links_requests{true};
std::atomic<std::size_t> shortened_bytes{0};

unsigned bit(RingRequest::Kind kind) { return 1U << static_cast<unsigned>(kind); }

std::string flag_names(unsigned flags) {
  static constexpr std::pair<unsigned, std::string_view> kNames[] = {
      {IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"},
      {IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
      {IORING_SETUP_COOP_TASKRUN, "COOP_TASKRUN"},
      {IORING_SETUP_CLAMP, "CLAMP"},
      {IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"}};
  std::string text;
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) != 0) text += cat(text.empty() ? "" : "|", name);
  }
  return text.empty() ? "none" : text;
}

bool transfers(const RingRequest& request) {
  return request.kind == RingRequest::Kind::read || request.kind == RingRequest::Kind::write;
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::make(MutableByteSpan arena) {
  std::unique_ptr<Ring> ring(new Ring);
  std::uint32_t entries = limits::kRingEntries;
  std::size_t rung = 0;
  int waits = 0;
  for (;;) {
    io_uring_params params{};
    params.flags = kFlagLadder[rung];
    const int error = -io_uring_queue_init_params(entries, &ring->ring_, &params);
    if (error == 0) break;
    if (waits == 0)
      ring->refusals_ += cat("refused: flags ", flag_names(params.flags), ", ", entries,
                             " entries: ", std::generic_category().message(error), '\n');
    if (error == EINVAL && rung + 1 < kFlagLadder.size()) {
      ++rung;  // a kernel that does not know one of the flags
    } else if (error == ENOMEM && entries / 2 >= kRingEntriesMin) {
      entries /= 2;  // the locked memory allowed is too small for this size
    } else if (error == ENOMEM && waits < kMemoryWaitsMax) {
      // The kernel gives back the memory of rings that are gone a little later.
      ++waits;
      ::usleep(2000);
    } else {
      return posix_error(Code::cantopen, "make", "an io_uring", error);
    }
  }
  ring->made_ = true;
  ring->event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (ring->event_fd_ < 0) return posix_error(Code::cantopen, "make", "an eventfd", errno);
  const int error = -io_uring_register_eventfd(&ring->ring_, ring->event_fd_);
  if (error != 0) return posix_error(Code::cantopen, "register", "an eventfd", error);
  ring->probe();
  if (!ring->supports(RingRequest::Kind::read) || !ring->supports(RingRequest::Kind::write)) {
    return Error(Code::cantopen, "this kernel's io_uring can neither read nor write", ENOSYS);
  }
  ring->register_arena(arena);
  ring->register_files();
  return ring;
}

std::string Ring::describe() const {
  using Kind = RingRequest::Kind;
  std::string text = refusals_;
  text += cat("taken: flags ", flag_names(ring_.flags), ", ", ring_.sq.ring_entries, " entries\n");
  text += cat("registered files: ", file_slots_.empty() ? "no" : "yes", '\n');
  static constexpr std::pair<Kind, std::string_view> kNames[] = {{Kind::read, "READ, READV"},
                                                                 {Kind::write, "WRITE, WRITEV"},
                                                                 {Kind::sync_data, "FSYNC"},
                                                                 {Kind::truncate, "FTRUNCATE"}};
  for (const auto& [kind, name] : kNames) {
    text += cat("operation ", name, ": ",
                supports(kind) ? "yes" : "no (the POSIX call is used instead)", '\n');
  }
  return text;
}

Ring::~Ring() {
  if (made_) io_uring_queue_exit(&ring_);
  if (event_fd_ >= 0) ::close(event_fd_);
}

void Ring::probe() {
  io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
  if (probe == nullptr) return;
  using Kind = RingRequest::Kind;
  const auto has = [probe](int op) { return io_uring_opcode_supported(probe, op) != 0; };
  if (has(IORING_OP_READ) && has(IORING_OP_READV)) supported_ |= bit(Kind::read);
  if (has(IORING_OP_WRITE) && has(IORING_OP_WRITEV)) supported_ |= bit(Kind::write);
  if (has(IORING_OP_FSYNC)) supported_ |= bit(Kind::sync_data) | bit(Kind::sync_full);
  if (has(kOpFtruncate)) supported_ |= bit(Kind::truncate);
  io_uring_free_probe(probe);
  supported_ &= ~masked_kinds.load();
}

void Ring::mask_for_tests(unsigned kinds) noexcept { masked_kinds.store(kinds); }
void Ring::link_for_tests(bool links) noexcept { links_requests.store(links); }
void Ring::shorten_for_tests(std::size_t bytes) noexcept { shortened_bytes.store(bytes); }
bool Ring::shortens() noexcept { return shortened_bytes.load(std::memory_order_relaxed) != 0; }

void Ring::register_files() {
  const int error = -io_uring_register_files_sparse(&ring_, kFileSlots);
  if (error == 0) {
    file_slots_.resize(kFileSlots);
  } else {
    log::debug(cat("io_uring: goes on without registered files: ",
                   std::generic_category().message(error)));
  }
}

int Ring::file_slot(const RingRequest& request) noexcept {
  if (file_slots_.empty() || request.file_id == 0) return -1;
  std::size_t oldest = file_slots_.size();
  for (std::size_t i = 0; i < file_slots_.size(); ++i) {
    FileSlot& slot = file_slots_[i];
    if (slot.file_id == request.file_id) {
      slot.used_at = ++file_clock_;
      return static_cast<int>(i);
    }
    if (slot.users != 0) continue;
    if (oldest == file_slots_.size() || slot.used_at < file_slots_[oldest].used_at) oldest = i;
  }
  if (oldest == file_slots_.size()) return -1;
  if (io_uring_register_files_update(&ring_, static_cast<unsigned>(oldest), &request.fd, 1) != 1) {
    return -1;
  }
  file_slots_[oldest] = {request.file_id, 0, ++file_clock_};
  return static_cast<int>(oldest);
}

void Ring::forget_file(std::uint64_t file_id) noexcept {
  for (std::size_t i = 0; i < file_slots_.size(); ++i) {
    if (file_slots_[i].file_id != file_id) continue;
    const int none = -1;
    io_uring_register_files_update(&ring_, static_cast<unsigned>(i), &none, 1);
    file_slots_[i] = {};
  }
}

bool Ring::supports(RingRequest::Kind kind) const noexcept { return supported_ & bit(kind); }

/// As much of the arena's start as the limit on locked memory allows.
void Ring::register_arena(MutableByteSpan arena) {
  constexpr std::size_t kLeast = std::size_t{1} << 20;
  int error = 0;
  for (; arena.size() >= kLeast; arena = arena.first(arena.size() / 2)) {
    std::vector<iovec> buffers;
    for (std::size_t at = 0; at < arena.size(); at += kFixedBufferBytes) {
      buffers.push_back({arena.data() + at, std::min(kFixedBufferBytes, arena.size() - at)});
    }
    error =
        -io_uring_register_buffers(&ring_, buffers.data(), static_cast<unsigned>(buffers.size()));
    if (error == 0) {
      arena_ = arena;
      return;
    }
    if (error != ENOMEM && error != EPERM) break;
  }
  if (error == 0) return;
  log::debug(
      cat("io_uring: goes on without fixed buffers: ", std::generic_category().message(error)));
}

int Ring::fixed_index(const iovec& piece) const noexcept {
  const auto* data = static_cast<const std::uint8_t*>(piece.iov_base);
  if (arena_.empty() || data < arena_.data() || data >= arena_.data() + arena_.size()) return -1;
  const auto begin = static_cast<std::size_t>(data - arena_.data());
  const std::size_t end = begin + piece.iov_len;
  const std::size_t index = begin / kFixedBufferBytes;
  if (end > arena_.size() || (end - 1) / kFixedBufferBytes != index) return -1;
  return static_cast<int>(index);
}

void Ring::prepare(io_uring_sqe* sqe, RingRequest& request) const {
  const std::uint64_t at = request.offset + request.transferred;
  using Kind = RingRequest::Kind;
  switch (request.kind) {
    case Kind::read:
    case Kind::write: {
      const bool read = request.kind == Kind::read;
      const iovec* iov = request.pieces.data();
      const int count = request.pieces.count();
      const std::size_t shortened = shortened_bytes.load(std::memory_order_relaxed);
      const std::size_t most = shortened == 0 ? kTransferBytesMax : shortened;
      const auto length = static_cast<unsigned>(std::min(iov->iov_len, most));
      const int fixed = count == 1 ? fixed_index(*iov) : -1;
      if (fixed >= 0) {
        read ? io_uring_prep_read_fixed(sqe, request.fd, iov->iov_base, length, at, fixed)
             : io_uring_prep_write_fixed(sqe, request.fd, iov->iov_base, length, at, fixed);
      } else if (count == 1 || shortened != 0) {
        read ? io_uring_prep_read(sqe, request.fd, iov->iov_base, length, at)
             : io_uring_prep_write(sqe, request.fd, iov->iov_base, length, at);
      } else {
        const auto n = static_cast<unsigned>(count);
        read ? io_uring_prep_readv(sqe, request.fd, iov, n, at)
             : io_uring_prep_writev(sqe, request.fd, iov, n, at);
      }
      if (request.durable) sqe->rw_flags = RWF_DSYNC;
      break;
    }
    case Kind::sync_data: io_uring_prep_fsync(sqe, request.fd, IORING_FSYNC_DATASYNC); break;
    case Kind::sync_full: io_uring_prep_fsync(sqe, request.fd, 0); break;
    case Kind::truncate:
      io_uring_prep_rw(kOpFtruncate, sqe, request.fd, nullptr, 0, request.offset);
      break;
  }
}

/// A full queue is handed over until `entries` have room in it. // SUSPENDS
void Ring::make_room(std::size_t entries) {
  while (io_uring_sq_space_left(&ring_) < entries) {
    turn();
    if (io_uring_sq_space_left(&ring_) < entries) yield();
  }
}

void Ring::queue(RingRequest& request, bool links_next) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  ASSERT(sqe != nullptr);
  prepare(sqe, request);
  if (links_next) sqe->flags |= IOSQE_IO_LINK;
  request.splits_seen = splits_;
  request.file_slot = file_slot(request);
  if (request.file_slot >= 0) {
    sqe->fd = request.file_slot;
    sqe->flags |= IOSQE_FIXED_FILE;
    ++file_slots_[static_cast<std::size_t>(request.file_slot)].users;
  }
  io_uring_sqe_set_data(sqe, &request);
  ++unsubmitted_;
}

/// Whether the kernel may be left to start `request` after the last one of the round: everything
/// unfinished before it is one chain, which has room, and one call does the last one's work.
bool Ring::may_follow(const RingRequest& request, const std::vector<RingRequest*>& round) const {
  if (!links_requests.load(std::memory_order_relaxed) || round.size() >= kChainMax) return false;
  for (std::size_t i = 1; i < round.size(); ++i) {
    if (round[i]->linked_to != round[i - 1]) return false;
  }
  const RingRequest& before = *round.back();
  return supports(request.kind) && (!transfers(before) || before.pieces.fit_one_call());
}

/// What can be handed over now; requests behind one that failed are given up.
std::vector<RingRequest*> Ring::next_round(std::span<RingRequest> requests) {
  std::vector<RingRequest*> round;
  bool failed = false;
  for (RingRequest& request : requests) {
    request.linked_to = nullptr;
    if (!request.done && request.after_previous) {
      if (failed) {
        request.error = ECANCELED;
        request.done = true;
      } else if (!round.empty()) {
        if (!may_follow(request, round)) break;
        request.linked_to = round.back();
      }
    }
    if (!request.done) round.push_back(&request);
    failed = failed || request.error != 0;
  }
  return round;
}

void Ring::run(std::span<RingRequest> requests) {
  Group group{current_fiber(), 0};
  for (RingRequest& request : requests) {
    request.done = request.done || (transfers(request) && request.pieces.empty());
    request.group = &group;
  }
  for (;;) {
    const std::vector<RingRequest*> round = next_round(requests);
    if (round.empty()) return;
    // Counted before the first is queued: a full queue may complete some of them meanwhile.
    group.pending = round.size();
    for (std::size_t i = 0; i < round.size(); ++i) {
      const auto follows = [&](std::size_t at) {
        return at < round.size() && round[at]->linked_to != nullptr;
      };
      if (!follows(i)) {
        std::size_t end = i + 1;
        while (follows(end)) ++end;
        make_room(end - i);
      }
      queue(*round[i], follows(i + 1));
    }
    suspend();
  }
}

void Ring::complete(RingRequest& request, int result) {
  const bool read = request.kind == RingRequest::Kind::read;
  const bool write = request.kind == RingRequest::Kind::write;
  // The kernel cancels what is linked to a request that failed or stopped short. Where it did not,
  // because the chain was torn, what the request did may have come too early.
  const RingRequest* before = request.linked_to;
  const bool too_early =
      before != nullptr && (!before->done || before->error != 0 || result == -ECANCELED ||
                            request.splits_seen != splits_);
  if (result == -EINTR || result == -EAGAIN || too_early) {
    // Once more in the next round, or given up there.
  } else if (result < 0) {
    request.error = -result;
    request.done = true;
  } else if (result == 0 || !(read || write)) {
    // A read of nothing is the end of the file; a write of nothing would never end.
    if (write) request.error = EIO;
    request.done = true;
  } else {
    request.pieces.advance(static_cast<std::size_t>(result));
    request.transferred += static_cast<std::size_t>(result);
    request.done = request.pieces.empty();
  }
  if (--request.group->pending == 0) wake(request.group->fiber);
}

bool Ring::turn() {
  if (unsubmitted_ == 0 && in_flight_ == 0) return false;
  const int submitted = io_uring_submit_and_get_events(&ring_);
  // EAGAIN, EBUSY and EINTR leave entries in the queue, for the next turn.
  if (submitted > 0) {
    if (static_cast<std::size_t>(submitted) < unsubmitted_) ++splits_;
    unsubmitted_ -= static_cast<std::size_t>(submitted);
    in_flight_ += static_cast<std::size_t>(submitted);
  }
  unsigned head;
  unsigned reaped = 0;
  io_uring_cqe* cqe;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    RingRequest& request = *static_cast<RingRequest*>(io_uring_cqe_get_data(cqe));
    if (request.file_slot >= 0) --file_slots_[static_cast<std::size_t>(request.file_slot)].users;
    complete(request, cqe->res);
    ++reaped;
  }
  io_uring_cq_advance(&ring_, reaped);
  in_flight_ -= reaped;
  return unsubmitted_ > 0;
}

}  // namespace saturn::io

namespace saturn::io {

std::string ring_report() {
  auto ring = Ring::make({});
  if (ring) return (*ring)->describe();
  const int error = ring.error().sys_errno();
  return cat("io_uring: ", ring.error().message(), " (errno ", error, "; ",
             io_uring_likely_cause(error), ")\n");
}

}  // namespace saturn::io
