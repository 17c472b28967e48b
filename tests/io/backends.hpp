#pragma once

#if defined(SATURN_HAVE_URING)
#include "ring.hpp"
#endif

#include "io/backends.hpp"
#include "io/faulty.hpp"
#include "io/vfs.hpp"
#include "io/worker.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace saturn::io::test {

/// A backend with a place for its files.
struct Fixture {
  Vfs* vfs;
  std::string root;  ///< "" or a directory with a trailing slash
  std::string path(std::string_view name) const { return root + std::string(name); }
};

struct Backend {
  std::string name;
  /// Makes the backend, runs the test on it (on a fiber, where it has any use) and cleans up.
  std::function<void(const std::function<void(Fixture&)>&)> run;
};

/// A local backend on a fresh directory, from a fiber or, with `fiber` false, a plain thread.
inline Backend disk_backend(std::string name, std::function<std::unique_ptr<Vfs>()> make,
                            bool fiber) {
  return {std::move(name), [make, fiber](const std::function<void(Fixture&)>& test) {
            std::string root = std::filesystem::temp_directory_path() / "saturn-io-XXXXXX";
            if (mkdtemp(root.data()) == nullptr) std::abort();
            const auto vfs = make();
            Fixture fixture{vfs.get(), root + "/"};
            // A failed REQUIRE throws, and an exception may not leave a fiber.
            std::exception_ptr failed;
            const auto body = [&] {
              try {
                test(fixture);
              } catch (...) {
                failed = std::current_exception();
              }
            };
            fiber ? run(body) : body();
            std::filesystem::remove_all(root);
            if (failed) std::rethrow_exception(failed);
          }};
}

/// Every backend that this build and this machine have.
inline std::vector<Backend> backends() {
  std::vector<Backend> out;
  out.push_back({"memory", [](const std::function<void(Fixture&)>& test) {
                   const auto vfs = make_memory_vfs();
                   Fixture fixture{vfs.get(), ""};
                   test(fixture);
                 }});
  out.push_back({"faulty without faults", [](const std::function<void(Fixture&)>& test) {
                   const auto base = make_memory_vfs();
                   const auto vfs = make_faulty_vfs(*base, {});
                   Fixture fixture{vfs.get(), ""};
                   test(fixture);
                 }});
  out.push_back({"faulty with delays", [](const std::function<void(Fixture&)>& test) {
                   const auto base = make_memory_vfs();
                   const auto vfs = make_faulty_vfs(*base, {.delay_ppm = 50'000});
                   Fixture fixture{vfs.get(), ""};
                   test(fixture);
                 }});
  out.push_back(disk_backend("posix on a fiber", make_posix_vfs, true));
  out.push_back(disk_backend("posix on a thread", make_posix_vfs, false));
  if (make_io_uring_vfs()) {
    const auto make = [] { return std::move(make_io_uring_vfs()).value(); };
    out.push_back(disk_backend("io_uring on a fiber", make, true));
    out.push_back(disk_backend("io_uring on a thread", make, false));
#if defined(SATURN_HAVE_URING)
    // As on kernels before 6.9, which cannot truncate through a ring.
    const auto no_truncate = [] {
      Ring::mask_for_tests(1U << static_cast<unsigned>(RingRequest::Kind::truncate));
      return std::move(make_io_uring_vfs()).value();
    };
    Backend masked = disk_backend("io_uring without FTRUNCATE", no_truncate, true);
    out.push_back({masked.name, [run = masked.run](const std::function<void(Fixture&)>& test) {
                     run(test);
                     Ring::mask_for_tests(0);
                   }});
#endif
  }
  // Whatever this process is allowed: the ring, or what stands in for it.
  out.push_back(disk_backend(
      "what vfs = io_uring comes to",
      [] { return std::move(make_vfs(VfsChoice::io_uring, true, nullptr)).value(); }, true));
  return out;
}

}  // namespace saturn::io::test
