#include "batch.hpp"
#include "unsynced.hpp"

#include "base/mutex.hpp"
#include "io/faulty.hpp"
#include "io/fiber.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace saturn::io {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::uint64_t kYieldsMax = 8;

/// The code that the contract (vfs.hpp) has for a failure of this kind.
Code code_of(IoKind kind, int sys_errno) {
  if (sys_errno == ENOSPC || sys_errno == EDQUOT) return Code::full;
  switch (kind) {
    case IoKind::open:
    case IoKind::create: return Code::cantopen;
    case IoKind::remove: return Code::ioerr_delete;
    case IoKind::exists: return Code::ioerr;
    case IoKind::sync_directory: return Code::ioerr_dir_fsync;
    case IoKind::read: return Code::ioerr_read;
    case IoKind::allocate:
    case IoKind::write: return Code::ioerr_write;
    case IoKind::sync: return Code::ioerr_fsync;
    case IoKind::truncate: return Code::ioerr_truncate;
    case IoKind::size: return Code::ioerr_fstat;
    case IoKind::lock: return Code::ioerr_lock;
  }
  return Code::ioerr;
}

Error no_power() { return Error(Code::ioerr, "the power was cut", EIO); }

/// What becomes of an operation that has begun.
struct Fate {
  bool power_goes = false;  ///< while it is under way
  bool short_read = false;
  bool lie = false;   ///< of a sync
  int sys_errno = 0;  ///< else 0: it runs
};

/// What all handles share; `epoch` counts the power cuts.
struct Shared {
  mutable Mutex mutex;
  std::mt19937_64 random GUARDED_BY(mutex);
  FaultOptions faults GUARDED_BY(mutex);
  std::uint64_t epoch GUARDED_BY(mutex) = 0;
  std::uint64_t operations GUARDED_BY(mutex) = 0;
  std::uint64_t strike_at GUARDED_BY(mutex) = kNever;
  Strike strike GUARDED_BY(mutex);
  std::optional<IoKind> struck GUARDED_BY(mutex);
  std::uint64_t cut_at GUARDED_BY(mutex) = kNever;
  std::optional<IoKind> lost_at GUARDED_BY(mutex);  ///< the power is off
  std::uint64_t room GUARDED_BY(mutex) = kNever;    ///< bytes; kNever: no limit
  UnsyncedNames names GUARDED_BY(mutex);
  std::uint64_t changes GUARDED_BY(mutex) = 0;  ///< ever made to a file

  bool lies() REQUIRES(mutex) { return strikes(faults.sync_lie_ppm); }
  std::uint64_t draw(std::uint64_t below) {
    const MutexLock lock(mutex);
    return random() % below;
  }

  /// A file is to be of another size. Returns the size that there is room for.
  std::uint64_t resize(std::uint64_t from, std::uint64_t to) {
    const MutexLock lock(mutex);
    if (room == kNever) return to;
    if (to > from) to = from + std::min(to - from, room);
    room = room + from - to;
    return to;
  }

  /// Counts an operation, by a handle of that epoch if by any. Fails without power.
  Result<Fate> begin(IoKind kind, std::uint64_t handle_epoch) {
    const MutexLock lock(mutex);
    if (lost_at || handle_epoch != epoch) return no_power();
    const std::uint64_t number = operations++;
    Fate fate;
    if (number == cut_at) {
      lost_at = kind;
      fate.power_goes = true;
    } else if (number == strike_at) {
      struck = kind;
      fate.short_read = strike.short_read && kind == IoKind::read;
      fate.sys_errno = strike.sys_errno;
    } else {
      fate.sys_errno = chance(kind);
      fate.lie = kind == IoKind::sync && lies();
    }
    return fate;
  }

 private:
  int chance(IoKind kind) REQUIRES(mutex) {
    switch (kind) {
      case IoKind::read: return strikes(faults.read_error_ppm) ? EIO : 0;
      case IoKind::sync: return strikes(faults.sync_error_ppm) ? EIO : 0;
      case IoKind::write:
        if (strikes(faults.full_ppm)) return ENOSPC;
        return strikes(faults.write_error_ppm) ? EIO : 0;
      default: return 0;
    }
  }
  bool strikes(std::uint32_t ppm) REQUIRES(mutex) { return ppm != 0 && random() % 1'000'000 < ppm; }
};

