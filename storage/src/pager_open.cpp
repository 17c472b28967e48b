#include "base/log.hpp"
#include "base/text.hpp"
#include "journal_format.hpp"
#include "pager.hpp"
#include "sqlite_locks.hpp"
#include "storage/freelist.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

// Opening: locks, a rollback journal that a crash left, the log that a crash left, the header.

namespace saturn::storage {
namespace {

/// Reads a file of `size` bytes. Whoever takes a read that was cut short for the end of a log or a
/// journal loses commits, so one within the size is an error.
ReadAt reader_of(io::File& file, std::uint64_t size) {
  return [&file, size](std::uint64_t offset, MutableByteSpan out) -> Result<std::size_t> {
    const std::size_t got = TRY(file.read(offset, out));
    if (got < out.size() && offset + got < size) {
      return Error(Code::ioerr_short_read, "a read ended before the file does");
    }
    return got;
  };
}

Result<void> remove_if_there(io::Vfs& vfs, const std::string& path) {
  const bool there = TRY(vfs.exists(path));
  if (!there) return {};
  return vfs.remove(path);
}

}  // namespace

Result<void> Pager::take_locks() {
  const bool locked = TRY(options_.read_only ? file_->lock(kSqliteSharedLocks, io::LockMode::shared)
                                             : file_->lock(kSqliteLocks, io::LockMode::exclusive));
  if (!locked) {
    return Error(Code::busy, "database is locked: another process has it open");
  }
  return {};
}

/// A file without a database: of no bytes, or of zeros as an interrupted `make_new` leaves it.
Result<bool> Pager::is_blank(std::uint64_t bytes) {
  if (bytes == 0) return true;
  if (bytes > limits::kPageSizeMax) return false;
  std::vector<std::uint8_t> content(bytes);
  TRY(reader_of(*file_, bytes)(0, content));
  if (std::any_of(content.begin(), content.end(), [](std::uint8_t b) { return b != 0; })) {
    return false;
  }
  return !TRY(vfs_.exists(wal_path_));
}

/// Writes the first page of a database that has none, in WAL mode from the start: SQLite removes
/// the log of a file of no bytes, so the file must be there before the first commit. A power cut
/// leaves a blank file or the whole page: the size is durable first, and all that is not zero is in
/// the first sector, which is written whole or not at all.
Result<void> Pager::make_new() {
  if (options_.read_only) return Error(Code::cantopen);
  if (!is_valid_page_size(options_.page_size)) return Error(Code::misuse, "page size");
  DatabaseHeader header;
  header.page_size = options_.page_size;
  header.write_version = header.read_version = DatabaseHeader::kVersionWal;
  header.schema_format = 0;
  header.text_encoding_field = static_cast<std::uint32_t>(options_.text_encoding);
  header.stamp(1);
  std::vector<std::uint8_t> page(options_.page_size, 0);
  header.encode(page);
  page[DatabaseHeader::kBytes] = 13;  // an empty leaf of a table tree: the schema
  store_be16(page.data() + DatabaseHeader::kBytes + 5,
             static_cast<std::uint16_t>(options_.page_size == 65'536 ? 0 : options_.page_size));
  const bool syncs = keeps_order();
  TRY(remove_if_there(vfs_, wal_path_));
  // A log of another database must not come back once there is one here.
  if (syncs) TRY(vfs_.sync_directory(wal_path_));
  TRY(file_->truncate(page.size()));
  if (syncs) TRY(file_->sync(io::SyncMode::full));
  return file_->write(0, page);
}

/// Undoes the transaction of a process that died with a rollback journal.
Result<void> Pager::undo_hot_journal() {
  const std::string journal_path = path_ + "-journal";
  const bool there = TRY(vfs_.exists(journal_path));
  if (!there) return {};
  std::unique_ptr<io::File> journal =
      TRY(vfs_.open(journal_path, {.read_only = options_.read_only}));
  const std::uint64_t bytes = TRY(journal->size());
  std::uint8_t first = 0;
  const ReadAt read_journal = reader_of(*journal, bytes);
  const std::size_t got = TRY(read_journal(0, {&first, 1}));
  const bool cold = got == 0 || first == 0;
  if (!cold) {
    const std::string super = TRY(super_journal_name(read_journal, bytes));
    const bool committed = !super.empty() && !TRY(vfs_.exists(super));
    if (!committed) {
      if (options_.read_only) return Error(Code::readonly_recovery);
      log::warn(cat("rolling back an interrupted transaction in ", path_));
      std::uint8_t head[DatabaseHeader::kBytes] = {};
      std::uint32_t page_size = 4096;
      const std::uint64_t file_bytes = TRY(file_->size());
      const std::size_t head_bytes = TRY(reader_of(*file_, file_bytes)(0, head));
      if (head_bytes == sizeof head) {
        auto header = DatabaseHeader::decode(head);
        if (header) page_size = header->page_size;
      }
      std::uint32_t sized = page_size;
      std::vector<std::pair<PageNo, std::vector<std::uint8_t>>> none;
      const JournalPlayback played =
          TRY(play_journal(read_journal, bytes, page_size, [&](PageNo page, ByteSpan image) {
            sized = static_cast<std::uint32_t>(image.size());
            return file_->write(std::uint64_t{page - 1} * image.size(), image);
          }));
      if (!played.cold) {
        const std::uint64_t size = played.page_size != 0 ? played.page_size : sized;
        TRY(file_->truncate(std::uint64_t{played.database_pages} * size));
        TRY(file_->sync(io::SyncMode::full));
      }
    }
  }
  journal.reset();
  if (options_.read_only) return {};
  TRY(vfs_.remove(journal_path));
  return vfs_.sync_directory(journal_path);
}

/// The header as the last commit left it, from the log where that has page 1.
Result<void> Pager::read_layout() {
  std::uint8_t head[DatabaseHeader::kBytes] = {};
  const VersionTable::Version version = versions_.find(1, ~std::uint64_t{0});
  std::size_t got = 0;
  if (version.frame != VersionTable::kInFile) {
    got = TRY(wal_->read(wal_header_.frame_offset(version.frame) + kWalFrameHeaderBytes, head));
  } else {
    got = TRY(file_->read(0, head));
  }
  const DatabaseHeader header = TRY(DatabaseHeader::decode({head, got}));
  if (wal_frames_.load() != 0 && header.page_size != page_size_) {
    return corrupt_error(1, 16, "page size differs from the log's");
  }
  page_size_ = header.page_size;
  usable_size_ = header.usable_bytes();
  {
    MutexLock lock(state_mutex_);
    durable_auto_vacuum_ = handed_auto_vacuum_ = header.auto_vacuum();
  }
  wal_mode_.store(header.is_wal());
  if (header.is_read_only() && !options_.read_only) {
    return Error(Code::readonly, "the file was written by a later version of SQLite");
  }
  if (wal_frames_.load() == 0) {
    const std::uint64_t bytes = TRY(file_->size());
    const PageNo pages = TRY(header.page_count(bytes));
    MutexLock lock(state_mutex_);
    durable_pages_ = handed_pages_ = pages;
  }
  return {};
}

Result<void> Pager::recover_log() {
  const bool there = TRY(vfs_.exists(wal_path_));
  if (!there) return {};
  wal_ = TRY(vfs_.open(wal_path_, {.read_only = options_.read_only}));
  const std::uint64_t bytes = TRY(wal_->size());
  log_bytes_.store(bytes);
  const WalRecovery recovery = TRY(recover_wal(reader_of(*wal_, bytes), bytes));
  if (!recovery.header_valid || recovery.pages.empty()) return {};
  // Each page but the one with the lock bytes is in the file or in the log. A count beyond that
  // would have whoever walks all pages walk for ever.
  const std::uint64_t in_file = TRY(file_->size()) / recovery.header.page_size + 1;
  if (recovery.database_pages > in_file + recovery.last_frame.size() + 1) {
    return corrupt_error(1, 28, "the log counts more pages than there are");
  }
  const std::uint64_t end =
      recovery.header.frame_offset(static_cast<std::uint32_t>(recovery.pages.size() + 1));
  if (!options_.read_only && bytes > end) TRY(wal_->truncate(end));
  log_bytes_.store(std::min(bytes, end));
  page_size_ = recovery.header.page_size;
  wal_header_ = recovery.header;
  wal_checksum_ = recovery.checksum;
  wal_started_ = true;
  chain_.emplace(page_size_, wal_header_.order);
  wal_frames_.store(static_cast<std::uint32_t>(recovery.pages.size()));
  versions_.reserve(recovery.last_frame.size());
  for (const auto& [page, frame] : recovery.last_frame) {
    if (page <= recovery.database_pages) versions_.add_recovered(page, 1, frame);
  }
  log::info(cat("recovered ", recovery.pages.size(), " frames of ", wal_path_));
  MutexLock lock(state_mutex_);
  durable_seq_ = handed_seq_ = last_seq_ = 1;
  group_ends_.emplace_back(1, wal_frames_.load());
  durable_pages_ = handed_pages_ = recovery.database_pages;
  return {};
}

Result<void> Pager::open_file() {
  file_ = TRY(vfs_.open(
      path_, {.read_only = options_.read_only, .create = options_.create && !options_.read_only}));
  TRY(take_locks());
  TRY(undo_hot_journal());
  const std::uint64_t bytes = TRY(file_->size());
  if (TRY(is_blank(bytes))) TRY(make_new());
  TRY(recover_log());
  TRY(read_layout());
  TRY(settle());
  cache_ = TRY(PageCache::make({.page_size = page_size_, .budget_bytes = options_.cache_bytes}));
  if (options_.register_cache) TRY(vfs_.register_arena(cache_->arena()));
  writes_durably_ = options_.log_sync == LogSync::dsync;
  Result<void> chosen = choose_log_sync();
  // Whatever is wrong there the first commit finds, too.
  if (!chosen) log::warn(cat("cannot measure how to sync ", wal_path_, ": ", chosen.message()));
  return {};
}

/// Makes durable what is there (invariant 7).
Result<void> Pager::settle() {
  if (options_.read_only) return {};
  file_unsynced_.store(true);
  if (!keeps_order()) return {};
  TRY(vfs_.sync_directory(path_ + "-journal"));  // that it is gone
  TRY(sync_file());
  // An older log with frames may be on the disk in the place of one that has none, or of no log.
  if (wal_ == nullptr) return vfs_.sync_directory(wal_path_);
  TRY(wal_frames_.load() == 0 ? wal_->sync(io::SyncMode::data) : sync_log(1));
  return sync_log_name();
}

/// SQLite must take the file for a WAL database before the first frame is written. Called with the
/// writer's turn.
Result<void> Pager::ensure_wal_mode() {
  if (wal_mode_.load()) return {};
  const std::uint8_t versions[2] = {DatabaseHeader::kVersionWal, DatabaseHeader::kVersionWal};
  TRY(file_->write(18, versions));
  file_unsynced_.store(true);
  if (keeps_order()) TRY(sync_file());
  cache_->discard(1, 0);
  wal_mode_.store(true);
  return {};
}

Result<bool> Pager::set_page_size(std::uint32_t bytes) {
  if (options_.read_only || options_.register_cache || !is_valid_page_size(bytes)) return false;
  if (bytes == page_size_) return true;
  {
    MutexLock lock(state_mutex_);
    const bool idle = transactions_.load() == 0 && pending_.empty() && !flushing_;
    if (!idle || remaking_ || durable_pages_ != 1) return false;
    remaking_ = true;
  }
  checkpoint_mutex_.lock();
  Result<bool> made = make_anew(bytes);
  checkpoint_mutex_.unlock();
  MutexLock lock(state_mutex_);
  remaking_ = false;
  return made;
}

/// With nobody else about: everything goes into the file, whose one page is written again if there
/// is no schema yet.
Result<bool> Pager::make_anew(std::uint32_t page_size) {
  TRY(backfill());
  std::uint8_t head[DatabaseHeader::kBytes] = {};
  const std::size_t got = TRY(file_->read(0, head));
  DatabaseHeader header = TRY(DatabaseHeader::decode({head, got}));
  if (!header.is_empty()) return false;
  if (page_size < header.reserved_bytes + DatabaseHeader::kUsableBytesMin) return false;
  {
    MutexLock lock(state_mutex_);
    versions_.settle_in_file(durable_seq_);
    log_synced_seq_.store(durable_seq_);
  }
  TRY(remove_log());
  wal_started_ = false;
  {
    MutexLock lock(state_mutex_);
    backfilled_frames_ = 0;
  }
  wal_frames_.store(0);
  frames_at_checkpoint_.store(0);
  header.page_size = page_size;
  Image image(header);
  image.finish();
  const std::unique_ptr<std::uint8_t[]> page = image.take(1);
  // As in `make_new`: room first, then the first sector, then what is too much.
  const bool syncs = keeps_order();
  if (page_size > page_size_) {
    TRY(file_->truncate(page_size));
    if (syncs) TRY(file_->sync(io::SyncMode::full));
  }
  file_unsynced_.store(true);
  TRY(file_->write(0, {page.get(), page_size}));
  if (syncs) TRY(sync_file());
  if (page_size < page_size_) TRY(file_->truncate(page_size));
  cache_ = TRY(PageCache::make({.page_size = page_size, .budget_bytes = options_.cache_bytes}));
  page_size_ = page_size;
  usable_size_ = header.usable_bytes();
  return true;
}

Result<void> Pager::remove_log() {
  wal_.reset();
  log_bytes_.store(0);
  log_name_synced_.store(false);
  TRY(remove_if_there(vfs_, wal_path_));
  TRY(remove_if_there(vfs_, path_ + "-shm"));
  return vfs_.sync_directory(wal_path_);
}

Result<void> Pager::close() {
  while (checkpoint_queued_.load()) io::sleep_for(std::chrono::milliseconds(1));
  ASSERT(transactions_.load() == 0);
  checkpoint_mutex_.lock();
  Result<void> outcome;
  if (!options_.read_only && !is_broken_.load()) {
    outcome = backfill();
    if (outcome) outcome = remove_log();
  }
  checkpoint_mutex_.unlock();
  wal_.reset();
  file_.reset();
  return outcome;
}

}  // namespace saturn::storage
