#pragma once

#include "io/vfs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saturn::io {

/// Chances are per million operations; 0 never happens.
struct FaultOptions {
  std::uint64_t seed = 1;
  std::uint32_t read_error_ppm = 0;   ///< `ioerr_read`, EIO
  std::uint32_t write_error_ppm = 0;  ///< `ioerr_write`, EIO, after a part was written
  std::uint32_t full_ppm = 0;         ///< `full`, ENOSPC, after a part was written
  std::uint32_t sync_error_ppm = 0;   ///< `ioerr_fsync`, EIO; nothing becomes durable
  std::uint32_t sync_lie_ppm = 0;     ///< the sync succeeds, and nothing becomes durable
  /// The operation waits, up to a millisecond, so that others on the same or another file, which
  /// were started later, overtake it.
  std::uint32_t delay_ppm = 0;
  /// The fiber yields up to eight times before the operation, for the same purpose. Takes no time,
  /// and on one worker it gives the same order whenever the seed is the same.
  std::uint32_t yield_ppm = 0;
};

/// What an operation asked of the wrapped `Vfs`.
enum class IoKind : std::uint8_t {
  open,  ///< of a file that there is
  create,
  remove,
  exists,
  sync_directory,
  read,
  write,
  sync,
  truncate,
  size,
  allocate,
  lock,
};
inline constexpr std::size_t kIoKinds = static_cast<std::size_t>(IoKind::lock) + 1;

/// "sync_directory"
std::string_view io_kind_name(IoKind kind) noexcept;

/// How one operation is to fail.
struct Strike {
  /// The errno that is reported, with the code that the contract has for it. Of a `write` some part
  /// is written all the same; of everything else nothing happens.
  int sys_errno = 0;
  /// A `read` returns fewer bytes than there are, without an error; other operations succeed.
  bool short_read = false;
};

/// Wraps a `Vfs` for tests: fails operations, by chance or by their number, and loses at a
/// simulated power cut what was not synced. The same seed and the same order of operations give the
/// same faults. Operations on one file must not overlap in time, and a removed file must not be
/// written to.
///
/// The life of the power:
///
///     on ── power_cut() ──► on: the files are what the disk has kept
///     on ── kill() ──► on: the files are as they were
///     on ── the operation of `cut_power_at` ──► off: every operation fails
///     off ── power_cut() or kill() ──► on
class FaultyVfs : public Vfs {
 public:
  /// Takes effect for the operations that follow; also restarts the sequence from its seed.
  virtual void set_faults(FaultOptions options) = 0;

  /// Operations begun so far. Closing a file is none.
  virtual std::uint64_t operations() const = 0;

  /// The operation of that number, counted from 0 as `operations` does, fails once.
  virtual void strike_at(std::uint64_t operation, Strike strike) = 0;
  /// The disk has room for so many more bytes: a write or an allocation that would grow a file by
  /// more fails with `full`, ENOSPC, a write after what there was room for. Files that shrink or
  /// are removed give room back.
  virtual void set_room(std::uint64_t bytes) = 0;

  /// What the operation that `strike_at` last named was, once it has begun.
  virtual std::optional<IoKind> struck() const = 0;

  /// The power goes during the operation of that number: a change is on its way to the disk, a sync
  /// has made nothing durable yet.
  virtual void cut_power_at(std::uint64_t operation) = 0;
  /// What that operation was, while the power is off.
  virtual std::optional<IoKind> power_lost_at() const = 0;

  /// The power fails, unless it is off already, and comes back. What the disk has kept of
  /// everything that was not synced is a matter of chance:
  ///
  ///  - of each file's writes, truncations and allocations since its last sync: none; all; those up
  ///    to some point of time, the last of them in part; any of them, in any order; or any of their
  ///    512-byte sectors. The file may have grown without its new content, which then is zeros.
  ///  - of each name's creations and removals since its last `sync_directory`: those up to some
  ///    point of time. A removed file comes back with what was not synced of it lost by chance,
  ///    too.
  ///
  /// Handles that were open fail from here on with `ioerr`. // SUSPENDS
  virtual Result<void> power_cut() = 0;

  /// The process dies, and the system lives on: handles that were open fail from here on with
  /// `ioerr`, the power is on, and what was not synced is there, still to be lost at a power cut.
  virtual void kill() = 0;
};

/// `base` is borrowed and must outlive the wrapper.
std::unique_ptr<FaultyVfs> make_faulty_vfs(Vfs& base, FaultOptions options);

}  // namespace saturn::io
