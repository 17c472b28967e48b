#include "io/faulty.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

using namespace saturn;
using namespace saturn::io;

namespace {

ByteSpan bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

/// The whole content; "-" when there is no such file.
std::string content(Vfs& vfs, std::string_view path) {
  if (!vfs.exists(path).value()) return "-";
  auto file = vfs.open(path, {.read_only = true}).value();
  std::string out(file->size().value(), '\0');
  REQUIRE(file->read(0, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}).value() ==
          out.size());
  return out;
}

void put(Vfs& vfs, std::string_view path, const std::string& bytes, bool syncs) {
  auto file = vfs.open(path, {.create = true}).value();
  REQUIRE(file->write(0, bytes_of(bytes)));
  if (syncs) REQUIRE(file->sync(SyncMode::full));
}

}  // namespace

TEST_CASE("a power cut keeps what was synced and tears the rest by sectors") {
  std::set<int> kept;
  bool torn = false;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto base = make_memory_vfs();
    const auto vfs = make_faulty_vfs(*base, {.seed = seed});
    const std::string old_page(4096, 'o');
    put(*vfs, "a", old_page + old_page, true);
    REQUIRE(vfs->sync_directory("a"));
    auto file = vfs->open("a", {}).value();
    REQUIRE(file->write(0, bytes_of(std::string(4096, 'n'))));
    REQUIRE(vfs->power_cut());
    CHECK(file->size().error().code() == Code::ioerr);
    const std::string seen = content(*vfs, "a");
    REQUIRE(seen.size() == 8192);
    CHECK(seen.substr(4096) == old_page);
    int sectors = 0;
    for (std::size_t s = 0; s < 8; ++s) {
      sectors += seen[s * 512] == 'n';
      CHECK(seen.substr(s * 512, 512) == std::string(512, seen[s * 512]));
    }
    kept.insert(sectors);
    torn = torn || (sectors > 0 && sectors < 8);
  }
  CHECK(kept.contains(0));
  CHECK(kept.contains(8));
  CHECK(torn);
}

TEST_CASE("writes that no sync keeps apart are kept in any order, and their sizes too") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto base = make_memory_vfs();
    const auto vfs = make_faulty_vfs(*base, {.seed = seed});
    put(*vfs, "a", "o", true);
    REQUIRE(vfs->sync_directory("a"));
    auto file = vfs->open("a", {}).value();
    REQUIRE(file->write(0, bytes_of("1")));
    REQUIRE(file->write(1, bytes_of("2")));
    REQUIRE(vfs->power_cut());
    seen.insert(content(*vfs, "a"));
  }
  using namespace std::string_literals;
  CHECK(seen == std::set<std::string>{"o", "1", "12", "o2", "o\0"s, "1\0"s});
}

TEST_CASE("a durable write is kept, whatever becomes of those around it") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto base = make_memory_vfs();
    const auto vfs = make_faulty_vfs(*base, {.seed = seed});
    put(*vfs, "a", "o", true);
    REQUIRE(vfs->sync_directory("a"));
    auto file = vfs->open("a", {}).value();
    REQUIRE(file->write(0, bytes_of("1")));
    const std::string two = "2";
    const ByteSpan piece = bytes_of(two);
    REQUIRE(file->write_durably(1, {&piece, 1}));
    REQUIRE(file->write(2, bytes_of("3")));
    REQUIRE(vfs->power_cut());
    seen.insert(content(*vfs, "a"));
  }
  using namespace std::string_literals;
  CHECK(seen == std::set<std::string>{"o2", "12", "o23", "123", "o2\0"s, "12\0"s});
}

TEST_CASE("names are durable only when their directory is synced") {
  std::set<std::string> created;
  std::set<std::string> removed;
  std::set<std::string> replaced;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto base = make_memory_vfs();
    const auto vfs = make_faulty_vfs(*base, {.seed = seed});
    for (const char* name : {"kept", "removed", "replaced"}) {
      put(*vfs, name, "old", true);
      REQUIRE(vfs->sync_directory(name));
    }
    put(*vfs, "created", "new", true);
    REQUIRE(vfs->remove("removed"));
    REQUIRE(vfs->remove("replaced"));
    put(*vfs, "replaced", "new", true);
    REQUIRE(vfs->power_cut());
    CHECK(content(*vfs, "kept") == "old");
    created.insert(content(*vfs, "created"));
    removed.insert(content(*vfs, "removed"));
    replaced.insert(content(*vfs, "replaced"));
    // What has come back is durable from here on.
    REQUIRE(vfs->power_cut());
    CHECK(created.contains(content(*vfs, "created")));
  }
  CHECK(created == std::set<std::string>{"-", "new"});
  CHECK(removed == std::set<std::string>{"-", "old"});
  CHECK(replaced == std::set<std::string>{"-", "old", "new"});
}

