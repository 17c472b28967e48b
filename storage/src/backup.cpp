#include "storage/backup.hpp"

#include "base/limits.hpp"
#include "sqlite_locks.hpp"
#include "storage/database.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace saturn::storage {
namespace {

/// Without them no file is a database. The least page has as many.
constexpr std::size_t kHeadBytes = 512;

/// What a stale log or journal beside the new file would do to it is no backup.
Result<void> remove_leftovers(io::Vfs& vfs, const std::string& path) {
  for (const char* suffix : {"-journal", "-wal", "-shm"}) {
    const std::string name = path + suffix;
    const bool there = TRY(vfs.exists(name));
    if (there) TRY(vfs.remove(name));
  }
  return {};
}

}  // namespace

void Throttle::take(std::uint64_t bytes) {
  if (rate_ == 0) return io::yield();
  const io::Clock::time_point now = io::Clock::now();
  // What was not used of the past is not saved up.
  next_ =
      std::max(next_, now) + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                 static_cast<double>(bytes) * 1e9 / static_cast<double>(rate_)));
  io::sleep_for(next_ - now);
}

std::size_t Throttle::portion(std::size_t most) const noexcept {
  constexpr std::uint64_t kPortionsASecond = 8;
  if (rate_ == 0) return most;
  return static_cast<std::size_t>(std::min<std::uint64_t>(most, rate_ / kPortionsASecond + 1));
}

Result<BackupFile> BackupFile::create(io::Vfs& vfs, const std::string& path) {
  std::unique_ptr<io::File> file = TRY(vfs.open(path, {.create = true}));
  const bool locked = TRY(file->lock(kSqliteLocks, io::LockMode::exclusive));
  if (!locked) return Error(Code::busy, "database is locked");
  TRY(file->truncate(0));
  TRY(remove_leftovers(vfs, path));
  TRY(vfs.sync_directory(path));
  return BackupFile(std::move(file));
}

Result<void> BackupFile::append(ByteSpan bytes) {
  size_ += bytes.size();
  if (head_.size() < kHeadBytes) {
    const ByteSpan part = bytes.first(std::min(kHeadBytes - head_.size(), bytes.size()));
    head_.insert(head_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
  }
  return bytes.empty() ? Result<void>() : file_->write(size_ - bytes.size(), bytes);
}

Result<void> BackupFile::finish() {
  TRY(file_->sync(io::SyncMode::full));
  TRY(file_->write(0, head_));
  return file_->sync(io::SyncMode::full);
}

Result<void> write_backup(Database& database, io::Vfs& to, const std::string& path,
                          std::uint64_t bytes_per_second) {
  BackupFile file = TRY(BackupFile::create(to, path));
  const std::unique_ptr<Backup> backup = TRY(database.begin_backup());
  Throttle throttle(bytes_per_second);
  const std::size_t portion = throttle.portion(limits::kBackupReadBytes);
  std::vector<std::uint8_t> buffer(std::max<std::size_t>(portion, backup->page_size()));
  for (;;) {
    const std::size_t bytes = TRY(backup->read(buffer));
    if (bytes == 0) return file.finish();
    TRY(file.append(ByteSpan(buffer).first(bytes)));
    throttle.take(bytes);
  }
}

}  // namespace saturn::storage
