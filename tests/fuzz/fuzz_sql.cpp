// Fuzz target: any bytes as SQL, on a small database in memory.

#include "harness.hpp"

#include <vector>

using namespace saturn;

namespace {

constexpr std::string_view kTables =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c REAL, d UNIQUE, CHECK(c < "
    "1e9));"
    "CREATE INDEX tb ON t(b, c DESC) WHERE c > 0;"
    "CREATE TABLE w(k, n, v DEFAULT 7, PRIMARY KEY(k, n)) WITHOUT ROWID;"
    "CREATE VIEW v AS SELECT a, b || c AS bc FROM t;"
    "INSERT INTO t VALUES(1, 'x', 1.5, NULL), (2, 'X', -3, x'0102'), (9, NULL, 2e3, 'nine');"
    "INSERT INTO w VALUES('one', 1, 1), ('one', 2, NULL), (3.5, x'', 'three');";

/// The file with the tables, made once: making them takes four times as long as most inputs do.
std::vector<std::uint8_t> make_image() {
  const auto vfs = io::make_memory_vfs();
  std::vector<std::uint8_t> image;
  io::run([&] {
    auto database = sql::Database::open(*vfs, "fuzz", fuzz::database_options()).value();
    {
      sql::Session session(database);
      ASSERT(session.execute(kTables));
    }
    ASSERT(database->close());
    const auto file = vfs->open("fuzz", {}).value();
    image.resize(file->size().value());
    ASSERT(file->read(0, image).value() == image.size());
  });
  return image;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::quiet();
  static const std::vector<std::uint8_t> image = make_image();
  const auto vfs = io::make_memory_vfs();
  io::run([&] {
    fuzz::put_file(*vfs, "fuzz", image);
    auto database = sql::Database::open(*vfs, "fuzz", fuzz::database_options()).value();
    {
      sql::Session session(database);
      fuzz::run_sql(session, {reinterpret_cast<const char*>(data), size});
      session.rollback();
      fuzz::check_integrity(session);
    }
    ASSERT(database->close());
  });
  return 0;
}
