#include "storage/tree_check.hpp"

#include "memory_page_source.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace saturn;
using namespace saturn::storage;

namespace {

void fill(MemoryPageSource& source, PageNo root, const KeyInfo* info) {
  BTreeCursor cursor(source, root, info);
  for (int i = 0; i < 800; ++i) {
    const int key = i * 37 % 1000;
    const std::string text(i % 40 == 0 ? 1500 : 20, 'x');
    const ValueRef values[] = {ValueRef::integer(key), ValueRef::text(text)};
    std::string out;
    REQUIRE(encode_record(values, out));
    const ByteSpan record(reinterpret_cast<const std::uint8_t*>(out.data()), out.size());
    REQUIRE((info == nullptr ? cursor.insert(key, record) : cursor.insert(record)));
  }
}

}  // namespace

TEST_CASE("check finds nothing wrong with whole trees, and what is wrong with broken ones") {
  const bool auto_vacuum = GENERATE(false, true);
  MemoryPageSource source(512, 0, auto_vacuum);
  const PageNo table = create_tree(source, TreeKind::table).value();
  const PageNo index = create_tree(source, TreeKind::index).value();
  const PageNo dropped = create_tree(source, TreeKind::table).value();
  const KeyInfo info{{KeyColumn{}}, 1};
  fill(source, table, nullptr);
  fill(source, index, &info);
  fill(source, dropped, nullptr);
  REQUIRE(drop_tree(source, dropped, TreeKind::table));
  const auto problems = [&] {
    TreeCheck check(source, 10);
    REQUIRE(check.tree(1));
    REQUIRE(check.tree(table));
    CHECK(check.entries() <= 800);
    REQUIRE(check.tree(index, &info));
    REQUIRE(check.freelist());
    check.unused_pages();
    for (const std::string& text : check.problems()) UNSCOPED_INFO(text);
    return check.problems().size();
  };
  CHECK(problems() == 0);
  std::uint8_t* header = source.write(1).value();
  store_be32(header + 36, load_be32(header + 36) - 1);
  CHECK(problems() == 1);
  store_be32(header + 36, load_be32(header + 36) + 1);
  std::uint8_t* root = source.write(table).value();
  const std::uint16_t pointer = load_be16(root + 12);
  store_be16(root + 12, load_be16(root + 14));
  CHECK(problems() > 0);
  store_be16(root + 12, pointer);
  CHECK(problems() == 0);
  KeyInfo turned{{KeyColumn{nullptr, true, false}}, 1};
  TreeCheck check(source, 10);
  REQUIRE(check.tree(index, &turned));
  CHECK(check.problems().size() == 10);
}
