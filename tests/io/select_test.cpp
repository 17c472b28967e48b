// Which backend is chosen, and what happens when the kernel refuses io_uring.

#include "backends.hpp"

#include <catch2/catch.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <thread>

using namespace saturn;
using namespace saturn::io;

namespace {

/// From now on io_uring_setup fails with EPERM on this thread, as under a container's filter.
bool deny_io_uring() {
  std::array<sock_filter, 4> code{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("posix is posix, and auto takes what there is") {
  VfsReport report;
  CHECK(make_vfs(VfsChoice::posix, true, &report).value()->name() == "posix");
  CHECK(report.backend == "posix");
  CHECK(report.io_uring_errno == 0);
  const auto vfs = make_vfs(VfsChoice::automatic, true, &report).value();
  CHECK(vfs->name() == report.backend);
  CHECK((vfs->name() == "io_uring") == (report.io_uring_errno == 0));
}

TEST_CASE("io_uring denied by a filter falls back, or refuses without fallback") {
  // A filter stays for the life of its thread, so it gets one of its own.
  std::thread([] {
    if (!deny_io_uring()) {
      WARN("this machine lets nobody install a seccomp filter");
      return;
    }
    VfsReport report;
    const auto vfs = make_vfs(VfsChoice::io_uring, true, &report).value();
    CHECK(vfs->name() == "posix");
    CHECK(report.asked == VfsChoice::io_uring);
    CHECK(report.io_uring_errno != 0);
    CHECK(report.io_uring_why.find("errno") != std::string::npos);
    auto refused = make_vfs(VfsChoice::io_uring, false, nullptr);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().sys_errno() == report.io_uring_errno);
  }).join();
}

TEST_CASE("a ring vfs on a worker without a ring still reads and writes") {
  auto made = make_io_uring_vfs();
  if (!made) return;
  std::thread([&] {
    if (!deny_io_uring()) return;
    test::disk_backend(
        "denied", [&] { return std::move(*made); }, true)
        .run([](test::Fixture& at) {
          auto file = at.vfs->open(at.path("a"), {.create = true}).value();
          const std::vector<std::uint8_t> page(4096, 'p');
          CHECK(file->write(0, page));
          CHECK(file->sync(SyncMode::data));
          CHECK(file->size().value() == 4096);
        });
  }).join();
}

TEST_CASE("buffers inside the arena and across its edge work alike") {
  for (const auto& backend : test::backends()) {
    backend.run([](test::Fixture& at) {
      static std::array<std::uint8_t, 1 << 16> memory;
      REQUIRE(at.vfs->register_arena(MutableByteSpan(memory).first(1 << 15)));
      memory.fill('m');
      auto file = at.vfs->open(at.path("a"), {.create = true}).value();
      CHECK(file->write(0, MutableByteSpan(memory).subspan(4096, 4096)));
      CHECK(file->write(4096, MutableByteSpan(memory).subspan((1 << 15) - 10, 4096)));
      memory.fill(0);
      CHECK(file->read(0, MutableByteSpan(memory).subspan(8192, 8192)).value() == 8192);
      CHECK(memory[8192] == 'm');
      CHECK(memory[16383] == 'm');
    });
  }
}
