// What only a local disk has: other processes.

#include "backends.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace saturn::io;
using saturn::io::test::disk_backend;

namespace {

/// Whether another process could take this lock now.
bool other_process_can_lock(const std::string& path, short type, off_t offset, off_t size) {
  const pid_t child = fork();
  if (child == 0) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = offset;
    lock.l_len = size;
    _exit(fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("other processes see the locks, and closing a second handle keeps them") {
  disk_backend("posix", make_posix_vfs, false).run([](test::Fixture& at) {
    const std::string path = at.path("db");
    auto a = at.vfs->open(path, {.create = true}).value();
    auto b = at.vfs->open(path, {}).value();
    const LockRange range{0x40000002, 510};
    REQUIRE(a->lock(range, LockMode::shared).value());
    REQUIRE(b->lock(range, LockMode::shared).value());
    CHECK(other_process_can_lock(path, F_RDLCK, 0x40000002, 510));
    CHECK_FALSE(other_process_can_lock(path, F_WRLCK, 0x40000002, 510));
    b.reset();
    CHECK_FALSE(other_process_can_lock(path, F_WRLCK, 0x40000002, 1));
    REQUIRE(a->lock({0x40000002, 1}, LockMode::exclusive).value());
    CHECK_FALSE(other_process_can_lock(path, F_RDLCK, 0x40000002, 1));
    CHECK(other_process_can_lock(path, F_RDLCK, 0x40000003, 1));
    a.reset();
    CHECK(other_process_can_lock(path, F_WRLCK, 0x40000000, 1024));
  });
}
