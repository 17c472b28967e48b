#include "unsynced.hpp"

#include <algorithm>
#include <optional>

namespace saturn::io {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

/// How much of a file's changes the disk has kept.
enum class Kept : std::uint8_t { nothing, everything, until_some_time, some_changes, some_sectors };

class Loss {
 public:
  Loss(Vfs& base, std::mt19937_64& random) : base_(base), random_(random) {}

  Result<void> lose_name(const std::string& path, const UnsyncedName& name) {
    const std::size_t kept = draw(name.changes.size() + 1);
    std::shared_ptr<UnsyncedFile> file = name.file;
    if (kept < name.changes.size()) {
      // The first change that was lost says what the name stood for before it.
      const NameChange& lost = name.changes[kept];
      file = lost.removed;
      const bool there = TRY(base_.exists(path));
      if (there) TRY(base_.remove(path));
      if (file != nullptr) {
        const std::unique_ptr<File> restored = TRY(base_.open(path, {.create = true}));
        TRY(restored->write(0, lost.content));
      }
    }
    if (file == nullptr || file->changes.empty()) return {};
    const std::unique_ptr<File> opened = TRY(base_.open(path, {}));
    return lose_content(*opened, file->changes);
  }

 private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  bool toss() { return draw(2) == 0; }

  Result<void> lose_content(File& file, const std::vector<Change>& changes) {
    const std::uint64_t size_at_cut = TRY(file.size());
    for (auto it = changes.rbegin(); it != changes.rend(); ++it) {
      TRY(file.write(it->offset, it->old_bytes));
      TRY(file.truncate(it->old_size));
    }
    const auto how = static_cast<Kept>(draw(5));
    const std::size_t until = draw(changes.size());
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (changes[i].durable) {
        TRY(redo(file, changes[i]));
        continue;
      }
      switch (how) {
        case Kept::nothing: break;
        case Kept::everything: TRY(redo(file, changes[i])); break;
        case Kept::until_some_time:
          if (i < until) TRY(redo(file, changes[i]));
          if (i == until) TRY(redo_sectors(file, changes[i]));
          break;
        case Kept::some_changes:
          if (toss()) TRY(redo(file, changes[i]));
          break;
        case Kept::some_sectors: TRY(redo_sectors(file, changes[i])); break;
      }
    }
    const std::uint64_t size = TRY(file.size());
    if (size < size_at_cut && draw(4) == 0) TRY(file.truncate(size_at_cut));
    return {};
  }

  static Result<void> redo(File& file, const Change& change) {
    return change.truncation ? file.truncate(change.offset)
                             : file.write(change.offset, change.new_bytes);
  }

  Result<void> redo_sectors(File& file, const Change& change) {
    if (change.truncation) return toss() ? file.truncate(change.offset) : Result<void>();
    for (std::size_t at = 0; at < change.new_bytes.size();) {
      const std::uint64_t in_sector = (change.offset + at) % kSectorBytes;
      const std::size_t n =
          std::min<std::size_t>(kSectorBytes - in_sector, change.new_bytes.size() - at);
      if (toss()) TRY(file.write(change.offset + at, ByteSpan(change.new_bytes).subspan(at, n)));
      at += n;
    }
    return {};
  }

  Vfs& base_;
  std::mt19937_64& random_;
};

}  // namespace

Result<void> lose_unsynced(Vfs& base, const UnsyncedNames& names, std::mt19937_64& random) {
  Loss loss(base, random);
  for (const auto& [path, name] : names) TRY(loss.lose_name(path, name));
  return {};
}

}  // namespace saturn::io
