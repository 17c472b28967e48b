#include "storage/btree.hpp"
#include "storage/estimate.hpp"

#include "base/limits.hpp"
#include "memory_page_source.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace saturn;
using namespace saturn::storage;

namespace {

constexpr int kRows = 20'000;

/// A tree of many leaves, and what cursors on it read and ask for.
struct Watched {
  explicit Watched(TreeKind of) : source(1024, 0, false), kind(of) {
    root = create_tree(source, kind).value();
    BTreeCursor cursor = make();
    for (int i = 0; i < kRows; ++i) {
      std::string record;
      const std::string padding(40, 'x');
      const ValueRef values[] = {ValueRef::integer(i), ValueRef::text(padding)};
      REQUIRE(encode_record(values, record));
      const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(record.data()), record.size());
      if (kind == TreeKind::table) {
        REQUIRE(cursor.insert(i, bytes));
      } else {
        REQUIRE(cursor.insert(bytes));
      }
    }
    source.on_read = [this](PageNo page) { read.push_back(page); };
    source.on_prefetch = [this](std::span<const PageNo> pages) {
      batches.emplace_back(pages.begin(), pages.end());
      for (const PageNo page : pages) asked.insert(page);
    };
  }
  BTreeCursor make() { return {source, root, kind == TreeKind::index ? &key_info : nullptr}; }

  std::size_t count_unasked() const {
    std::set<PageNo> pages(read.begin(), read.end());
    return static_cast<std::size_t>(std::count_if(
        pages.begin(), pages.end(), [&](PageNo page) { return !asked.contains(page); }));
  }

  MemoryPageSource source;
  const TreeKind kind;
  PageNo root = 0;
  KeyInfo key_info{{{}, {}}, ~std::uint32_t{0}};
  std::vector<PageNo> read;
  std::vector<std::vector<PageNo>> batches;
  std::multiset<PageNo> asked;
};

}  // namespace

TEST_CASE("a scan asks for its leaves in batches that double, each leaf once") {
  for (const TreeKind kind : {TreeKind::table, TreeKind::index}) {
    for (const bool backward : {false, true}) {
      INFO("kind " << static_cast<int>(kind) << ", backward " << backward);
      Watched tree(kind);
      BTreeCursor cursor = tree.make();
      int rows = 0;
      for (bool more = (backward ? cursor.last() : cursor.first()).value(); more;
           more = (backward ? cursor.prev() : cursor.next()).value()) {
        ++rows;
      }
      CHECK(rows == kRows);
      const std::set<PageNo> leaves(tree.asked.begin(), tree.asked.end());
      CHECK(leaves.size() == tree.asked.size());
      CHECK(leaves.size() > 500);
      // The way down, the first leaf, and interior nodes.
      CHECK(tree.count_unasked() < 100);
      for (const PageNo page : leaves)
        CHECK(std::count(tree.read.begin(), tree.read.end(), page) == 1);
      std::size_t most = 0;
      for (const auto& batch : tree.batches) most = std::max(most, batch.size());
      CHECK(tree.batches.front().size() == 4);
      // A node of the index has fewer children than that.
      CHECK((most == limits::kReadAheadPages || (kind == TreeKind::index && most > 16)));
      CHECK(tree.batches.size() < leaves.size() / 8);
    }
  }
}

TEST_CASE("whoever reads a few rows asks for nothing, and for little behind a leaf's end") {
  Watched tree(TreeKind::table);
  BTreeCursor cursor = tree.make();
  for (int i = 0; i < 200; ++i) {
    REQUIRE(cursor.seek(Seek::eq, i * 91 % kRows).value());
  }
  CHECK(tree.batches.empty());
  for (int i = 0; i < 50; ++i) {
    REQUIRE(cursor.seek(Seek::ge, i * 91).value());
    for (int n = 0; n < 10; ++n) REQUIRE(cursor.next().value());
  }
  for (const auto& batch : tree.batches) CHECK(batch.size() <= 4);
}

TEST_CASE("counting entries asks for the children of each node") {
  Watched tree(TreeKind::table);
  CHECK(count_entries(tree.source, tree.root, [] { return Result<void>(); }).value() == kRows);
  CHECK(tree.count_unasked() == 1);  // the root
  CHECK(tree.asked.size() == std::set<PageNo>(tree.asked.begin(), tree.asked.end()).size());
}

TEST_CASE("rows that are going to be sought are asked for level by level") {
  Watched tree(TreeKind::table);
  BTreeCursor cursor = tree.make();
  REQUIRE(cursor.seek(Seek::eq, 5).value());
  tree.read.clear();
  const std::int64_t rowids[] = {19'000, 7, 12'345, 12'346, 400, -5, 1'000'000};
  cursor.prefetch(rowids);
  tree.read.clear();
  for (const std::int64_t rowid : rowids) {
    CHECK(cursor.seek(Seek::eq, rowid).value() == (rowid >= 0 && rowid < kRows));
  }
  CHECK(tree.count_unasked() == 0);
  CHECK(tree.batches.size() <= 4);
  for (const auto& batch : tree.batches) CHECK(batch.size() <= std::size(rowids));
}

TEST_CASE("a cursor shows the records behind its place on the leaf") {
  Watched tree(TreeKind::index);
  BTreeCursor cursor = tree.make();
  const ValueRef key[] = {ValueRef::integer(100)};
  REQUIRE(cursor.seek(Seek::ge, key).value());
  for (const bool backward : {false, true}) {
    std::vector<ByteSpan> behind;
    cursor.look_ahead(backward, 5, behind);
    CHECK(behind.size() <= 5);
    for (std::size_t i = 0; i < behind.size(); ++i) {
      RecordReader reader;
      reader.reset(behind[i]);
      const auto distance = static_cast<std::int64_t>(i) + 1;
      CHECK(reader.column(0).value().as_integer() == (backward ? 100 - distance : 100 + distance));
    }
  }
}
