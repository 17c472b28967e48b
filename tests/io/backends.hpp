#pragma once

#include "io/vfs.hpp"

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

/// Every backend that this build and this machine have.
inline std::vector<Backend> backends() {
  std::vector<Backend> out;
  out.push_back({"memory", [](const std::function<void(Fixture&)>& test) {
                   const auto vfs = make_memory_vfs();
                   Fixture fixture{vfs.get(), ""};
                   test(fixture);
                 }});
  return out;
}

}  // namespace saturn::io::test
