#include "sqlite_judge.hpp"

#include "io/backends.hpp"
#include "io/faulty.hpp"
#include "io/sync.hpp"
#include "io/worker.hpp"
#include "storage/btree.hpp"
#include "storage/database.hpp"
#include "storage/tree_check.hpp"

#include "seed.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

using namespace saturn;
using namespace saturn::storage;

namespace {

io::Clock::time_point soon() { return io::Clock::now() + std::chrono::seconds(20); }

ByteSpan bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

std::string record_of(std::vector<ValueRef> values) {
  std::string out;
  REQUIRE(encode_record(values, out));
  return out;
}

/// Runs on a fiber; what a failed REQUIRE throws must not leave it.
void on_fiber(const std::function<void()>& body) {
  std::exception_ptr failed;
  io::run([&] {
    try {
      body();
    } catch (...) {
      failed = std::current_exception();
    }
  });
  if (failed) std::rethrow_exception(failed);
}

struct Place {
  std::string name;
  std::function<std::unique_ptr<io::Vfs>()> make;
  bool on_disk;
};

std::vector<Place> places() {
  std::vector<Place> all = {{"memory", io::make_memory_vfs, false},
                            {"posix", io::make_posix_vfs, true}};
  if (io::make_io_uring_vfs()) {
    all.push_back({"io_uring", [] { return std::move(io::make_io_uring_vfs()).value(); }, true});
  }
  return all;
}

/// A table `t(a INTEGER PRIMARY KEY, b)` with an index on (b, a), as SQL would make them.
struct Trees {
  PageNo table = 0;
  PageNo index = 0;
  KeyInfo key_info{{{}, {}}, ~std::uint32_t{0}};
};

Trees make_trees(Database& database) {
  auto transaction = database.begin_write(soon()).value();
  Trees trees;
  trees.table = create_tree(*transaction, TreeKind::table).value();
  trees.index = create_tree(*transaction, TreeKind::index).value();
  {
    BTreeCursor schema(*transaction, 1);
    const std::string table = "CREATE TABLE t(a INTEGER PRIMARY KEY, b)";
    const std::string index = "CREATE INDEX i ON t(b)";
    REQUIRE(schema.insert(
        1, bytes_of(record_of({ValueRef::text("table"), ValueRef::text("t"), ValueRef::text("t"),
                               ValueRef::integer(trees.table), ValueRef::text(table)}))));
    REQUIRE(schema.insert(
        2, bytes_of(record_of({ValueRef::text("index"), ValueRef::text("i"), ValueRef::text("t"),
                               ValueRef::integer(trees.index), ValueRef::text(index)}))));
  }
  DatabaseHeader header = transaction->header().value();
  header.schema_format = 4;
  ++header.schema_cookie;
  REQUIRE(transaction->set_header(header));
  REQUIRE(transaction->commit());
  return trees;
}

using Model = std::map<std::int64_t, std::string>;

std::string index_record(std::int64_t rowid, const std::string& value) {
  return record_of({ValueRef::text(value), ValueRef::integer(rowid)});
}

void put(Transaction& transaction, Trees& trees, Model& model, std::int64_t rowid,
         const std::string& value) {
  BTreeCursor table(transaction, trees.table);
  BTreeCursor index(transaction, trees.index, &trees.key_info);
  const auto old = model.find(rowid);
  if (old != model.end()) {
    const ValueRef key[] = {ValueRef::text(old->second), ValueRef::integer(rowid)};
    REQUIRE(index.seek(Seek::eq, key).value());
    REQUIRE(index.remove());
  }
  REQUIRE(table.insert(rowid, bytes_of(record_of({ValueRef(), ValueRef::text(value)}))));
  REQUIRE(index.insert(bytes_of(index_record(rowid, value))));
  model[rowid] = value;
}

void erase(Transaction& transaction, Trees& trees, Model& model, std::int64_t rowid) {
  const auto old = model.find(rowid);
  BTreeCursor table(transaction, trees.table);
  const bool found = table.seek(Seek::eq, rowid).value();
  REQUIRE(found == (old != model.end()));
  if (!found) return;
  REQUIRE(table.remove());
  BTreeCursor index(transaction, trees.index, &trees.key_info);
  const ValueRef key[] = {ValueRef::text(old->second), ValueRef::integer(rowid)};
  REQUIRE(index.seek(Seek::eq, key).value());
  REQUIRE(index.remove());
  model.erase(old);
}

Model contents(PageSource& source, const Trees& trees) {
  Model seen;
  BTreeCursor cursor(source, trees.table);
  RecordReader reader;
  for (bool more = cursor.first().value(); more; more = cursor.next().value()) {
    reader.reset(cursor.payload().value());
    seen[cursor.rowid()] = std::string(reader.column(1).value().bytes());
  }
  return seen;
}

void check_trees(Transaction& transaction, Trees& trees, const Model& model) {
  REQUIRE(contents(transaction, trees) == model);
  TreeCheck check(transaction, 10);
  REQUIRE(check.freelist());
  REQUIRE(check.tree(1));
  REQUIRE(check.tree(trees.table));
  REQUIRE(check.tree(trees.index, &trees.key_info));
  CHECK(check.entries() == model.size());
  check.unused_pages();
  for (const std::string& problem : check.problems()) FAIL_CHECK(problem);
}

void judge_file(const std::string& path, const Model& model) {
  if (!judge::available()) return;
  judge::Connection sqlite(path);
  CHECK(sqlite.ask("PRAGMA integrity_check") == "ok");
  CHECK(sqlite.ask("SELECT count(*) FROM t") == std::to_string(model.size()));
  std::uint64_t bytes = 0;
  for (const auto& [rowid, value] : model) bytes += value.size();
  CHECK(sqlite.ask("SELECT coalesce(sum(length(b)), 0) FROM t") == std::to_string(bytes));
}

/// Random transactions with savepoints, some rolled back, against a model.
class RandomWork {
 public:
  RandomWork(Database& database, Trees& trees, unsigned seed)
      : database_(database), trees_(trees), random_(seed) {}

