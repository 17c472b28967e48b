#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "io/fiber.hpp"
#include "io/vfs.hpp"
#include "storage/page_source.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Copies of an open database, page by page, while others read and write it.
namespace saturn::storage {

class Database;

/// The database as its last durable commit had left it when the copy began: the bytes of a database
/// file without a log. It waits for nobody, and nobody waits for it: checkpoints go on and the log
/// starts over, because what they overwrite is kept for the copy, up to
/// `limits::kBackupKeptBytesMax`; past that they wait until the copy has taken what is kept.
///
/// Belongs to one fiber at a time, and must be gone before the database is closed. Destroying it
/// gives it up. // SUSPENDS
class Backup {
 public:
  virtual ~Backup() = default;
  Backup() = default;
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  virtual std::uint32_t page_size() const noexcept = 0;
  virtual PageNo page_count() const noexcept = 0;
  /// Fills `out` with the next whole pages and returns their bytes; 0 after the last page. `out`
  /// has room for at least one. Fails with I/O errors, `corrupt` for a file that is too short, and
  /// `nomem`. // SUSPENDS
  virtual Result<std::size_t> read(MutableByteSpan out) = 0;
};

/// Holds a transfer to so many bytes a second; 0 lets it run. One fiber at a time.
class Throttle {
 public:
  explicit Throttle(std::uint64_t bytes_per_second) noexcept : rate_(bytes_per_second) {}
  /// How many bytes, at most `most`, to transfer at once, so that no pause is long.
  std::size_t portion(std::size_t most) const noexcept;
  /// Call after `bytes` were transferred. Lets other fibers run in any case. // SUSPENDS
  void take(std::uint64_t bytes);

 private:
  const std::uint64_t rate_;
  io::Clock::time_point next_{};
};

/// The file that a backup is written to, in place of what is there. Its first bytes are written
/// last, so that what was cut short is no database.
class BackupFile {
 public:
  /// Fails with `busy` when somebody has the file open. `vfs` is borrowed. // SUSPENDS
  static Result<BackupFile> create(io::Vfs& vfs, const std::string& path);

  /// The next bytes. // SUSPENDS
  Result<void> append(ByteSpan bytes);
  /// Makes the file whole and durable, once all bytes were appended. // SUSPENDS
  Result<void> finish();

 private:
  explicit BackupFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  std::unique_ptr<io::File> file_;
  std::vector<std::uint8_t> head_;
  std::uint64_t size_ = 0;  ///< of what was appended
};

/// Copies `database` to the file `path` of `to`, at so many bytes a second; 0: as fast as can be.
/// Fails as `BackupFile` and `Backup` do. // SUSPENDS
Result<void> write_backup(Database& database, io::Vfs& to, const std::string& path,
                          std::uint64_t bytes_per_second);

}  // namespace saturn::storage
