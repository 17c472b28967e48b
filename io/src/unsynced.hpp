#pragma once

/// What the `faulty` backend remembers of changes that no sync has covered, and what a power cut
/// leaves of them.

#include "io/vfs.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace saturn::io {

/// One change of a file: enough to take it back and to do it again in part.
struct Change {
  std::uint64_t offset = 0;  ///< of a write, or the new size of a truncation
  std::uint64_t old_size = 0;
  std::vector<std::uint8_t> old_bytes;  ///< what the change overwrote or cut off
  std::vector<std::uint8_t> new_bytes;
  bool truncation = false;
  std::uint64_t number = 0;  ///< among the changes of all files
  bool durable = false;      ///< the disk has it, whatever becomes of the others
};

/// A file, whatever its name is now: its changes since its last sync, oldest first.
struct UnsyncedFile {
  std::vector<Change> changes;
};

/// A name's creation or removal since its last `sync_directory`.
struct NameChange {
  std::shared_ptr<UnsyncedFile> removed;  ///< null: the name was created
  std::vector<std::uint8_t> content;      ///< of the removed file
};

/// One name: the file that it stands for (null when there is none), and how it came to that.
struct UnsyncedName {
  std::shared_ptr<UnsyncedFile> file;
  std::vector<NameChange> changes;  ///< oldest first
};

using UnsyncedNames = std::map<std::string, UnsyncedName, std::less<>>;

/// Makes the files of `base` what a disk may have kept. Nobody uses them meanwhile. // SUSPENDS
Result<void> lose_unsynced(Vfs& base, const UnsyncedNames& names, std::mt19937_64& random);

}  // namespace saturn::io
