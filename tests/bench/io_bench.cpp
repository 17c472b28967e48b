// Random cold reads through the VFS: 4 KiB pages of a file that the kernel's cache was told to
// drop, by as many fibers as DEPTH says, on one worker.
//
//   io-bench DIRECTORY [SECONDS]
//
// Prints reads a second for each backend at depths 1, 16, 64 and 256.
//
// Then commits: 4 KiB into a log that has room for them, by one fiber, alone and beside 16 that
// read: written and synced as one batch, on io_uring with linked entries and without; and as
// durable writes. Last, a log that has no room and grows with each commit.

#include "io/backends.hpp"
#include "io/worker.hpp"
#include "ring.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace saturn;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kFileBytes = 1ULL << 30;
constexpr std::uint64_t kPageBytes = 4096;

void drop_cache(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  ::fsync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  ::close(fd);
}

void make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  std::vector<char> block(1U << 20);
  std::mt19937_64 random(1);
  for (std::uint64_t at = 0; at < kFileBytes; at += block.size()) {
    for (std::size_t i = 0; i < block.size(); i += 512) block[i] = static_cast<char>(random());
    if (::pwrite(fd, block.data(), block.size(), static_cast<off_t>(at)) < 0) std::abort();
  }
  ::fsync(fd);
  ::close(fd);
}

double reads_per_second(io::Vfs& vfs, const std::string& path, int depth, double seconds) {
  std::uint64_t reads = 0;
  io::Worker worker;
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double>(seconds));
  std::unique_ptr<io::File> file;
  worker.spawn([&] {
    file = std::move(vfs.open(path, {.read_only = true})).value();
    for (int i = 0; i < depth; ++i) {
      worker.spawn([&, i] {
        std::mt19937_64 random(static_cast<unsigned>(i) + 77);
        std::vector<std::uint8_t> page(kPageBytes);
        while (Clock::now() < end) {
          const std::uint64_t at = random() % (kFileBytes / kPageBytes) * kPageBytes;
          if (!file->read(at, page)) std::abort();
          ++reads;
        }
      });
    }
  });
  worker.stop();
  worker.run();
  file.reset();
  return static_cast<double>(reads) / seconds;
}

struct Way {
  const char* name;
  bool uring = false;
  bool linked = false;
  bool durable = false;
  bool grows = false;
};
constexpr Way kWays[] = {{"posix"},
                         {"posix, durable write", false, false, true},
                         {"posix, growing log", false, false, false, true},
                         {"io_uring, rounds", true},
                         {"io_uring, linked", true, true},
                         {"io_uring, durable write", true, true, true},
                         {"io_uring, growing log", true, true, false, true}};

Result<void> commit(io::Vfs& vfs, io::File& log, std::uint64_t at, ByteSpan head, ByteSpan page,
                    bool durable) {
  const ByteSpan pieces[] = {head, page};
  io::Op ops[2];
  ops[0].kind = io::Op::Kind::write;
  ops[0].file = ops[1].file = &log;
  ops[0].offset = at;
  ops[0].write_pieces = pieces;
  ops[0].durable = durable;
  ops[1].kind = io::Op::Kind::sync;
  ops[1].after_previous = true;
  return vfs.submit(std::span(ops).first(durable ? 1 : 2));
}

/// The log's room is recycled, as it is by the pager, unless it is to grow.
double commits_per_second(io::Vfs& vfs, const std::string& path, const Way& way, int readers,
                          double seconds) {
  constexpr std::uint64_t kFrames = 4000;
  constexpr std::uint64_t kFrameBytes = kPageBytes + 24;
  std::uint64_t commits = 0;
  io::Worker worker;
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double>(seconds));
  std::unique_ptr<io::File> file;
  std::unique_ptr<io::File> log;
  worker.spawn([&] {
    file = std::move(vfs.open(path, {.read_only = true})).value();
    log = std::move(vfs.open(path + "-log", {.create = true})).value();
    if (!way.grows) {
      if (!log->write(0, std::vector<std::uint8_t>(kFrames * kFrameBytes))) std::abort();
      if (!log->sync(io::SyncMode::full)) std::abort();
    }
    worker.spawn([&] {
      const std::vector<std::uint8_t> head(24);
      const std::vector<std::uint8_t> page(kPageBytes);
      for (; Clock::now() < end; ++commits) {
        const std::uint64_t at = (way.grows ? commits : commits % kFrames) * kFrameBytes;
        if (!commit(vfs, *log, at, head, page, way.durable)) std::abort();
      }
    });
    for (int i = 0; i < readers; ++i) {
      worker.spawn([&, i] {
        std::mt19937_64 random(static_cast<unsigned>(i) + 77);
        std::vector<std::uint8_t> page(kPageBytes);
        while (Clock::now() < end) {
          const std::uint64_t at = random() % (kFileBytes / kPageBytes) * kPageBytes;
          if (!file->read(at, page)) std::abort();
          io::yield();  // posix does not suspend for what the kernel's cache has
        }
      });
    }
  });
  worker.stop();
  worker.run();
  file.reset();
  log.reset();
  ::unlink((path + "-log").c_str());
  return static_cast<double>(commits) / seconds;
}

void measure_commits(const std::string& path, double seconds) {
  for (const int readers : {0, 16}) {
    for (const Way& way : kWays) {
      auto made = way.uring ? io::make_io_uring_vfs()
                            : Result<std::unique_ptr<io::Vfs>>(io::make_posix_vfs());
      if (!made) continue;
      io::Ring::link_for_tests(way.linked);
      std::printf("%-23s commits beside %2d readers: %8.0f/s\n", way.name, readers,
                  commits_per_second(**made, path, way, readers, seconds));
    }
  }
  io::Ring::link_for_tests(true);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : ".";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
  const std::string path = directory + "/io-bench.data";
  make_file(path);
  for (const int depth : {1, 16, 64, 256}) {
    for (const bool uring : {false, true}) {
      auto made =
          uring ? io::make_io_uring_vfs() : Result<std::unique_ptr<io::Vfs>>(io::make_posix_vfs());
      if (!made) continue;
      drop_cache(path);
      std::printf("%-8s depth %3d: %8.0f reads/s\n", std::string((*made)->name()).c_str(), depth,
                  reads_per_second(**made, path, depth, seconds));
    }
  }
  measure_commits(path, seconds);
  ::unlink(path.c_str());
}