TEST_CASE("the power goes at an operation, and nothing works until it is back") {
  const auto base = make_memory_vfs();
  const auto vfs = make_faulty_vfs(*base, {});
  put(*vfs, "a", "old", true);
  REQUIRE(vfs->sync_directory("a"));
  auto file = vfs->open("a", {}).value();
  vfs->cut_power_at(vfs->operations() + 1);
  REQUIRE(file->write(0, bytes_of("new")));
  CHECK(file->sync(SyncMode::full).code() == Code::ioerr);
  CHECK(vfs->power_lost_at() == IoKind::sync);
  CHECK(file->size().error().code() == Code::ioerr);
  CHECK(vfs->open("a", {}).error().code() == Code::ioerr);
  CHECK(vfs->exists("a").error().code() == Code::ioerr);
  REQUIRE(vfs->power_cut());
  CHECK(vfs->power_lost_at() == std::nullopt);
  CHECK(file->size().error().code() == Code::ioerr);
  CHECK(content(*vfs, "a").size() == 3);
}

TEST_CASE("a killed process leaves what it wrote, and what it did not sync may still be lost") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto base = make_memory_vfs();
    const auto vfs = make_faulty_vfs(*base, {.seed = seed});
    put(*vfs, "a", "old", true);
    REQUIRE(vfs->sync_directory("a"));
    auto file = vfs->open("a", {}).value();
    vfs->cut_power_at(vfs->operations() + 1);
    REQUIRE(file->write(0, bytes_of("new")));
    REQUIRE_FALSE(file->size());
    vfs->kill();
    CHECK(file->size().error().code() == Code::ioerr);
    CHECK(content(*vfs, "a") == "new");
    REQUIRE(vfs->power_cut());
    seen.insert(content(*vfs, "a"));
  }
  CHECK(seen == std::set<std::string>{"old", "new"});
}

TEST_CASE("a disk that lies about its syncs loses what it said was safe") {
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto base = make_memory_vfs();
    const auto vfs = make_faulty_vfs(*base, {.seed = seed, .sync_lie_ppm = 1'000'000});
    put(*vfs, "a", "new", true);
    REQUIRE(vfs->sync_directory("a"));
    REQUIRE(vfs->power_cut());
    lost = lost || content(*vfs, "a") != "new";
  }
  CHECK(lost);
}

TEST_CASE("injected faults strike and leave the rest alone") {
  const auto base = make_memory_vfs();
  const auto vfs = make_faulty_vfs(*base, {.full_ppm = 1'000'000});
  auto file = vfs->open("a", {.create = true}).value();
  const std::vector<std::uint8_t> page(4096, 'x');
  CHECK(file->write(0, page).code() == Code::full);
  vfs->set_faults({.sync_error_ppm = 1'000'000});
  CHECK(file->write(0, page).code() == Code::ok);
  CHECK(file->sync(SyncMode::full).code() == Code::ioerr_fsync);
}

TEST_CASE("a disk has room for so much, and gets some back from what shrinks and goes") {
  const auto base = make_memory_vfs();
  const auto vfs = make_faulty_vfs(*base, {});
  auto file = vfs->open("a", {.create = true}).value();
  vfs->set_room(6);
  REQUIRE(file->write(0, bytes_of("1234")));
  REQUIRE(file->write(0, bytes_of("5678")));
  CHECK(file->write(2, bytes_of("abcdef")).code() == Code::full);
  CHECK(content(*vfs, "a") == "56abcd");
  CHECK(file->allocate(0, 7).code() == Code::full);
  REQUIRE(file->truncate(1));
  CHECK(file->write(1, bytes_of("12345678")).code() == Code::full);
  CHECK(content(*vfs, "a") == "512345");
  REQUIRE(vfs->remove("a"));
  put(*vfs, "b", "123456", true);
  CHECK(vfs->open("b", {}).value()->write(6, bytes_of("7")).code() == Code::full);
}

TEST_CASE("an operation is struck by its number, once, with the code that its errno calls for") {
  const auto base = make_memory_vfs();
  const auto vfs = make_faulty_vfs(*base, {});
  put(*vfs, "a", std::string(4096, 'x'), true);
  auto file = vfs->open("a", {}).value();
  const auto strike = [&](Strike how) { vfs->strike_at(vfs->operations(), how); };
  std::vector<std::uint8_t> page(4096, 'y');

  strike({.sys_errno = EIO});
  CHECK(file->read(0, page).error().code() == Code::ioerr_read);
  CHECK(vfs->struck() == IoKind::read);
  CHECK(file->read(0, page).value() == page.size());

  strike({.short_read = true});
  CHECK(file->read(0, page).value() < page.size());

  strike({.sys_errno = EDQUOT});
  CHECK(file->write(4096, page).code() == Code::full);
  CHECK(file->size().value() < 8192);

  strike({.sys_errno = EIO});
  CHECK(file->truncate(0).code() == Code::ioerr_truncate);
  CHECK(file->size().value() >= 4096);

  strike({.sys_errno = EIO});
  CHECK(vfs->sync_directory("a").code() == Code::ioerr_dir_fsync);
  strike({.sys_errno = EMFILE});
  CHECK(vfs->open("a", {}).error().code() == Code::cantopen);
  CHECK(vfs->struck() == IoKind::open);
  strike({.sys_errno = ENOSPC});
  CHECK(vfs->open("b", {.create = true}).error().code() == Code::full);
  CHECK(vfs->struck() == IoKind::create);
  CHECK_FALSE(vfs->exists("b").value());
  strike({.sys_errno = EIO});
  CHECK(vfs->remove("a").code() == Code::ioerr_delete);
  CHECK(vfs->exists("a").value());
}
