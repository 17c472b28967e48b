#include "base/text.hpp"
#include "script.hpp"
#include "sqlite_engine.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

using namespace saturn;

namespace {

constexpr std::size_t kFailuresShown = 5;  // a file

/// Runs one script file; false when it cannot be read or parsed.
bool run_file(const char* path, slt::Outcome& total) {
  std::ifstream file(path, std::ios::binary);
  const std::string script{std::istreambuf_iterator<char>(file), {}};
  auto records = slt::parse(script, "sqlite");
  if (!file || !records) {
    std::fprintf(stderr, "%s: %s\n", path,
                 records ? "cannot be read" : records.error().message().c_str());
    return false;
  }
  auto engine = slt::make_sqlite_engine();
  const slt::Outcome outcome = slt::run(*records, *engine, kFailuresShown);
  for (const slt::Failure& failure : outcome.failures) {
    std::fprintf(stderr, "%s:%u: %s\n", path, failure.line, failure.why.c_str());
  }
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  return true;
}

}  // namespace

/// slt-run FILE...: runs sqllogictest scripts on the judge, a fresh database a file, and closes
/// with 'N passed, N failed'.
int main(int argc, char** argv) {
  slt::Outcome total;
  bool readable = argc > 1;
  for (int i = 1; i < argc; ++i) readable &= run_file(argv[i], total);
  std::printf("%s\n", cat(total.passed, " passed, ", total.failed, " failed").c_str());
  return readable && total.failed == 0 ? 0 : 1;
}
