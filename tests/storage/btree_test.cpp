#include "storage/btree.hpp"
#include "storage/estimate.hpp"
#include "storage/tree_builder.hpp"
#include "storage/tree_check.hpp"

#include "memory_page_source.hpp"
#include "seed.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>

using namespace saturn;
using namespace saturn::storage;

namespace {

ByteSpan bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}
std::string string_of(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string record_of(std::initializer_list<ValueRef> values) {
  std::string out;
  REQUIRE(encode_record({values.begin(), values.size()}, out));
  return out;
}

/// Writes the image to a file and asks sqlite3 what it thinks of it.
std::string sqlite_says(MemoryPageSource& source, const std::string& sql) {
  if (std::system("command -v sqlite3 >/dev/null 2>&1") != 0) {
    std::cout << "SKIPPED: no sqlite3 to judge the file\n";
    return "skipped";
  }
  const auto path = std::filesystem::temp_directory_path() /
                    ("saturn-btree-" + std::to_string(::getpid()) + ".db");
  const std::vector<std::uint8_t> image = source.image();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(image.data()), static_cast<long>(image.size()));
  const std::string command = "sqlite3 " + path.string() + " '" + sql + "' 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) out += buffer.data();
  ::pclose(pipe);
  std::filesystem::remove(path);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

void add_schema(MemoryPageSource& source, std::int64_t rowid, const char* type, const char* name,
                PageNo root, const char* sql) {
  BTreeCursor schema(source, 1);
  REQUIRE(schema.insert(
      rowid, bytes_of(record_of({ValueRef::text(type), ValueRef::text(name), ValueRef::text("t"),
                                 ValueRef::integer(root), ValueRef::text(sql)}))));
}

void check_ok(const Result<void>& result) {
  if (!result) FAIL(result.message());
}

struct Shape {
  std::uint32_t page_size;
  std::uint32_t reserved;
  bool auto_vacuum;
};

/// Turns the header's auto-vacuum field on, as create_tree's caller must.
void note_root(MemoryPageSource& source, PageNo root) {
  if (source.auto_vacuum()) store_be32(source.write(1).value() + 52, root);
}

}  // namespace

TEST_CASE("table tree behaves as a map, and sqlite3 agrees") {
  const auto shape = GENERATE(Shape{512, 0, false}, Shape{512, 0, true}, Shape{512, 32, false},
                              Shape{4096, 0, false}, Shape{65536, 0, false});
  const unsigned seed = chosen_seed();
  INFO("seed " << seed << " page size " << shape.page_size);
  std::mt19937 random(seed);
  MemoryPageSource source(shape.page_size, shape.reserved, shape.auto_vacuum);
  const PageNo root = create_tree(source, TreeKind::table).value();
  note_root(source, root);
  add_schema(source, 1, "table", "t", root, "CREATE TABLE t(a)");
  std::map<std::int64_t, std::string> model;
  BTreeCursor cursor(source, root);
  for (int phase = 0; phase < 6; ++phase) {
    const unsigned insert_share = phase % 2 == 0 ? 80 : 20;
    for (int step = 0; step < 1200; ++step) {
      const std::int64_t rowid = static_cast<std::int64_t>(random() % 3000) - 1000;
      if (random() % 100 < insert_share) {
        const std::size_t n = random() % 20 == 0 ? random() % (4 * shape.page_size) : random() % 60;
        const std::string text(n, static_cast<char>('a' + random() % 26));
        const std::string record = record_of({ValueRef::text(text)});
        check_ok(cursor.insert(rowid, bytes_of(record)));
        model[rowid] = record;
      } else {
        const bool found = cursor.seek(Seek::eq, rowid).value();
        REQUIRE(found == (model.erase(rowid) == 1));
        if (found) check_ok(cursor.remove());
      }
    }
    auto it = model.begin();
    for (bool more = cursor.first().value(); more; more = cursor.next().value(), ++it) {
      REQUIRE(it != model.end());
      REQUIRE(cursor.rowid() == it->first);
      REQUIRE(string_of(cursor.payload().value()) == it->second);
    }
    REQUIRE(it == model.end());
    auto back = model.rbegin();
    for (bool more = cursor.last().value(); more; more = cursor.prev().value(), ++back) {
      REQUIRE(cursor.rowid() == back->first);
    }
    REQUIRE(back == model.rend());
    for (int probe = 0; probe < 200; ++probe) {
      const std::int64_t rowid = static_cast<std::int64_t>(random() % 3200) - 1100;
      const auto ge = model.lower_bound(rowid);
      const auto gt = model.upper_bound(rowid);
      REQUIRE(cursor.seek(Seek::ge, rowid).value() == (ge != model.end()));
      if (ge != model.end()) REQUIRE(cursor.rowid() == ge->first);
      REQUIRE(cursor.seek(Seek::gt, rowid).value() == (gt != model.end()));
      if (gt != model.end()) REQUIRE(cursor.rowid() == gt->first);
      REQUIRE(cursor.seek(Seek::le, rowid).value() == (gt != model.begin()));
      if (gt != model.begin()) REQUIRE(cursor.rowid() == std::prev(gt)->first);
      REQUIRE(cursor.seek(Seek::lt, rowid).value() == (ge != model.begin()));
      if (ge != model.begin()) REQUIRE(cursor.rowid() == std::prev(ge)->first);
    }
    REQUIRE(count_entries(source, root, [] { return Result<void>(); }).value() == model.size());
    const std::string said = sqlite_says(source, "PRAGMA integrity_check; SELECT count(*) FROM t");
    if (said != "skipped") REQUIRE(said == "ok\n" + std::to_string(model.size()));
  }
  check_ok(clear_tree(source, root, TreeKind::table));
  CHECK_FALSE(cursor.first().value());
  const std::string said = sqlite_says(source, "PRAGMA integrity_check");
  if (said != "skipped") CHECK(said == "ok");
}

