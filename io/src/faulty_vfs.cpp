#include "batch.hpp"

#include "base/mutex.hpp"
#include "io/faulty.hpp"
#include "io/fiber.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace saturn::io {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

/// One change that no sync has covered yet: enough to take it back and to do it again in part.
struct Change {
  std::uint64_t offset;  ///< of a write, or the new size of a truncation
  std::uint64_t old_size;
  std::vector<std::uint8_t> old_bytes;  ///< what the change overwrote or cut off
  std::vector<std::uint8_t> new_bytes;
  bool truncation;
};

/// The unsynced changes by name; `epoch` counts the power cuts.
struct Shared {
  Mutex mutex;
  std::mt19937_64 random GUARDED_BY(mutex);
  FaultOptions faults GUARDED_BY(mutex);
  std::uint64_t epoch GUARDED_BY(mutex) = 0;
  std::map<std::string, std::vector<Change>, std::less<>> changes GUARDED_BY(mutex);

  std::uint64_t draw(std::uint64_t below) {
    const MutexLock lock(mutex);
    return random() % below;
  }
};

class FaultyFile final : public File {
 public:
  FaultyFile(Shared& shared, std::string path, std::unique_ptr<File> base, std::uint64_t epoch,
             bool read_only)
      : shared_(shared),
        path_(std::move(path)),
        base_(std::move(base)),
        epoch_(epoch),
        read_only_(read_only) {}

  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan buffer) override {
    return readv(offset, {&buffer, 1});
  }
  Result<std::size_t> readv(std::uint64_t offset,
                            std::span<const MutableByteSpan> buffers) override {
    delay();
    TRY(alive());
    if (strikes(faults().read_error_ppm)) return Error(Code::ioerr_read, "injected", EIO);
    return base_->readv(offset, buffers);
  }
  Result<void> write(std::uint64_t offset, ByteSpan bytes) override {
    return writev(offset, {&bytes, 1});
  }
  Result<void> writev(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    delay();
    TRY(writable());
    std::vector<std::uint8_t> bytes;
    for (ByteSpan b : buffers) bytes.insert(bytes.end(), b.begin(), b.end());
    const bool full = strikes(faults().full_ppm);
    const bool failed = full || strikes(faults().write_error_ppm);
    if (failed) bytes.resize(shared_.draw(bytes.size() + 1));
    TRY(record(offset, bytes, bytes.size(), false));
    TRY(base_->write(offset, bytes));
    if (full) return Error(Code::full, "injected", ENOSPC);
    if (failed) return Error(Code::ioerr_write, "injected", EIO);
    return {};
  }
  Result<void> sync(SyncMode mode) override {
    delay();
    TRY(alive());
    if (strikes(faults().sync_error_ppm)) return Error(Code::ioerr_fsync, "injected", EIO);
    TRY(base_->sync(mode));
    const MutexLock lock(shared_.mutex);
    shared_.changes.erase(path_);
    return {};
  }
  Result<void> truncate(std::uint64_t to) override {
    TRY(writable());
    const std::uint64_t now = TRY(base_->size());
    TRY(record(to, {}, now > to ? now - to : 0, true));
    return base_->truncate(to);
  }
  Result<std::uint64_t> size() override {
    TRY(alive());
    return base_->size();
  }
  Result<void> allocate(std::uint64_t offset, std::uint64_t bytes) override {
    TRY(writable());
    if (offset + bytes > TRY(base_->size())) TRY(record(offset + bytes, {}, 0, true));
    return base_->allocate(offset, bytes);
  }
  Result<bool> lock(LockRange range, LockMode mode) override {
    TRY(alive());
    return base_->lock(range, mode);
  }

 private:
  Result<void> alive() {
    const MutexLock lock(shared_.mutex);
    if (epoch_ != shared_.epoch) return Error(Code::ioerr, "the power was cut", EIO);
    return {};
  }
  Result<void> writable() {
    TRY(alive());
    if (read_only_) return Error(Code::readonly);
    return {};
  }
  FaultOptions faults() {
    const MutexLock lock(shared_.mutex);
    return shared_.faults;
  }
  /// Lets others overtake, by chance.
  void delay() {
    if (!strikes(faults().delay_ppm)) return;
    sleep_for(std::chrono::microseconds(1 + shared_.draw(1000)));
  }
  bool strikes(std::uint32_t ppm) { return ppm != 0 && shared_.draw(1'000'000) < ppm; }

  Result<void> record(std::uint64_t offset, std::vector<std::uint8_t> bytes, std::size_t old_bytes,
                      bool truncation) {
    Change change{offset, TRY(base_->size()), {}, std::move(bytes), truncation};
    change.old_bytes.resize(old_bytes);
    change.old_bytes.resize(TRY(base_->read(offset, change.old_bytes)));
    const MutexLock lock(shared_.mutex);
    shared_.changes[path_].push_back(std::move(change));
    return {};
  }

  Shared& shared_;
  const std::string path_;
  const std::unique_ptr<File> base_;
  const std::uint64_t epoch_;
  const bool read_only_;
};

