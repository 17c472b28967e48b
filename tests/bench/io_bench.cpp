// Random cold reads through the VFS: 4 KiB pages of a file that the kernel's cache was told to
// drop, by as many fibers as DEPTH says, on one worker.
//
//   io-bench DIRECTORY [SECONDS]
//
// Prints reads a second for each backend at depths 1, 16, 64 and 256.

#include "io/backends.hpp"
#include "io/worker.hpp"

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
  ::unlink(path.c_str());
}
