#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "io/vfs.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace saturn::sql {

struct SessionState;

/// Rows that memory has no room for, in a temporary file beside the main database. The file's name
/// is gone before the first row is written, so that nothing is left of it whatever happens; its
/// bytes are no format that anybody else reads. Not thread-safe.
class SpillFile {
 public:
  /// Whether the session has a place for such files: a main database that is not in memory.
  static bool available(const SessionState& session);
  /// An empty file. Fails as `io::Vfs::open` does. // SUSPENDS
  static Result<std::unique_ptr<SpillFile>> make(const SessionState& session);

  /// Adds a row at the end, and returns where it begins. Fails with `full` and I/O errors.
  /// // SUSPENDS
  Result<std::uint64_t> append(std::span<const ValueRef> row);
  /// Hands on what `append` has buffered: before this the last rows cannot be read. // SUSPENDS
  Result<void> flush();
  /// Empties the file. // SUSPENDS
  Result<void> clear();
  std::uint64_t size() const noexcept { return written_ + buffer_.size(); }  ///< bytes

 private:
  friend class SpillReader;
  explicit SpillFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  void put(ValueRef value);

  std::unique_ptr<io::File> file_;
  std::uint64_t written_ = 0;
  std::vector<std::uint8_t> buffer_;  ///< what follows the written bytes
};

/// Reads rows of a spill file, one after the other from where it is put. The file must outlive it.
class SpillReader {
 public:
  SpillReader(SpillFile& file, std::uint32_t width) : file_(file), width_(width) {}
  /// The next row is the one that begins at `offset`.
  void seek(std::uint64_t offset) noexcept { at_ = offset; }
  std::uint64_t offset() const noexcept { return at_; }
  /// Reads `width` values into `row`; their texts and blobs are good until the next call.
  /// // SUSPENDS
  Result<void> next(ValueRef* row);

 private:
  Result<const std::uint8_t*> bytes(std::size_t count);

  SpillFile& file_;
  const std::uint32_t width_;
  std::uint64_t at_ = 0;
  std::uint64_t window_start_ = 0;    ///< in the file
  std::vector<std::uint8_t> window_;  ///< bytes of the file from there
};

}  // namespace saturn::sql
