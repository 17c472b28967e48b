// Databases with pointer maps: roots at the file's start, files that shrink. SQLite's integrity
// check is the judge.

#include "sqlite_judge.hpp"

#include "io/backends.hpp"
#include "io/faulty.hpp"
#include "io/worker.hpp"
#include "storage/auto_vacuum.hpp"
#include "storage/btree.hpp"
#include "storage/database.hpp"
#include "storage/freelist.hpp"
#include "storage/tree_check.hpp"

#include "seed.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <vector>

using namespace saturn;
using namespace saturn::storage;

namespace {

io::Clock::time_point soon() { return io::Clock::now() + std::chrono::seconds(20); }

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

ByteSpan bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

std::string record_of(std::vector<ValueRef> values) {
  std::string out;
  REQUIRE(encode_record(values, out));
  return out;
}

/// Tables `t1(b)`, `t2(b)`, ... and what is in each of them.
struct Model {
  struct Table {
    PageNo root = 0;
    std::map<std::int64_t, std::string> rows;
  };
  std::map<int, Table> tables;
};

void write_schema_row(Transaction& transaction, int number, PageNo root) {
  BTreeCursor schema(transaction, 1);
  const std::string name = "t" + std::to_string(number);
  const std::string sql = "CREATE TABLE " + name + "(b)";
  REQUIRE(schema.insert(number, bytes_of(record_of({ValueRef::text("table"), ValueRef::text(name),
                                                    ValueRef::text(name), ValueRef::integer(root),
                                                    ValueRef::text(sql)}))));
}

void create(Transaction& transaction, Model& model, int number) {
  const PageNo root = create_tree(transaction, TreeKind::table).value();
  for (const auto& [other, table] : model.tables) REQUIRE(table.root != root);
  model.tables[number].root = root;
  write_schema_row(transaction, number, root);
}

void drop(Transaction& transaction, Model& model, int number) {
  const PageNo root = model.tables.at(number).root;
  model.tables.erase(number);
  {
    BTreeCursor schema(transaction, 1);
    REQUIRE(schema.seek(Seek::eq, number).value());
    REQUIRE(schema.remove());
  }
  const PageNo moved = drop_tree(transaction, root, TreeKind::table).value();
  if (moved == 0) return;
  for (auto& [other, table] : model.tables) {
    if (table.root != moved) continue;
    table.root = root;
    write_schema_row(transaction, other, root);
    return;
  }
  FAIL("a root was moved that is nobody's");
}

void change(Transaction& transaction, Model& model, std::mt19937& random) {
  const unsigned choice = random() % 100;
  if (choice < 5 || model.tables.empty()) {
    int number = 1;
    while (model.tables.contains(number)) ++number;
    create(transaction, model, number);
    return;
  }
  auto table =
      std::next(model.tables.begin(), static_cast<std::ptrdiff_t>(random() % model.tables.size()));
  if (choice < 9) {
    drop(transaction, model, table->first);
    return;
  }
  auto& [root, rows] = table->second;
  BTreeCursor cursor(transaction, root);
  const auto rowid = static_cast<std::int64_t>(random() % 200);
  if (choice < 60) {
    const std::size_t size = random() % 10 == 0 ? random() % (5 * transaction.page_size())
                                                : random() % (transaction.page_size() / 4);
    const std::string value(size, static_cast<char>('a' + random() % 26));
    REQUIRE(cursor.insert(rowid, bytes_of(record_of({ValueRef::text(value)}))));
    rows[rowid] = value;
  } else {
    const bool found = cursor.seek(Seek::eq, rowid).value();
    REQUIRE(found == (rows.erase(rowid) == 1));
    if (found) REQUIRE(cursor.remove());
  }
}

void check(Transaction& transaction, const Model& model) {
  TreeCheck trees(transaction, 10);
  REQUIRE(trees.freelist());
  REQUIRE(trees.tree(1));
  PageNo largest = 1;
  for (const auto& [number, table] : model.tables) {
    REQUIRE(trees.tree(table.root));
    largest = std::max(largest, table.root);
    BTreeCursor cursor(transaction, table.root);
    RecordReader reader;
    auto row = table.rows.begin();
    for (bool more = cursor.first().value(); more; more = cursor.next().value(), ++row) {
      REQUIRE(row != table.rows.end());
      REQUIRE(cursor.rowid() == row->first);
      reader.reset(cursor.payload().value());
      REQUIRE(reader.column(0).value().bytes() == row->second);
    }
    REQUIRE(row == table.rows.end());
  }
  trees.unused_pages();
  for (const std::string& problem : trees.problems()) FAIL_CHECK(problem);
  CHECK(transaction.header().value().largest_root == largest);
}

/// An empty database with pointer maps.
void set_up(Database& database, bool incremental) {
  auto transaction = database.begin_write(soon()).value();
  DatabaseHeader header = transaction->header().value();
  header.schema_format = 4;
  header.schema_cookie = 1;
  header.largest_root = 1;
  header.incremental_vacuum = incremental ? 1 : 0;
  REQUIRE(transaction->set_header(header));
  REQUIRE(transaction->commit());
}

void random_transaction(Database& database, Model& committed, bool incremental,
                        std::mt19937& random) {
  auto transaction = database.begin_write(soon()).value();
  Model now = committed;
  Model at_savepoint;
  const unsigned changes = random() % 60;
  for (unsigned i = 0; i < changes; ++i) {
    change(*transaction, now, random);
    if (incremental && random() % 20 == 0) {
      for (unsigned n = random() % 10; n > 0; --n) {
        if (!vacuum_step(*transaction).value()) break;
      }
    }
    if (random() % 20 != 0) continue;
    if (transaction->savepoint_depth() == 0) {
      at_savepoint = now;
      transaction->savepoint();
    } else {
      if (random() % 2 == 0) {
        REQUIRE(transaction->rollback_to(1));
        now = at_savepoint;
      }
      transaction->release(1);
    }
  }
  if (random() % 4 == 0) check(*transaction, now);
  if (random() % 6 == 0) {
    transaction->rollback();
  } else {
    REQUIRE(transaction->commit());
    committed = now;
  }
}

void check_committed(Database& database, const Model& model, bool incremental) {
  auto reader = database.begin_read().value();
  check(static_cast<Transaction&>(*reader), model);
  if (!incremental) CHECK(freelist_count(*reader).value() == 0);
}

void judge_file(const std::string& path, const Model& model) {
  if (!judge::available()) return;
  judge::Connection sqlite(path);
  CHECK(sqlite.ask("PRAGMA integrity_check") == "ok");
  for (const auto& [number, table] : model.tables) {
    std::size_t bytes = 0;
    for (const auto& [rowid, value] : table.rows) bytes += value.size();
    CHECK(sqlite.ask("SELECT coalesce(sum(length(b)), 0) FROM t" + std::to_string(number)) ==
          std::to_string(bytes));
  }
}

/// The file `name` of a VFS, in the file system.
void copy_out(io::Vfs& vfs, const std::string& name, const std::string& path) {
  if (!vfs.exists(name).value()) return;
  auto file = vfs.open(name, {}).value();
  judge::Bytes bytes(file->size().value());
  REQUIRE(file->read(0, bytes).value() == bytes.size());
  judge::write_file(path, bytes);
}

}  // namespace

