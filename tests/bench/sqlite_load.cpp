// Durable one-row inserts into SQLite, in process: THREADS threads, each with a connection of its
// own in WAL mode and synchronous = FULL, for SECONDS.
//
//   sqlite-load FILE THREADS SECONDS
//
// Prints inserts a second. Who finds the file locked waits as SQLite's busy handler does.

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

void check(int code, sqlite3* db) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return;
  std::fprintf(stderr, "sqlite-load: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

sqlite3* open(const char* path) {
  sqlite3* db = nullptr;
  check(sqlite3_open(path, &db), db);
  sqlite3_busy_timeout(db, 60'000);
  check(sqlite3_exec(db,
                     "PRAGMA journal_mode = wal; PRAGMA synchronous = full;"
                     "CREATE TABLE IF NOT EXISTS bench_insert(a INTEGER, b TEXT)",
                     nullptr, nullptr, nullptr),
        db);
  return db;
}

std::uint64_t insert_until(sqlite3* db, std::chrono::steady_clock::time_point end) {
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v2(db, "INSERT INTO bench_insert(a, b) VALUES (?, ?)", -1, &statement,
                           nullptr),
        db);
  std::uint64_t rows = 0;
  for (; std::chrono::steady_clock::now() < end; ++rows) {
    sqlite3_bind_int64(statement, 1, static_cast<sqlite3_int64>(rows));
    sqlite3_bind_text(statement, 2, "a text of some forty bytes, as rows have", -1, SQLITE_STATIC);
    check(sqlite3_step(statement), db);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: sqlite-load FILE THREADS SECONDS\n");
    return 1;
  }
  std::vector<sqlite3*> connections;
  for (int i = 0; i < std::atoi(argv[2]); ++i) connections.push_back(open(argv[1]));
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                               std::chrono::duration<double>(std::atof(argv[3])));
  std::atomic<std::uint64_t> rows = 0;
  std::vector<std::thread> threads;
  for (sqlite3* db : connections) {
    threads.emplace_back([db, end, &rows] { rows += insert_until(db, end); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f/s\n", static_cast<double>(rows) / took.count());
  for (sqlite3* db : connections) sqlite3_close(db);
}
