#include "io/faulty.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace saturn;
using namespace saturn::io;

TEST_CASE("a power cut keeps what was synced and tears the rest by sectors") {
  const auto base = make_memory_vfs();
  const auto vfs = make_faulty_vfs(*base, {.seed = 7});
  auto file = vfs->open("a", {.create = true}).value();
  const std::vector<std::uint8_t> old_page(32'768, 'o');
  const std::vector<std::uint8_t> new_page(32'768, 'n');
  REQUIRE(file->write(0, old_page));
  REQUIRE(file->sync(SyncMode::data));
  REQUIRE(file->write(0, new_page));
  REQUIRE(vfs->power_cut());
  CHECK(file->size().error().code() == Code::ioerr);
  auto again = vfs->open("a", {}).value();
  std::vector<std::uint8_t> seen(32'768);
  REQUIRE(again->read(0, seen).value() == 32'768);
  int kept = 0;
  for (std::size_t s = 0; s < 64; ++s) {
    const std::uint8_t first = seen[s * 512];
    kept += first == 'n';
    for (std::size_t i = 0; i < 512; ++i) REQUIRE(seen[s * 512 + i] == first);
  }
  CHECK(kept > 0);
  CHECK(kept < 64);
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