class FaultyVfsImpl final : public FaultyVfs {
 public:
  FaultyVfsImpl(Vfs& base, FaultOptions options) : base_(base) { set_faults(options); }

  void set_faults(FaultOptions options) override {
    const MutexLock lock(shared_.mutex);
    shared_.faults = options;
    shared_.random.seed(options.seed);
  }

  Result<void> power_cut() override {
    decltype(shared_.changes) changes;
    {
      const MutexLock lock(shared_.mutex);
      ++shared_.epoch;
      changes.swap(shared_.changes);
    }
    for (const auto& [path, list] : changes) {
      if (!TRY(base_.exists(path))) continue;
      const std::unique_ptr<File> file = TRY(base_.open(path, {}));
      for (auto it = list.rbegin(); it != list.rend(); ++it) {
        TRY(file->write(it->offset, it->old_bytes));
        TRY(file->truncate(it->old_size));
      }
      for (const Change& change : list) TRY(redo_in_part(*file, change));
    }
    return {};
  }

  std::string_view name() const noexcept override { return "faulty"; }
  Result<std::unique_ptr<File>> open(std::string_view path, OpenOptions options) override {
    std::uint64_t epoch;
    {
      const MutexLock lock(shared_.mutex);
      epoch = shared_.epoch;
    }
    std::unique_ptr<File> file = TRY(base_.open(path, options));
    return std::unique_ptr<File>(std::make_unique<FaultyFile>(
        shared_, std::string(path), std::move(file), epoch, options.read_only));
  }
  Result<void> remove(std::string_view path) override {
    TRY(base_.remove(path));
    const MutexLock lock(shared_.mutex);
    shared_.changes.erase(std::string(path));
    return {};
  }
  Result<bool> exists(std::string_view path) override { return base_.exists(path); }
  Result<void> sync_directory(std::string_view path) override { return base_.sync_directory(path); }
  Result<void> submit(std::span<Op> ops) override {
    bool reorders;
    {
      const MutexLock lock(shared_.mutex);
      reorders = shared_.faults.delay_ppm != 0;
    }
    return reorders ? submit_shuffled(ops) : submit_sequentially(ops);
  }
  Result<void> register_arena(MutableByteSpan arena) override {
    return base_.register_arena(arena);
  }

 private:
  /// What nothing orders runs in an order of chance.
  Result<void> submit_shuffled(std::span<Op> ops) {
    bool failed = false;
    for (std::size_t begin = 0; begin < ops.size();) {
      std::size_t end = begin + 1;
      while (end < ops.size() && !ops[end].after_previous) ++end;
      std::vector<std::size_t> order;
      for (std::size_t i = begin; i < end; ++i) order.push_back(i);
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[shared_.draw(i)]);
      for (const std::size_t i : order) {
        Op& op = ops[i];
        if (op.after_previous && failed) {
          op.status = given_up_error();
          continue;
        }
        const bool ordered = std::exchange(op.after_previous, false);
        static_cast<void>(submit_sequentially({&op, 1}));
        op.after_previous = ordered;
      }
      for (std::size_t i = begin; i < end; ++i) failed = failed || !ops[i].status;
      begin = end;
    }
    return first_failure(ops);
  }

  Result<void> redo_in_part(File& file, const Change& change) {
    if (change.truncation) {
      return shared_.draw(2) == 0 ? file.truncate(change.offset) : Result<void>();
    }
    for (std::size_t at = 0; at < change.new_bytes.size();) {
      const std::uint64_t in_sector = (change.offset + at) % kSectorBytes;
      const std::size_t n =
          std::min<std::size_t>(kSectorBytes - in_sector, change.new_bytes.size() - at);
      if (shared_.draw(2) == 0) {
        TRY(file.write(change.offset + at, ByteSpan(change.new_bytes).subspan(at, n)));
      }
      at += n;
    }
    return {};
  }

  Vfs& base_;
  Shared shared_;
};

}  // namespace

std::unique_ptr<FaultyVfs> make_faulty_vfs(Vfs& base, FaultOptions options) {
  return std::make_unique<FaultyVfsImpl>(base, options);
}

}  // namespace saturn::io