TEST_CASE("tables of auto-vacuum files come and go, and SQLite finds the file in order") {
  std::mt19937 random(chosen_seed());
  const judge::TempDir directory;
  int files = 0;
  for (std::uint32_t page_size = 512; page_size <= 65'536; page_size *= 2) {
    for (const bool incremental : {false, true}) {
      INFO("page size " << page_size << ", incremental " << incremental);
      const std::string name = directory.file(std::to_string(++files) + ".db");
      Model model;
      const auto vfs = io::make_memory_vfs();
      on_fiber([&] {
        auto database = Database::open(*vfs, "t.db", {.page_size = page_size}).value();
        set_up(*database, incremental);
        for (int i = 0; i < 30; ++i) {
          random_transaction(*database, model, incremental, random);
          check_committed(*database, model, incremental);
        }
        REQUIRE(database->close());
        copy_out(*vfs, "t.db", name);
      });
      judge_file(name, model);
    }
  }
}

TEST_CASE("a file that SQLite made with auto-vacuum shrinks as SQLite's do") {
  if (!judge::available()) return;
  const judge::TempDir directory;
  for (const std::string mode : {"full", "incremental"}) {
    const std::string path = directory.file(mode + ".db");
    {
      judge::Connection sqlite(path);
      sqlite.run("PRAGMA page_size=512; PRAGMA auto_vacuum=" + mode +
                 "; CREATE TABLE t1(b); CREATE TABLE t2(b); CREATE TABLE t3(b)");
      for (const char* table : {"t1", "t2", "t3"}) {
        sqlite.run(std::string("INSERT INTO ") + table +
                   " WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300)"
                   " SELECT printf('%0*d', 1 + (i * i * 31) % 1500, i) FROM c");
      }
    }
    on_fiber([&] {
      const auto vfs = io::make_posix_vfs();
      auto database = Database::open(*vfs, path, {}).value();
      auto transaction = database->begin_write(soon()).value();
      const PageNo before = transaction->page_count();
      BTreeCursor schema(*transaction, 1);
      RecordReader reader;
      REQUIRE(schema.seek(Seek::eq, 1).value());
      reader.reset(schema.payload().value());
      const auto root = static_cast<PageNo>(reader.column(3).value().as_integer());
      REQUIRE(schema.remove());
      const PageNo moved = drop_tree(*transaction, root, TreeKind::table).value();
      REQUIRE(schema.seek(Seek::eq, 3).value());
      reader.reset(schema.payload().value());
      REQUIRE(reader.column(3).value().as_integer() == moved);
      const std::string row =
          record_of({ValueRef::text("table"), ValueRef::text("t3"), ValueRef::text("t3"),
                     ValueRef::integer(root), ValueRef::text("CREATE TABLE t3(b)")});
      REQUIRE(schema.insert(3, bytes_of(row)));
      if (mode == "incremental") {
        while (vacuum_step(*transaction).value()) {
        }
      }
      REQUIRE(transaction->commit());
      transaction.reset();
      auto read = database->begin_read().value();
      CHECK(freelist_count(*read).value() == 0);
      CHECK(read->page_count() < before - before / 4);
      read.reset();
      REQUIRE(database->close());
    });
    judge::Connection sqlite(path);
    CHECK(sqlite.ask("PRAGMA integrity_check") == "ok");
    CHECK(sqlite.ask("SELECT count(*) FROM t2") == "300");
    CHECK(sqlite.ask("SELECT count(*) FROM t3") == "300");
  }
}