  void run(unsigned operations) {
    while (operations > 0) {
      auto transaction = database_.begin_write(soon()).value();
      Model now = committed;
      std::vector<Model> savepoints;
      const unsigned size = 1 + random_() % 400;
      for (unsigned i = 0; i < size && operations > 0; ++i, --operations) {
        step(*transaction, now, savepoints);
      }
      if (random_() % 16 == 0) check_trees(*transaction, trees_, now);
      if (random_() % 5 == 0) {
        transaction->rollback();
      } else {
        REQUIRE(transaction->commit());
        committed = now;
      }
    }
    auto transaction = database_.begin_read().value();
    check_trees(*transaction, trees_, committed);
  }
  Model committed;

 private:
  void step(Transaction& transaction, Model& now, std::vector<Model>& savepoints) {
    const unsigned choice = random_() % 100;
    const auto rowid = static_cast<std::int64_t>(random_() % 3000);
    if (choice < 55) {
      const bool is_long = random_() % 40 == 0;
      const std::size_t length = is_long ? random_() % 9000 : random_() % 60;
      put(transaction, trees_, now, rowid,
          std::string(length, static_cast<char>('a' + random_() % 26)));
    } else if (choice < 94) {
      erase(transaction, trees_, now, rowid);
    } else if (choice < 97 && savepoints.size() < 5) {
      savepoints.push_back(now);
      REQUIRE(transaction.savepoint() == savepoints.size());
    } else if (!savepoints.empty()) {
      const std::size_t depth = 1 + random_() % savepoints.size();
      if (choice < 99) {
        REQUIRE(transaction.rollback_to(depth));
        now = savepoints[depth - 1];
        savepoints.resize(depth);
      } else {
        transaction.release(depth);
        savepoints.resize(depth - 1);
      }
    }
  }