TEST_CASE("index tree behaves as a set, and sqlite3 agrees") {
  const auto shape = GENERATE(Shape{512, 0, false}, Shape{512, 0, true}, Shape{4096, 16, false},
                              Shape{65536, 0, false});
  const unsigned seed = chosen_seed();
  INFO("seed " << seed << " page size " << shape.page_size);
  std::mt19937 random(seed);
  MemoryPageSource source(shape.page_size, shape.reserved, shape.auto_vacuum);
  const PageNo root = create_tree(source, TreeKind::index).value();
  note_root(source, root);
  add_schema(source, 1, "table", "t", root, "CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID");
  KeyInfo info{{KeyColumn{}}, 1};
  std::map<std::string, std::string> model;
  BTreeCursor cursor(source, root, &info);
  for (int phase = 0; phase < 6; ++phase) {
    const unsigned insert_share = phase % 2 == 0 ? 80 : 15;
    for (int step = 0; step < 1200; ++step) {
      const unsigned k = random() % 2000;
      std::string key = std::to_string(k * 7919 % 100003);
      if (k % 30 == 0) key.append(random() % 2 * shape.page_size, 'k');
      const ValueRef probe[] = {ValueRef::text(key)};
      if (random() % 100 < insert_share) {
        const std::string value(random() % (shape.page_size / 6), 'v');
        const std::string record = record_of({probe[0], ValueRef::text(value)});
        check_ok(cursor.insert(bytes_of(record)));
        model[key] = record;
      } else {
        const bool found = cursor.seek(Seek::eq, probe).value();
        REQUIRE(found == (model.erase(key) == 1));
        if (found) check_ok(cursor.remove());
      }
    }
    auto it = model.begin();
    for (bool more = cursor.first().value(); more; more = cursor.next().value(), ++it) {
      REQUIRE(it != model.end());
      REQUIRE(string_of(cursor.payload().value()) == it->second);
    }
    REQUIRE(it == model.end());
    auto back = model.rbegin();
    for (bool more = cursor.last().value(); more; more = cursor.prev().value(), ++back) {
      REQUIRE(string_of(cursor.payload().value()) == back->second);
    }
    REQUIRE(back == model.rend());
    for (int n = 0; n < 200; ++n) {
      const std::string key = std::to_string(random() % 100003);
      const ValueRef probe[] = {ValueRef::text(key)};
      const auto ge = model.lower_bound(key);
      REQUIRE(cursor.seek(Seek::ge, probe).value() == (ge != model.end()));
      if (ge != model.end()) REQUIRE(string_of(cursor.payload().value()) == ge->second);
      REQUIRE(cursor.seek(Seek::lt, probe).value() == (ge != model.begin()));
      if (ge != model.begin())
        REQUIRE(string_of(cursor.payload().value()) == std::prev(ge)->second);
    }
    REQUIRE(count_entries(source, root, [] { return Result<void>(); }).value() == model.size());
    const std::string said = sqlite_says(source, "PRAGMA integrity_check; SELECT count(*) FROM t");
    if (said != "skipped") REQUIRE(said == "ok\n" + std::to_string(model.size()));
  }
}

