#include "world.hpp"

#include "base/text.hpp"
#include "io/sync.hpp"
#include "io/worker.hpp"
#include "sqlite_image.hpp"

#include <cstdio>
#include <fstream>

namespace sim {

using saturn::cat;
using saturn::Error;
using saturn::Result;
using saturn::storage::CheckpointMode;
namespace io = saturn::io;
namespace sql = saturn::sql;

namespace {

constexpr const char* kPath = "t.db";
constexpr const char* kSuffixes[] = {"", "-wal", "-journal"};
constexpr unsigned kLives = 8;

std::uint32_t some_page_size(std::mt19937_64& random) {
  static constexpr std::uint32_t kSizes[] = {512, 1024, 1024, 4096, 4096, 4096, 16'384, 65'536};
  return kSizes[random() % std::size(kSizes)];
}

}  // namespace

World::World(std::uint64_t seed, const Settings& settings, Totals& totals)
    : settings_(settings),
      totals_(totals),
      random_(seed),
      disk_(io::make_memory_vfs()),
      vfs_(io::make_faulty_vfs(
          *disk_, {.seed = seed, .sync_lie_ppm = settings.sync_lie_ppm, .yield_ppm = 200'000})),
      page_size_(some_page_size(random_)),
      history_(State{}, *vfs_) {}

World::~World() = default;

std::optional<std::string> World::run() {
  for (unsigned life = 0; life < kLives && !history_.violation() && !nothing_promised_; ++life) {
    const DatabasePtr database = recover();
    if (database) live(database);
  }
  return history_.violation();
}

/// An error is a matter of course while there is no power.
void World::note(const Error& error) {
  if (!vfs_->power_lost_at() && !nothing_promised_) history_.violate(error.message());
}

// --- the ends of lives ---------------------------------------------------------------------------

/// The power or the process goes, and what must be there afterwards is what was promised for that.
void World::strike_down(bool by_power, bool in_recovery) {
  const auto at = vfs_->power_lost_at();
  if (totals_.clients.trace) {
    const std::string where(at ? io_kind_name(*at) : "rest");
    std::printf("-- %s at %s\n", by_power ? "power cut" : "kill", where.c_str());
  }
  if (!by_power) {
    ++totals_.kills;
    if (!in_recovery) must_hold_ = history_.acknowledged();
    vfs_->kill();
    return;
  }
  ++totals_.cuts;
  if (at) {
    ++totals_.cuts_at[static_cast<std::size_t>(*at)];
  } else {
    ++totals_.cuts_at_rest;
  }
  if (in_recovery) ++totals_.cuts_in_recovery;
  if (history_.gambles()) {
    ++totals_.cuts_without_promise;
    nothing_promised_ = true;
  }
  must_hold_ = in_recovery ? std::min(must_hold_, history_.floor()) : history_.floor();
  Result<void> cut = vfs_->power_cut();
  if (!cut) history_.violate(cat("the simulator failed: ", cut.message()));
  if (!nothing_promised_ && draw(1000) < settings_.images_per_thousand) take_image();
}

// --- recovery ------------------------------------------------------------------------------------

/// Opens what the last life has left, though the power may go again and again. Null when that
/// ended the world.
World::DatabasePtr World::recover() {
  sql::DatabaseOptions options;
  options.storage.cache_bytes = saturn::limits::kCacheBytesMin;
  options.storage.page_size = page_size_;
  static constexpr std::uint32_t kCheckpoints[] = {0, 4, 16, 100, 1000};
  options.storage.checkpoint_pages = kCheckpoints[draw(std::size(kCheckpoints))];
  const std::uint64_t mode = draw(100);
  options.storage.synchronous = mode < 60   ? Synchronous::full
                                : mode < 85 ? Synchronous::normal
                                            : Synchronous::off;
  options.storage.log_sync =
      chance(50) ? saturn::storage::LogSync::dsync : saturn::storage::LogSync::fdatasync;
  if (options.storage.synchronous == Synchronous::off) history_.gamble();
  for (;;) {
    if (chance(30)) vfs_->cut_power_at(vfs_->operations() + draw(30));
    auto opened = sql::Database::open(*vfs_, kPath, options);
    if (opened && !vfs_->power_lost_at()) {
      vfs_->cut_power_at(~std::uint64_t{0});
      return check(*opened) ? *opened : nullptr;
    }
    if (!vfs_->power_lost_at()) {
      if (!nothing_promised_) history_.violate(cat("cannot be opened: ", opened.error().message()));
      return nullptr;
    }
    if (opened) opened->reset();
    strike_down(chance(70), true);
    if (history_.violation()) return nullptr;
  }
}

/// Everything is as it must be after recovery. False ends the world.
bool World::check(const DatabasePtr& database) {
  ++totals_.lives;
  Counters ignored{.trace = totals_.clients.trace};
  Client client(database, history_, ignored, 0, true);
  auto problems = client.run("PRAGMA integrity_check");
  auto seen = client.read_all();
  if (nothing_promised_) return false;
  if (!problems || !seen) {
    note(problems ? seen.error() : problems.error());
    return false;
  }
  if ((*problems).size() != 1 || !((*problems)[0][0] == saturn::Value("ok"))) {
    history_.violate(cat("integrity_check: ", (*problems)[0][0].ref().bytes()));
    return false;
  }
  compare_image(*seen);
  adopt(database, std::move(*seen));
  return !history_.violation();
}

/// Finds the state in the history, which goes on from there.
void World::adopt(const DatabasePtr& database, State seen) {
  const auto index = history_.find(seen, must_hold_);
  if (!index) {
    const auto older = history_.find(seen, 0);
    history_.violate(older ? cat("commits ", *older + 1, " to ", must_hold_, " were lost")
                           : cat("a state that never was; beside that of commit ", must_hold_, ": ",
                                 difference(history_.state(must_hold_), seen)));
    return;
  }
  // Whoever opens a database makes durable what it has found before anybody sees it.
  if (database->storage().synchronous() == Synchronous::off) {
    history_.forget_after(*index);
  } else {
    history_.restart(std::move(seen));
  }
  must_hold_ = history_.floor();
}

// --- SQLite's recovery ---------------------------------------------------------------------------

/// Writes what is on the disk now to files, and has SQLite recover them.
void World::take_image() {
  if (settings_.image_directory.empty() || image_ || !image_error_.empty()) return;
  const std::string to = cat(settings_.image_directory, "/", totals_.images, ".db");
  for (const char* suffix : kSuffixes) {
    std::remove((to + suffix).c_str());
    const std::string from = cat(kPath, suffix);
    if (!disk_->exists(from).value()) continue;
    const auto file = disk_->open(from, {.read_only = true}).value();
    std::vector<std::uint8_t> bytes(file->size().value());
    file->read(0, bytes).value();
    std::ofstream out(to + suffix, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    if (!out) history_.violate(cat("the simulator failed: cannot write ", to, suffix));
  }
  auto recovered = recover_with_sqlite(to);
  if (recovered) {
    image_ = std::move(*recovered);
  } else {
    image_error_ = cat(to, ": ", recovered.error().message());
  }
}

void World::compare_image(const State& recovered) {
  const bool empty = recovered == State{};
  // A creation that was interrupted is no database yet for SQLite, and an empty one for Saturn.
  if (!image_error_.empty() && !empty) {
    history_.violate(cat("SQLite cannot recover ", image_error_));
  }
  if (image_ && !(*image_ == recovered)) {
    history_.violate(cat("SQLite recovers something else: ", difference(recovered, *image_)));
  }
  totals_.images += image_ ? 1 : 0;
  image_.reset();
  image_error_.clear();
}

// --- work ----------------------------------------------------------------------------------------

void World::live(const DatabasePtr& opened) {
  DatabasePtr database = opened;
  const std::uint64_t choice = draw(100);
  const Ending ending = choice < 65   ? Ending::cut_at_operation
                        : choice < 78 ? Ending::kill_at_operation
                        : choice < 86 ? Ending::cut
                        : choice < 91 ? Ending::kill
                                      : Ending::close;
  if (ending <= Ending::kill_at_operation) {
    static constexpr std::uint64_t kReach[] = {10, 40, 120, 400};
    vfs_->cut_power_at(vfs_->operations() + draw(kReach[draw(std::size(kReach))]));
  }
  if (history_.state(history_.last()).tables.empty()) lay_out(database);
  if (chance(50)) {
    work_alone(database);
  } else {
    work_together(database);
  }
  if (history_.violation()) return;
  const bool at_operation = ending <= Ending::kill_at_operation;
  if (ending == Ending::close || (at_operation && !vfs_->power_lost_at())) {
    close(std::move(database));
  }
  database.reset();
  if (ending == Ending::close) return;
  strike_down(ending == Ending::cut_at_operation || ending == Ending::cut, false);
}

/// What is chosen before the first table is made.
void World::lay_out(const DatabasePtr& database) {
  Counters ignored{.trace = totals_.clients.trace};
  Client client(database, history_, ignored, 0, true);
  if (chance(20)) {
    auto done = client.run(cat("PRAGMA page_size = ", some_page_size(random_)));
    if (!done) note(done.error());
  }
  auto done = client.run(cat("PRAGMA auto_vacuum = ", draw(3)));
  if (!done) note(done.error());
}

void World::work_alone(const DatabasePtr& database) {
  Client client(database, history_, totals_.clients, random_(), true);
  Result<void> worked = client.work(static_cast<unsigned>(1 + draw(20)));
  if (!worked) note(std::move(worked).error());
}

void World::work_together(const DatabasePtr& database) {
  struct Job {
    std::uint64_t seed = 0;
    unsigned transactions = 0;
    io::Event done;
  };
  std::vector<Job> jobs(2 + draw(4));
  for (Job& job : jobs) {
    job.seed = random_();
    job.transactions = static_cast<unsigned>(1 + draw(8));
  }
  for (Job& job : jobs) {
    io::Worker::current()->spawn([this, &job, database] {
      {
        Client client(database, history_, totals_.clients, job.seed, false);
        Result<void> worked = client.work(job.transactions);
        if (!worked) note(std::move(worked).error());
      }
      job.done.set();
    });
  }
  for (Job& job : jobs) job.done.wait();
}

/// In order, after which there is no log.
void World::close(DatabasePtr database) {
  const bool syncs = database->storage().synchronous() != Synchronous::off;
  Result<void> closed = database->close();
  must_hold_ = history_.acknowledged();
  if (!closed) return note(std::move(closed).error());
  if (vfs_->power_lost_at()) return;
  if (syncs) history_.settled(history_.acknowledged());
  if (disk_->exists(cat(kPath, "-wal")).value()) history_.violate("a log is left after a close");
}

}  // namespace sim