  Database& database_;
  Trees& trees_;
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("random transactions agree with a model, and SQLite finds the file in order") {
  const unsigned seed = chosen_seed();
  const unsigned operations = number_from("SATURN_TEST_OPERATIONS", 20'000) / 9 + 1;
  for (const Place& place : places()) {
    for (const std::uint32_t page_size : {512U, 4096U, 65'536U}) {
      INFO(place.name << ", pages of " << page_size);
      judge::TempDir directory;
      const std::string path = place.on_disk ? directory.file("t.db") : "t.db";
      const auto vfs = place.make();
      Model model;
      on_fiber([&] {
        DatabaseOptions options;
        options.page_size = page_size;
        options.cache_bytes = 4U << 20;
        options.checkpoint_pages = 200;
        options.synchronous = Synchronous::off;
        auto database = Database::open(*vfs, path, options).value();
        Trees trees = make_trees(*database);
        RandomWork work(*database, trees, seed + page_size);
        work.run(operations / 2);
        // Half of the way: close, and open again.
        REQUIRE(database->close());
        database = Database::open(*vfs, path, options).value();
        RandomWork more(*database, trees, seed + page_size + 1);
        more.committed = work.committed;
        more.run(operations / 2);
        model = more.committed;
        REQUIRE(database->close());
      });
      if (place.on_disk) judge_file(path, model);
    }
  }
}

TEST_CASE("a reader keeps its snapshot while others commit and checkpoint") {
  const auto vfs = io::make_memory_vfs();
  on_fiber([&] {
    auto database =
        Database::open(*vfs, "t.db", {.cache_bytes = 1U << 20, .checkpoint_pages = 0}).value();
    Trees trees = make_trees(*database);
    Model model;
    for (int round = 0; round < 20; ++round) {
      auto transaction = database->begin_write(soon()).value();
      for (int i = 0; i < 200; ++i) put(*transaction, trees, model, i, std::to_string(round));
      REQUIRE(transaction->commit());
      if (round == 5) break;
    }
    const Model old = model;
    auto reader = database->begin_read().value();
    for (int round = 0; round < 20; ++round) {
      auto transaction = database->begin_write(soon()).value();
      for (int i = 0; i < 300; ++i) put(*transaction, trees, model, i * 7, std::string(500, 'z'));
      REQUIRE(transaction->commit());
      REQUIRE(database->checkpoint(CheckpointMode::passive, soon()));
    }
    CHECK(contents(*reader, trees) == old);
    reader.reset();
    const CheckpointResult done = database->checkpoint(CheckpointMode::truncate, soon()).value();
    CHECK_FALSE(done.busy);
    CHECK(done.log_frames == 0);
    auto fresh = database->begin_read().value();
    CHECK(contents(*fresh, trees) == model);
    fresh.reset();
    REQUIRE(database->close());
  });
}

TEST_CASE("a write on an old snapshot is refused, and a second writer waits for its turn") {
  const auto vfs = io::make_memory_vfs();
  on_fiber([&] {
    auto database = Database::open(*vfs, "t.db", {}).value();
    Trees trees = make_trees(*database);
    Model model;
    auto reader = database->begin_read().value();
    auto writer = database->begin_write(soon()).value();
    put(*writer, trees, model, 1, "one");
    const auto now = io::Clock::now();
    CHECK(database->begin_write(now + std::chrono::milliseconds(20)).error().code() == Code::busy);
    REQUIRE(writer->commit());
    CHECK(reader->make_writable(soon()).code() == Code::busy_snapshot);
    CHECK(contents(*reader, trees).empty());
    CHECK(reader->write(1).error().code() == Code::readonly);
    reader.reset();
    reader = database->begin_read().value();
    REQUIRE(reader->make_writable(soon()));
    put(*reader, trees, model, 2, "two");
    REQUIRE(reader->commit());
    reader.reset();
    writer.reset();
    REQUIRE(database->close());
  });
}

TEST_CASE("commits of many fibers on several workers go to the log in groups, and none is lost") {
  judge::TempDir directory;
  const auto vfs = std::move(io::make_vfs(io::VfsChoice::automatic, true, nullptr)).value();
  constexpr int kWorkers = 3;
  constexpr int kFibers = 16;
  constexpr int kCommits = 12;
  std::unique_ptr<Database> database;
  Trees trees;
  on_fiber([&] {
    database = Database::open(*vfs, directory.file("t.db"), {.checkpoint_pages = 50}).value();
    trees = make_trees(*database);
  });
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWorkers; ++w) {
    threads.emplace_back([&, w] {
      io::Worker worker;
      for (int f = 0; f < kFibers; ++f) {
        worker.spawn([&, w, f] {
          for (int c = 0; c < kCommits; ++c) {
            auto transaction = database->begin_write(soon());
            if (!transaction) {
              ++failures;
              return;
            }
            const std::int64_t rowid = (w * kFibers + f) * kCommits + c;
            {
              BTreeCursor table(**transaction, trees.table);
              BTreeCursor index(**transaction, trees.index, &trees.key_info);
              std::string row;
              const ValueRef values[] = {ValueRef(), ValueRef::text("v")};
              failures += encode_record(values, row) ? 0 : 1;
              failures += table.insert(rowid, bytes_of(row)) ? 0 : 1;
              std::string entry;
              const ValueRef key[] = {ValueRef::text("v"), ValueRef::integer(rowid)};
              failures += encode_record(key, entry) ? 0 : 1;
              failures += index.insert(bytes_of(entry)) ? 0 : 1;
            }
            failures += (*transaction)->commit() ? 0 : 1;
            // What is acknowledged is what the next reader sees.
            auto reader = database->begin_read();
            BTreeCursor look(**reader, trees.table);
            auto found = look.seek(Seek::eq, rowid);
            failures += found && *found ? 0 : 1;
          }
        });
      }
      worker.stop();
      worker.run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  const DatabaseStats stats = database->stats();
  CHECK(stats.commits >= kWorkers * kFibers * kCommits);
  CHECK(stats.commit_groups < stats.commits);
  on_fiber([&] {
    auto reader = database->begin_read().value();
    CHECK(contents(*reader, trees).size() == kWorkers * kFibers * kCommits);
    reader.reset();
    REQUIRE(database->close());
  });
  if (!judge::available()) return;
  judge::Connection sqlite(directory.file("t.db"));
  CHECK(sqlite.ask("PRAGMA integrity_check") == "ok");
}

TEST_CASE("after a power cut everything acknowledged is there, whole") {
  std::mt19937 random(chosen_seed());
  const unsigned rounds = number_from("SATURN_TEST_POWER_CUTS", 60);
  for (unsigned round = 0; round < rounds; ++round) {
    const auto memory = io::make_memory_vfs();
    const auto faulty = io::make_faulty_vfs(*memory, {.seed = random()});
    on_fiber([&] {
      const std::uint32_t checkpoint = random() % 3 == 0 ? 8 : 0;
      DatabaseOptions options{.checkpoint_pages = checkpoint, .page_size = 1024};
      Model acknowledged;
      Trees trees;
      for (int life = 0; life < 3; ++life) {
        auto opened = Database::open(*faulty, "t.db", options);
        REQUIRE(opened);
        if (life == 0) trees = make_trees(**opened);
        {
          auto reader = (*opened)->begin_read().value();
          check_trees(static_cast<Transaction&>(*reader), trees, acknowledged);
        }
        const unsigned commits = random() % 12;
        for (unsigned c = 0; c < commits; ++c) {
          auto transaction = (*opened)->begin_write(soon()).value();
          for (int i = 0; i < 5; ++i) {
            put(*transaction, trees, acknowledged, random() % 50, std::string(random() % 700, 'x'));
          }
          REQUIRE(transaction->commit());
          if (random() % 6 == 0) {
            static_cast<void>((*opened)->checkpoint(CheckpointMode::passive, soon()));
          }
        }
        {
          // One more that is on its way and never acknowledged.
          auto transaction = (*opened)->begin_write(soon()).value();
          Model lost = acknowledged;
          put(*transaction, trees, lost, 1, "lost");
        }
        REQUIRE(faulty->power_cut());
        opened->reset();
      }
    });
  }
}

TEST_CASE("a log that cannot be written fails its commits, and no later one is taken") {
  const auto memory = io::make_memory_vfs();
  const auto faulty = io::make_faulty_vfs(*memory, {});
  on_fiber([&] {
    auto database = Database::open(*faulty, "t.db", {.checkpoint_pages = 0}).value();
    Trees trees = make_trees(*database);
    Model model;
    auto transaction = database->begin_write(soon()).value();
    put(*transaction, trees, model, 1, "kept");
    REQUIRE(transaction->commit());
    const Model kept = model;
    faulty->set_faults({.sync_error_ppm = 1'000'000});
    transaction = database->begin_write(soon()).value();
    put(*transaction, trees, model, 2, "refused");
    CHECK(transaction->commit().code() == Code::ioerr_fsync);
    transaction.reset();
    faulty->set_faults({});
    auto refused = database->begin_write(soon());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("opened again") != std::string::npos);
    auto reader = database->begin_read().value();
    CHECK(contents(*reader, trees) == kept);
    reader.reset();
    database.reset();
    database = Database::open(*faulty, "t.db", {}).value();
    reader = database->begin_read().value();
    // The frames may have reached the disk all the same; a half of the commit may not.
    const Model seen = contents(*reader, trees);
    CHECK((seen == kept || seen == model));
    reader.reset();
    REQUIRE(database->close());
  });
}

TEST_CASE(
    "commits of several workers on a disk that is full now and then: refused ones leave nothing") {
  const auto memory = io::make_memory_vfs();
  const auto faulty = io::make_faulty_vfs(*memory, {.seed = chosen_seed()});
  constexpr int kWorkers = 3;
  constexpr int kFibers = 6;
  constexpr int kCommits = 60;
  std::unique_ptr<Database> database;
  Trees trees;
  on_fiber([&] {
    database = Database::open(*faulty, "t.db", {.checkpoint_pages = 30}).value();
    trees = make_trees(*database);
  });
  faulty->set_faults({.seed = 1, .full_ppm = 100'000});
  std::mutex mutex;
  std::set<std::int64_t> kept;
  std::map<Code, int> refused;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWorkers; ++w) {
    threads.emplace_back([&, w] {
      io::Worker worker;
      for (int f = 0; f < kFibers; ++f) {
        worker.spawn([&, w, f] {
          for (int c = 0; c < kCommits; ++c) {
            const std::int64_t rowid = (w * kFibers + f) * kCommits + c;
            Result<void> done = [&]() -> Result<void> {
              const auto transaction = TRY(database->begin_write(soon()));
              std::string row;
              const ValueRef values[] = {ValueRef(), ValueRef::integer(rowid)};
              TRY(encode_record(values, row));
              TRY(BTreeCursor(*transaction, trees.table).insert(rowid, bytes_of(row)));
              io::yield();
              return transaction->commit();
            }();
            const std::lock_guard lock(mutex);
            if (done) {
              kept.insert(rowid);
            } else {
              ++refused[done.code()];
            }
          }
        });
      }
      worker.stop();
      worker.run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  faulty->set_faults({});
  CHECK(refused.size() == 1);
  CHECK(refused[Code::full] > 0);
  CHECK(kept.size() > 0);
  const auto check = [&] {
    auto reader = database->begin_read().value();
    std::set<std::int64_t> seen;
    for (const auto& [rowid, value] : contents(*reader, trees)) seen.insert(rowid);
    CHECK(seen == kept);
  };
  on_fiber([&] {
    check();
    database.reset();
    database = Database::open(*faulty, "t.db", {}).value();
    check();
    REQUIRE(database->close());
  });
}

TEST_CASE("SQLite is kept out while the database is open, and recovers a crashed copy") {
  if (!judge::available()) return;
  judge::TempDir directory;
  const auto vfs = io::make_posix_vfs();
  on_fiber([&] {
    auto database = Database::open(*vfs, directory.file("t.db"), {.checkpoint_pages = 0}).value();
    Trees trees = make_trees(*database);
    Model model;
    auto transaction = database->begin_write(soon()).value();
    for (int i = 0; i < 100; ++i) put(*transaction, trees, model, i, std::to_string(i));
    REQUIRE(transaction->commit());
    transaction.reset();
    // Record locks are between processes, and go when a process closes any descriptor of the file:
    // another process asks and copies.
    for (const std::string suffix : {"", "-wal"}) {
      const std::string copy = "cp '" + directory.file("t.db") + suffix + "' '" +
                               directory.file("copy.db") + suffix + "'";
      REQUIRE(std::system(copy.c_str()) == 0);
    }
    judge_file(directory.file("copy.db"), model);
    const std::string command =
        "sqlite3 '" + directory.file("t.db") + "' 'SELECT * FROM t' 2>&1 | grep -q locked";
    if (std::system("command -v sqlite3 > /dev/null") == 0) {
      CHECK(std::system(command.c_str()) == 0);
    }
    REQUIRE(database->close());
  });
}

TEST_CASE("a database that SQLite made is read and written, whatever its mode") {
  if (!judge::available()) return;
  for (const std::string mode : {"delete", "wal"}) {
    judge::TempDir directory;
    const std::string path = directory.file("t.db");
    {
      judge::Connection sqlite(path);
      sqlite.run("PRAGMA journal_mode = " + mode);
      sqlite.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)");
      sqlite.run("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    }
    const auto vfs = io::make_posix_vfs();
    on_fiber([&] {
      auto database = Database::open(*vfs, path, {}).value();
      Trees trees;
      trees.table = 2;
      trees.index = 3;
      auto transaction = database->begin_write(soon()).value();
      Model model = contents(*transaction, trees);
      CHECK(model.size() == 2);
      put(*transaction, trees, model, 3, "three");
      REQUIRE(transaction->commit());
      transaction.reset();
      REQUIRE(database->close());
      judge_file(path, model);
    });
  }
}