TEST_CASE("counting a tree that leads back to itself ends in an error") {
  MemoryPageSource source(512, 0, false);
  const PageNo root = create_tree(source, TreeKind::table).value();
  BTreeCursor cursor(source, root);
  const std::vector<std::uint8_t> row(100, 7);
  for (std::int64_t rowid = 1; rowid <= 100; ++rowid) check_ok(cursor.insert(rowid, row));
  std::uint8_t* const page = source.write(root).value();
  REQUIRE(page[0] == 5);  // inside of a table's tree
  store_be32(page + 8, root);
  const auto counted = count_entries(source, root, [] { return Result<void>(); });
  REQUIRE_FALSE(counted.has_value());
  CHECK(primary(counted.error().code()) == Code::corrupt);
}

TEST_CASE("prefix of an index key finds the first and last of its records") {
  MemoryPageSource source(512, 0, false);
  const PageNo root = create_tree(source, TreeKind::index).value();
  KeyInfo info{{KeyColumn{}, KeyColumn{}}};
  BTreeCursor cursor(source, root, &info);
  for (int i = 0; i < 1000; ++i) {
    check_ok(
        cursor.insert(bytes_of(record_of({ValueRef::integer(i / 100), ValueRef::integer(i)}))));
  }
  RecordReader reader;
  const auto second = [&] {
    reader.reset(cursor.payload().value());
    return reader.column(1).value().as_integer();
  };
  const ValueRef key[] = {ValueRef::integer(4)};
  REQUIRE(cursor.seek(Seek::ge, key).value());
  CHECK(second() == 400);
  REQUIRE(cursor.seek(Seek::le, key).value());
  CHECK(second() == 499);
  REQUIRE(cursor.seek(Seek::gt, key).value());
  CHECK(second() == 500);
  REQUIRE(cursor.seek(Seek::lt, key).value());
  CHECK(second() == 399);
  REQUIRE(cursor.seek(Seek::eq, key).value());
}

TEST_CASE("rows appended in order leave full pages behind") {
  MemoryPageSource source(4096, 0, false);
  const PageNo root = create_tree(source, TreeKind::table).value();
  BTreeCursor cursor(source, root);
  const std::string record = record_of({ValueRef::text(std::string(96, 'x'))});
  for (int i = 1; i <= 20000; ++i) check_ok(cursor.insert(i, bytes_of(record)));
  // 98 bytes of record and 2 to 4 of header and 2 of pointer: at least 39 rows a page.
  CHECK(source.page_count() < 20000 / 38);
}

