#pragma once

#include "io/vfs.hpp"

namespace saturn::io {

/// Chances are per million operations; 0 never happens.
struct FaultOptions {
  std::uint64_t seed = 1;
  std::uint32_t read_error_ppm = 0;   ///< `ioerr_read`, EIO
  std::uint32_t write_error_ppm = 0;  ///< `ioerr_write`, EIO, after a part was written
  std::uint32_t full_ppm = 0;         ///< `full`, ENOSPC, after a part was written
  std::uint32_t sync_error_ppm = 0;   ///< `ioerr_fsync`, EIO; nothing becomes durable
  /// The operation waits, up to a millisecond, so that others on the same or another file, which
  /// were started later, overtake it.
  std::uint32_t delay_ppm = 0;
};

/// Wraps a `Vfs` for tests: fails operations by chance, and loses at a simulated power cut what was
/// not synced. The same seed and the same order of operations give the same faults. Names count as
/// durable at once. Operations on one file must not overlap in time.
class FaultyVfs : public Vfs {
 public:
  /// Takes effect for the operations that follow; also restarts the sequence from its seed.
  virtual void set_faults(FaultOptions options) = 0;

  /// The power fails: of every write and truncation since the file's last sync, each 512-byte
  /// sector is kept or lost by chance, and handles that are open now fail from here on with
  /// `ioerr`. Files opened afterwards show what the disk has kept. // SUSPENDS
  virtual Result<void> power_cut() = 0;
};

/// `base` is borrowed and must outlive the wrapper.
std::unique_ptr<FaultyVfs> make_faulty_vfs(Vfs& base, FaultOptions options);

}  // namespace saturn::io
