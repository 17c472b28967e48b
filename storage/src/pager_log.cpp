#include "base/log.hpp"
#include "base/text.hpp"
#include "pager.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>

// The log as a file: its header, its frames, its room, and how what is written to it becomes
// durable. Called by the leader of a flush, and by whoever opens, checkpoints and closes.

namespace saturn::storage {
namespace {

/// A log that has no room for the next frames gets as much again as it has, up to so many bytes.
constexpr std::uint64_t kLogGrowthMax = 1U << 20;
/// Groups of more bytes are written and then synced: of a durable write each call waits for the
/// disk.
constexpr std::uint64_t kDurableWriteMax = 256U << 10;

/// Choosing how to sync: commits of one frame are imitated so often each way, for so long at most.
constexpr std::size_t kTrialRounds = 16;
constexpr auto kTrialTime = std::chrono::milliseconds(100);

}  // namespace

// --- what is durable -----------------------------------------------------------------------------

/// Of a flush: a sync that fails breaks the pager, whatever its errno.
Result<void> Pager::note_sync(Result<void> outcome) {
  sync_failed_ = sync_failed_ || !outcome;
  return outcome;
}

/// Makes durable what was written to the file, apart from what the next checkpoint writes again,
/// and the file's name.
Result<void> Pager::sync_file() {
  if (!file_unsynced_.exchange(false)) return {};
  Result<void> synced = file_->sync(io::SyncMode::full);
  if (synced && !file_name_synced_.load()) synced = vfs_.sync_directory(path_);
  if (synced) file_name_synced_.store(true);
  if (!synced) file_unsynced_.store(true);
  return synced;
}

/// Makes commits up to `seq`, which are in the log, durable there.
Result<void> Pager::sync_log(std::uint64_t seq) {
  if (log_synced_seq_.load() >= seq) return {};
  ASSERT(wal_ != nullptr);
  TRY(wal_->sync(io::SyncMode::data));
  log_syncs_.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t before = log_synced_seq_.load();
  while (before < seq && !log_synced_seq_.compare_exchange_weak(before, seq)) {
  }
  return {};
}

Result<void> Pager::sync_log_name() {
  if (log_name_synced_.load()) return {};
  TRY(vfs_.sync_directory(wal_path_));
  log_name_synced_.store(true);
  return {};
}

/// What a group that found no space has left of itself in the log may be whole. It has failed, so
/// no recovery may find it, whatever `synchronous` is by then, and what is appended next takes its
/// place.
Result<void> Pager::cut_off_tail() {
  if (wal_ == nullptr) return {};
  const std::uint64_t end = wal_header_.frame_offset(wal_frames_.load() + 1);
  const std::uint64_t size = TRY(wal_->size());
  if (size <= end) return {};
  TRY(wal_->truncate(end));
  log_bytes_.store(end);
  return wal_->sync(io::SyncMode::data);
}

// --- the log -------------------------------------------------------------------------------------

Result<void> Pager::open_log() {
  if (wal_ != nullptr) return {};
  wal_ = TRY(vfs_.open(wal_path_, {.create = true}));
  log_bytes_.store(TRY(wal_->size()));
  return {};
}

Result<void> Pager::start_log() {
  const bool syncs = keeps_order();
  // What the log has now is needed until the file has it.
  if (syncs) TRY(note_sync(sync_file()));
  TRY(open_log());
  std::random_device random;
  wal_header_.order = ChecksumOrder::little_endian;
  wal_header_.page_size = page_size_;
  if (wal_started_) {
    ++wal_header_.checkpoint_sequence;
    ++wal_header_.salt1;
  } else {
    wal_header_.salt1 = random();
  }
  wal_header_.salt2 = random();
  std::uint8_t bytes[kWalHeaderBytes];
  wal_header_.encode(bytes);
  chain_.emplace(page_size_, wal_header_.order);
  wal_checksum_ = wal_header_.checksum;
  TRY(wal_->write(0, bytes));
  if (syncs) {
    // A header that is torn by a crash is a log of no frames; one that is old with new frames
    // behind it must not be: the header goes first.
    TRY(note_sync(wal_->sync(io::SyncMode::data)));
    TRY(note_sync(sync_log_name()));
  }
  wal_started_ = true;
  return {};
}

/// How many zeros are to follow what is written up to `end`, so that later commits change no size:
/// a sync then costs the file system no journal entry. Zeros are written, not reserved, because the
/// first write to a reserved block is such a change too.
std::uint64_t Pager::growth(std::uint64_t end) const noexcept {
  return end <= log_bytes_.load() ? 0 : std::min(end, kLogGrowthMax);
}

/// Whether everything that was written to the log is durable, so that a durable write will do.
bool Pager::log_is_durable() const {
  MutexLock lock(state_mutex_);
  return log_synced_seq_.load() >= durable_seq_;
}

/// Writes `bytes` behind the last frame, up to commit `seq`, and with `syncs` makes them durable.
Result<void> Pager::append(std::vector<ByteSpan> pieces, std::uint64_t bytes, std::uint64_t seq,
                           bool syncs) {
  if (syncs) {
    // What was done with less than `full` until now.
    TRY(note_sync(sync_file()));
    TRY(note_sync(sync_log_name()));
  }
  const std::uint64_t offset = wal_header_.frame_offset(wal_frames_.load() + 1);
  const std::vector<std::uint8_t> zeros(syncs ? growth(offset + bytes) : 0);
  if (!zeros.empty()) pieces.emplace_back(zeros);
  const bool durably = syncs && writes_durably_ && bytes <= kDurableWriteMax && log_is_durable();
  Result<void> written = write_log(offset, pieces, syncs, durably);
  std::uint64_t end = offset + bytes + zeros.size();
  if (!written && written.code() == Code::full && !sync_failed_ && !zeros.empty()) {
    pieces.pop_back();
    end -= zeros.size();
    written = write_log(offset, pieces, syncs, durably);
  }
  TRY(std::move(written));
  log_bytes_.store(std::max(log_bytes_.load(), end));
  if (syncs) {
    log_syncs_.fetch_add(1, std::memory_order_relaxed);
    log_synced_seq_.store(seq);
  }
  return {};
}

/// One batch. A durable write that finds no room has failed as a write, whatever it had begun: all
/// that it was to make durable is given up with it.
Result<void> Pager::write_log(std::uint64_t offset, std::span<const ByteSpan> pieces, bool syncs,
                              bool durably) {
  io::Op ops[2];
  ops[0].kind = io::Op::Kind::write;
  ops[0].file = wal_.get();
  ops[0].offset = offset;
  ops[0].write_pieces = pieces;
  ops[0].durable = durably;
  ops[1].kind = io::Op::Kind::sync;
  ops[1].file = wal_.get();
  ops[1].after_previous = true;
  Result<void> written = vfs_.submit(std::span(ops).first(syncs && !durably ? 2 : 1));
  const bool wrote = ops[0].status.has_value();
  return wrote ? note_sync(std::move(written)) : std::move(written);
}

/// Measures, where the log is going to be written, what a commit of one page takes both ways.
Result<void> Pager::choose_log_sync() {
  if (options_.read_only || options_.log_sync != LogSync::automatic) return {};
  if (synchronous_.load() != Synchronous::full) return {};
  TRY(open_log());
  const std::uint64_t begin =
      wal_frames_.load() == 0 ? 0 : wal_header_.frame_offset(wal_frames_.load() + 1);
  // Zeros are no frame, and no header.
  const std::uint64_t step = kWalFrameHeaderBytes + page_size_;
  const std::vector<std::uint8_t> zeros(2 * kTrialRounds * step);
  TRY(wal_->write(begin, zeros));
  log_bytes_.store(std::max(log_bytes_.load(), begin + zeros.size()));
  TRY(wal_->sync(io::SyncMode::data));
  const ByteSpan frame = ByteSpan(zeros).first(step);
  std::array<std::vector<std::chrono::nanoseconds>, 2> took;
  const io::Clock::time_point until = io::Clock::now() + kTrialTime;
  for (std::size_t i = 0; i < 2 * kTrialRounds && (i < 4 || io::Clock::now() < until); ++i) {
    const bool durably = i % 2 == 1;
    const io::Clock::time_point from = io::Clock::now();
    TRY(write_log(begin + i * step, {&frame, 1}, true, durably));
    took[durably ? 1 : 0].push_back(io::Clock::now() - from);
  }
  std::array<std::int64_t, 2> medians{};
  for (std::size_t way = 0; way < 2; ++way) {
    std::sort(took[way].begin(), took[way].end());
    medians[way] =
        std::chrono::floor<std::chrono::microseconds>(took[way][took[way].size() / 2]).count();
  }
  writes_durably_ = medians[1] < medians[0];
  log::info(cat("the log is synced by ", writes_durably_ ? "durable writes" : "write and fdatasync",
                ": a page takes ", medians[0], " us with fdatasync, ", medians[1],
                " us with RWF_DSYNC"));
  return {};
}

/// `last`: of the commits whose pages they are.
Result<void> Pager::write_frames(std::span<const DirtyPagePtr> pages, const PendingCommit& last,
                                 bool syncs) {
  frame_headers_.resize(pages.size() * kWalFrameHeaderBytes);
  std::vector<ByteSpan> buffers;
  buffers.reserve(pages.size() * 2);
  WalChecksum running = wal_checksum_;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const ByteSpan image(pages[i]->bytes.get(), page_size_);
    WalFrameHeader header;
    header.page_number = pages[i]->number;
    header.commit_pages = i + 1 == pages.size() ? last.page_count : 0;
    header.salt1 = wal_header_.salt1;
    header.salt2 = wal_header_.salt2;
    running = chain_->chain(running, header.page_number, header.commit_pages,
                            chain_->page_contribution(image));
    header.checksum = running;
    const MutableByteSpan head(frame_headers_.data() + i * kWalFrameHeaderBytes,
                               kWalFrameHeaderBytes);
    header.encode(head);
    buffers.push_back(head);
    buffers.push_back(image);
  }
  TRY(append(std::move(buffers), pages.size() * wal_header_.frame_bytes(), last.seq, syncs));
  wal_checksum_ = running;
  frames_written_.fetch_add(pages.size(), std::memory_order_relaxed);
  return {};
}

}  // namespace saturn::storage