/// Lets others overtake, by chance.
void delay(Shared& shared) {
  std::uint64_t microseconds = 0;
  std::uint64_t yields = 0;
  {
    const MutexLock lock(shared.mutex);
    const FaultOptions& faults = shared.faults;
    if (faults.delay_ppm != 0 && shared.random() % 1'000'000 < faults.delay_ppm) {
      microseconds = 1 + shared.random() % 1000;
    }
    if (faults.yield_ppm != 0 && shared.random() % 1'000'000 < faults.yield_ppm) {
      yields = 1 + shared.random() % kYieldsMax;
    }
  }
  if (microseconds != 0) sleep_for(std::chrono::microseconds(microseconds));
  for (; yields != 0; --yields) yield();
}

class FaultyFile final : public File {
 public:
  FaultyFile(Shared& shared, std::shared_ptr<UnsyncedFile> unsynced, std::unique_ptr<File> base,
             std::uint64_t epoch, bool read_only)
      : shared_(shared),
        unsynced_(std::move(unsynced)),
        base_(std::move(base)),
        epoch_(epoch),
        read_only_(read_only) {}

  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan buffer) override {
    return readv(offset, {&buffer, 1});
  }
  Result<std::size_t> readv(std::uint64_t offset,
                            std::span<const MutableByteSpan> buffers) override {
    delay(shared_);
    const Fate fate = TRY(begin(IoKind::read));
    const std::size_t bytes = TRY(base_->readv(offset, buffers));
    return fate.short_read ? shared_.draw(bytes + 1) : bytes;
  }
  Result<void> write(std::uint64_t offset, ByteSpan bytes) override {
    return writev(offset, {&bytes, 1});
  }
  Result<void> writev(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    TRY(do_write(offset, buffers));
    return {};
  }
  Result<void> write_durably(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    const std::uint64_t number = TRY(do_write(offset, buffers));
    const MutexLock lock(shared_.mutex);
    if (shared_.lies()) return {};
    for (Change& change : unsynced_->changes) {
      if (change.number == number) change.durable = true;
    }
    return {};
  }
  Result<void> sync(SyncMode mode) override {
    delay(shared_);
    const Fate fate = TRY(begin(IoKind::sync));
    if (fate.lie) return {};
    TRY(base_->sync(mode));
    const MutexLock lock(shared_.mutex);
    unsynced_->changes.clear();
    return {};
  }
  Result<void> truncate(std::uint64_t to) override {
    delay(shared_);
    TRY(writable());
    const Fate fate = TRY(shared_.begin(IoKind::truncate, epoch_));
    if (fate.sys_errno != 0) return outcome(IoKind::truncate, fate);
    const std::uint64_t now = TRY(base_->size());
    if (to < now) shared_.resize(now, to);  // a hole takes no room
    TRY(record(to, {}, now > to ? now - to : 0, true));
    TRY(base_->truncate(to));
    return outcome(IoKind::truncate, fate);
  }
  Result<std::uint64_t> size() override {
    TRY(begin(IoKind::size));
    return base_->size();
  }
  Result<void> allocate(std::uint64_t offset, std::uint64_t bytes) override {
    delay(shared_);
    TRY(writable());
    const Fate fate = TRY(shared_.begin(IoKind::allocate, epoch_));
    if (fate.sys_errno != 0) return outcome(IoKind::allocate, fate);
    const std::uint64_t now = TRY(base_->size());
    if (offset + bytes > now) {
      const std::uint64_t to = shared_.resize(now, offset + bytes);
      if (to < offset + bytes) {
        shared_.resize(to, now);
        return no_room();
      }
      TRY(record(offset + bytes, {}, 0, true));
    }
    TRY(base_->allocate(offset, bytes));
    return outcome(IoKind::allocate, fate);
  }
  Result<bool> lock(LockRange range, LockMode mode) override {
    TRY(begin(IoKind::lock));
    return base_->lock(range, mode);
  }

 private:
  /// Returns the number of the change.
  Result<std::uint64_t> do_write(std::uint64_t offset, std::span<const ByteSpan> buffers) {
    delay(shared_);
    TRY(writable());
    const Fate fate = TRY(shared_.begin(IoKind::write, epoch_));
    std::vector<std::uint8_t> bytes;
    for (ByteSpan b : buffers) bytes.insert(bytes.end(), b.begin(), b.end());
    if (fate.sys_errno != 0) bytes.resize(shared_.draw(bytes.size() + 1));
    const bool fits = TRY(make_room(offset, bytes));
    const std::uint64_t number = TRY(record(offset, bytes, bytes.size(), false));
    TRY(base_->write(offset, bytes));
    TRY(outcome(IoKind::write, fate));
    if (!fits) return no_room();
    return number;
  }
  Result<void> writable() const {
    if (!read_only_) return {};
    const MutexLock lock(shared_.mutex);
    if (shared_.lost_at || epoch_ != shared_.epoch) return no_power();
    return Error(Code::readonly);
  }
  static Result<void> outcome(IoKind kind, const Fate& fate) {
    if (fate.power_goes) return no_power();
    if (fate.sys_errno != 0)
      return Error(code_of(kind, fate.sys_errno), "injected", fate.sys_errno);
    return {};
  }
  static Error no_room() { return Error(Code::full, "no room", ENOSPC); }
  /// Leaves of `bytes` what the disk has room for. False when that is not all.
  Result<bool> make_room(std::uint64_t offset, std::vector<std::uint8_t>& bytes) {
    const std::uint64_t size = TRY(base_->size());
    const std::uint64_t end = offset + bytes.size();
    if (end <= size) return true;
    const std::uint64_t to = shared_.resize(size, end);
    if (to == end) return true;
    bytes.resize(to > offset ? to - offset : 0);
    return false;
  }
  /// Begins an operation that changes nothing: all of it happens, or none.
  Result<Fate> begin(IoKind kind) {
    const Fate fate = TRY(shared_.begin(kind, epoch_));
    TRY(outcome(kind, fate));
    return fate;
  }

  /// Returns the change's number.
  Result<std::uint64_t> record(std::uint64_t offset, std::vector<std::uint8_t> bytes,
                               std::size_t old_bytes, bool truncation) {
    Change change{offset, TRY(base_->size()), {}, std::move(bytes), truncation};
    change.old_bytes.resize(old_bytes);
    change.old_bytes.resize(TRY(base_->read(offset, change.old_bytes)));
    const MutexLock lock(shared_.mutex);
    change.number = ++shared_.changes;
    unsynced_->changes.push_back(std::move(change));
    return shared_.changes;
  }

  Shared& shared_;
  const std::shared_ptr<UnsyncedFile> unsynced_;  ///< guarded by the mutex of `shared_`
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
  std::uint64_t operations() const override {
    const MutexLock lock(shared_.mutex);
    return shared_.operations;
  }
  void strike_at(std::uint64_t operation, Strike strike) override {
    const MutexLock lock(shared_.mutex);
    shared_.strike_at = operation;
    shared_.strike = strike;
    shared_.struck.reset();
  }
  void set_room(std::uint64_t bytes) override {
    const MutexLock lock(shared_.mutex);
    shared_.room = bytes;
  }
  std::optional<IoKind> struck() const override {
    const MutexLock lock(shared_.mutex);
    return shared_.struck;
  }
  void cut_power_at(std::uint64_t operation) override {
    const MutexLock lock(shared_.mutex);
    shared_.cut_at = operation;
  }
  std::optional<IoKind> power_lost_at() const override {
    const MutexLock lock(shared_.mutex);
    return shared_.lost_at;
  }

  Result<void> power_cut() override {
    UnsyncedNames names;
    std::mt19937_64 random;
    {
      const MutexLock lock(shared_.mutex);
      ++shared_.epoch;
      shared_.lost_at.reset();
      shared_.cut_at = kNever;
      names.swap(shared_.names);
      random.seed(shared_.random());
    }
    return lose_unsynced(base_, names, random);
  }

  void kill() override {
    const MutexLock lock(shared_.mutex);
    ++shared_.epoch;
    shared_.lost_at.reset();
    shared_.cut_at = kNever;
  }

  std::string_view name() const noexcept override { return "faulty"; }
  Result<std::unique_ptr<File>> open(std::string_view path, OpenOptions options) override {
    const bool there = TRY(base_.exists(path));
    const IoKind kind = !there && options.create ? IoKind::create : IoKind::open;
    const std::uint64_t epoch = epoch_now();
    const Fate fate = TRY(begin(kind, epoch));
    std::unique_ptr<File> file = TRY(base_.open(path, options));
    std::shared_ptr<UnsyncedFile> unsynced;
    {
      const MutexLock lock(shared_.mutex);
      UnsyncedName& of = shared_.names[std::string(path)];
      if (kind == IoKind::create) of.changes.emplace_back();
      if (of.file == nullptr || kind == IoKind::create) of.file = std::make_shared<UnsyncedFile>();
      unsynced = of.file;
    }
    if (fate.power_goes) return no_power();
    return std::unique_ptr<File>(std::make_unique<FaultyFile>(
        shared_, std::move(unsynced), std::move(file), epoch, options.read_only));
  }
  Result<void> remove(std::string_view path) override {
    const Fate fate = TRY(begin(IoKind::remove, epoch_now()));
    NameChange change;
    if (TRY(base_.exists(path))) {
      const std::unique_ptr<File> file = TRY(base_.open(path, {.read_only = true}));
      change.content.resize(TRY(file->size()));
      TRY(file->read(0, change.content));
    }
    TRY(base_.remove(path));
    shared_.resize(change.content.size(), 0);
    const MutexLock lock(shared_.mutex);
    UnsyncedName& of = shared_.names[std::string(path)];
    change.removed = of.file != nullptr ? std::move(of.file) : std::make_shared<UnsyncedFile>();
    of.file = nullptr;
    of.changes.push_back(std::move(change));
    if (fate.power_goes) return no_power();
    return {};
  }
  Result<bool> exists(std::string_view path) override {
    TRY(begin(IoKind::exists, epoch_now()));
    return base_.exists(path);
  }
  Result<void> sync_directory(std::string_view path) override {
    const Fate fate = TRY(begin(IoKind::sync_directory, epoch_now()));
    if (fate.power_goes) return no_power();
    TRY(base_.sync_directory(path));
    const MutexLock lock(shared_.mutex);
    const auto found = shared_.names.find(path);
    if (found != shared_.names.end()) found->second.changes.clear();
    return {};
  }
  Result<void> submit(std::span<Op> ops) override {
    bool reorders;
    {
      const MutexLock lock(shared_.mutex);
      reorders = shared_.faults.delay_ppm != 0 || shared_.faults.yield_ppm != 0;
    }
    return reorders ? submit_shuffled(ops) : submit_sequentially(ops);
  }
  Result<void> register_arena(MutableByteSpan arena) override {
    return base_.register_arena(arena);
  }

 private:
  std::uint64_t epoch_now() const {
    const MutexLock lock(shared_.mutex);
    return shared_.epoch;
  }
  Result<Fate> begin(IoKind kind, std::uint64_t epoch) {
    delay(shared_);
    const Fate fate = TRY(shared_.begin(kind, epoch));
    if (fate.sys_errno != 0) {
      return Error(code_of(kind, fate.sys_errno), "injected", fate.sys_errno);
    }
    const bool changes = kind == IoKind::create || kind == IoKind::remove;
    if (fate.power_goes && !changes) return no_power();
    return fate;
  }

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

  Vfs& base_;
  Shared shared_;
};

}  // namespace

std::string_view io_kind_name(IoKind kind) noexcept {
  constexpr std::string_view kNames[] = {"open",           "create", "remove",   "exists",
                                         "sync_directory", "read",   "write",    "sync",
                                         "truncate",       "size",   "allocate", "lock"};
  static_assert(std::size(kNames) == kIoKinds);
  return kNames[static_cast<std::size_t>(kind)];
}

std::unique_ptr<FaultyVfs> make_faulty_vfs(Vfs& base, FaultOptions options) {
  return std::make_unique<FaultyVfsImpl>(base, options);
}

}  // namespace saturn::io