TEST_CASE("after a power cut an auto-vacuum file is as the last commit left it") {
  std::mt19937 random(chosen_seed());
  const judge::TempDir directory;
  for (int round = 0; round < 20; ++round) {
    const auto memory = io::make_memory_vfs();
    const auto faulty = io::make_faulty_vfs(*memory, {.seed = random()});
    const bool incremental = round % 2 == 0;
    const std::string copy = directory.file(std::to_string(round) + ".db");
    Model model;
    on_fiber([&] {
      const std::uint32_t checkpoint = random() % 3 == 0 ? 8 : 0;
      for (int life = 0; life < 4; ++life) {
        auto database =
            Database::open(*faulty, "t.db", {.checkpoint_pages = checkpoint, .page_size = 1024})
                .value();
        if (life == 0) set_up(*database, incremental);
        check_committed(*database, model, incremental);
        for (unsigned n = random() % 6; n > 0; --n) {
          random_transaction(*database, model, incremental, random);
          if (random() % 3 == 0) {
            static_cast<void>(database->checkpoint(CheckpointMode::passive, soon()));
          }
        }
        {
          auto transaction = database->begin_write(soon()).value();
          Model lost = model;
          for (int i = 0; i < 10; ++i) change(*transaction, lost, random);
        }
        REQUIRE(faulty->power_cut());
      }
    });
    copy_out(*memory, "t.db", copy);
    copy_out(*memory, "t.db-wal", copy + "-wal");
    judge_file(copy, model);
  }
}
