#pragma once

#include "io/faulty.hpp"
#include "io/sync.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"

#include <catch2/catch.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>

/// For cases about disks that fail: one in memory, and SQL on it.
namespace sim {

/// Runs on a fiber; what a failed REQUIRE throws must not leave it.
inline void on_fiber(const std::function<void()>& body) {
  std::exception_ptr failed;
  saturn::io::run([&] {
    try {
      body();
    } catch (...) {
      failed = std::current_exception();
    }
  });
  if (failed) std::rethrow_exception(failed);
}

/// Runs beside the fiber that makes it, which waits for its end in `wait` or when this goes. What a
/// failed REQUIRE in it throws would end the program: it notes what CHECKs are to see.
class Beside {
 public:
  explicit Beside(std::function<void()> body) : body_(std::move(body)) {
    saturn::io::Worker::current()->spawn([this] {
      body_();
      done_.set();
    });
  }
  ~Beside() { wait(); }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  void wait() { done_.wait(); }
  bool is_done() const { return done_.is_set(); }

 private:
  const std::function<void()> body_;
  saturn::io::Event done_;
};

/// An open database and a session.
class Opened {
 public:
  explicit Opened(std::shared_ptr<saturn::sql::Database> database)
      : database_(std::move(database)),
        session_(std::make_unique<saturn::sql::Session>(
            database_, saturn::sql::SessionOptions{.allow_files = true})) {}

  /// Every statement of `sql`.
  saturn::Result<void> run(const std::string& sql) { return session_->execute(sql); }

  /// The first column of the rows, with blanks between; or why there are none.
  std::string ask(const std::string& sql) {
    auto answer = try_ask(sql);
    return answer ? *answer : answer.error().message();
  }
  saturn::Result<std::string> try_ask(const std::string& sql) {
    const auto statement = TRY(session_->prepare(sql));
    std::string out;
    while (TRY(statement->step())) {
      const saturn::ValueRef value = statement->column(0);
      if (!out.empty()) out += ' ';
      out += value.is_integer() ? std::to_string(value.as_integer()) : std::string(value.bytes());
    }
    return out;
  }

  saturn::Result<void> close() {
    session_.reset();
    return database_->close();
  }
  saturn::sql::Database& database() { return *database_; }
  const std::shared_ptr<saturn::sql::Database>& shared() const { return database_; }

 private:
  std::shared_ptr<saturn::sql::Database> database_;
  std::unique_ptr<saturn::sql::Session> session_;
};

class Disk {
 public:
  explicit Disk(std::uint64_t seed = 1)
      : base(saturn::io::make_memory_vfs()),
        vfs(saturn::io::make_faulty_vfs(*base, {.seed = seed})) {
    options.storage.cache_bytes = saturn::limits::kCacheBytesMin;
    options.storage.checkpoint_pages = 0;
  }

  using Synchronous = saturn::storage::Synchronous;
  saturn::Result<Opened> open(Synchronous synchronous = Synchronous::full,
                              std::uint32_t page_size = 4096) {
    options.storage.synchronous = synchronous;
    options.storage.page_size = page_size;
    return Opened(TRY(saturn::sql::Database::open(*vfs, "t.db", options)));
  }

  /// The power goes at the `n`th operation of `work`. False when it has fewer.
  bool cut_during(std::uint64_t n, const std::function<void()>& work) {
    vfs->cut_power_at(vfs->operations() + n);
    work();
    const bool cut = vfs->power_lost_at().has_value();
    vfs->cut_power_at(~std::uint64_t{0});
    return cut;
  }

  const std::unique_ptr<saturn::io::Vfs> base;
  const std::unique_ptr<saturn::io::FaultyVfs> vfs;
  saturn::sql::DatabaseOptions options;  ///< for the databases that `open` is asked for
};

inline std::string rows(Opened& opened) { return opened.ask("SELECT a FROM t ORDER BY a"); }

inline constexpr std::uint64_t kSeeds = 12;

/// Tries one case with several fates of what was not synced.
inline void for_seeds(const std::function<void(Disk&)>& body) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    on_fiber([&] {
      Disk disk(seed);
      body(disk);
    });
  }
}

/// The same with the power going (or the process dying) at every operation of `work` in turn. Then
/// `after` looks at what is left.
inline void at_every_operation(const std::function<void(Disk&)>& before,
                               const std::function<void(Disk&)>& work,
                               const std::function<void(Disk&)>& after, bool by_power = true) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    bool more = true;
    for (std::uint64_t n = 0; more; ++n) {
      INFO("seed " << seed << ", operation " << n);
      on_fiber([&] {
        Disk disk(seed);
        before(disk);
        more = disk.cut_during(n, [&] { work(disk); });
        if (by_power) {
          REQUIRE(disk.vfs->power_cut());
        } else {
          disk.vfs->kill();
        }
        after(disk);
      });
    }
  }
}

}  // namespace sim