TEST_CASE("a tree built from entries in order is whole, whatever their sizes") {
  const unsigned seed = chosen_seed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const KeyInfo info{{KeyColumn{}}, 1};
  for (int round = 0; round < 60; ++round) {
    const bool table = random() % 2 == 0;
    const std::uint32_t page_size = 512U << random() % 4;
    MemoryPageSource source(page_size, 0, random() % 2 == 0);
    const TreeKind kind = table ? TreeKind::table : TreeKind::index;
    const PageNo root = create_tree(source, kind).value();
    const std::size_t longest = random() % 3 == 0 ? 2 * page_size : page_size / 8;
    // Around the counts at which another page, and another level, begins.
    const int count = static_cast<int>(random() % (round % 3 == 0 ? 2000 : 40));
    TreeBuilder builder(source, root, kind);
    std::vector<std::string> records;
    for (int i = 0; i < count; ++i) {
      records.push_back(
          record_of({ValueRef::integer(i), ValueRef::text(std::string(random() % longest, 'x'))}));
      check_ok(builder.append(table ? i * 3 : 0, bytes_of(records.back())));
    }
    check_ok(builder.finish());
    INFO("round " << round << ", " << count << " entries, page size " << page_size);
    TreeCheck check(source, 5);
    check_ok(check.tree(1));
    check_ok(check.tree(root, table ? nullptr : &info));
    check.unused_pages();
    for (const std::string& problem : check.problems()) FAIL_CHECK(problem);
    REQUIRE(check.entries() == records.size());
    BTreeCursor cursor(source, root, table ? nullptr : &info);
    std::size_t at = 0;
    for (bool more = cursor.first().value(); more; more = cursor.next().value()) {
      REQUIRE(string_of(cursor.payload().value()) == records[at++]);
    }
  }
}

TEST_CASE("table cursor goes on after the row under it was removed") {
  MemoryPageSource source(512, 0, false);
  const PageNo root = create_tree(source, TreeKind::table).value();
  BTreeCursor cursor(source, root);
  const std::string record = record_of({ValueRef::text(std::string(40, 'x'))});
  for (int i = 1; i <= 500; ++i) check_ok(cursor.insert(i, bytes_of(record)));
  int removed = 0;
  for (bool more = cursor.first().value(); more; more = cursor.next().value(), ++removed) {
    check_ok(cursor.remove());
  }
  CHECK(removed == 500);
  CHECK_FALSE(cursor.first().value());
}

TEST_CASE("dropped tree gives all its pages back") {
  MemoryPageSource source(512, 0, false);
  const PageNo root = create_tree(source, TreeKind::table).value();
  BTreeCursor cursor(source, root);
  const std::string record = record_of({ValueRef::text(std::string(700, 'x'))});
  for (int i = 1; i <= 200; ++i) check_ok(cursor.insert(i, bytes_of(record)));
  CHECK(drop_tree(source, root, TreeKind::table).has_value());
  CHECK(freelist_count(source).value() == source.page_count() - 1);
}

TEST_CASE("trees with random bytes changed give errors or values, never a crash") {
  const unsigned seed = chosen_seed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  KeyInfo info{{KeyColumn{}}, 1};
  for (int round = 0; round < 150; ++round) {
    const bool table = round % 2 == 0;
    MemoryPageSource source(512, 0, false);
    const PageNo root = create_tree(source, table ? TreeKind::table : TreeKind::index).value();
    BTreeCursor cursor(source, root, table ? nullptr : &info);
    for (int i = 0; i < 150; ++i) {
      const std::string text(random() % 30 == 0 ? 600 : random() % 60, 'x');
      const std::string record = record_of({ValueRef::integer(i), ValueRef::text(text)});
      check_ok(table ? cursor.insert(i, bytes_of(record)) : cursor.insert(bytes_of(record)));
    }
    for (int n = 0; n < 8; ++n) {
      const PageNo page = 2 + random() % (source.page_count() - 1);
      const std::uint32_t at = random() % 2 == 0 ? random() % 40 : random() % 512;
      source.write(page).value()[at] = static_cast<std::uint8_t>(random());
    }
    auto more = cursor.first();
    for (int n = 0; n < 1000 && more && *more; ++n) {
      (void)cursor.payload();
      more = cursor.next();
    }
    for (int n = 0; n < 100; ++n) {
      const std::int64_t i = random() % 200;
      const ValueRef key[] = {ValueRef::integer(i)};
      const auto found = table ? cursor.seek(Seek::eq, i) : cursor.seek(Seek::eq, key);
      const std::string record = record_of({ValueRef::integer(i), ValueRef::text("new")});
      if (found && *found && random() % 2 == 0) {
        (void)cursor.remove();
      } else {
        (void)(table ? cursor.insert(i, bytes_of(record)) : cursor.insert(bytes_of(record)));
      }
    }
    (void)clear_tree(source, root, table ? TreeKind::table : TreeKind::index);
  }
}
