#include "base/text.hpp"
#include "io/backends.hpp"
#include "plan/rules.hpp"
#include "saturn_engine.hpp"
#include "script.hpp"
#if defined(SATURN_HAVE_SQLITE)
#include "sqlite_engine.hpp"
#endif

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace saturn;

namespace {

constexpr std::size_t kFailuresShown = 5;         // a file
constexpr std::uint64_t kLittleMemory = 100'000;  // bytes

/// Runs one script file; false when it cannot be read or parsed.
bool run_file(const char* path, const std::string& on, std::uint64_t query_memory,
              const std::string& without, slt::Outcome& total) {
  std::ifstream file(path, std::ios::binary);
  const std::string script{std::istreambuf_iterator<char>(file), {}};
  auto records = slt::parse(script, "sqlite");
  if (!file || !records) {
    std::fprintf(stderr, "%s: %s\n", path,
                 records ? "cannot be read" : records.error().message().c_str());
    return false;
  }
#if defined(SATURN_HAVE_SQLITE)
  auto engine =
      on == "judge" ? slt::make_sqlite_engine() : slt::make_saturn_engine(on, query_memory);
#else
  auto engine = slt::make_saturn_engine(on, query_memory);
#endif
  if (!without.empty()) {
    auto switched =
        engine->execute(cat("PRAGMA optimizer_rules = '-", without == "all" ? "" : without, "'"));
    if (!switched) {
      std::fprintf(stderr, "%s\n", std::move(switched).error().message().c_str());
      return false;
    }
  }
  const bool other_plans = !without.empty();
  const slt::Outcome outcome = slt::run(*records, *engine, kFailuresShown, other_plans);
  for (const slt::Failure& failure : outcome.failures) {
    std::fprintf(stderr, "%s:%u: %s%s\n", path, failure.line, failure.why.c_str(),
                 other_plans ? cat(" (without ", without, ")").c_str() : "");
  }
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  total.unsupported += outcome.unsupported;
  return true;
}

}  // namespace

/// slt-run [--judge | --posix | --io_uring | --little-memory | --without=RULE] FILE...: runs
/// sqllogictest scripts, a fresh database a file, on Saturn (in memory, or on disk through a
/// backend), or on SQLite's library. With little memory, whatever keeps rows on disk does so from
/// the first few on. Without a rule of the planner ("all" of them, or "each" in turn) other plans
/// must give the same rows. Closes with 'N passed, N failed, N not supported yet'; the last count
/// is that of records whose error said so.
int main(int argc, char** argv) {
  slt::Outcome total;
  std::string on = "memory";
  int first = 1;
  std::uint64_t query_memory = 0;
  for (const char* name : {"judge", "posix", "io_uring", "little-memory"}) {
    if (argc < 2 || cat("--", name) != argv[1]) continue;
    on = name;
    first = 2;
  }
  std::string without;
  constexpr std::string_view kWithout = "--without=";
  if (argc > 1 && std::string_view(argv[1]).starts_with(kWithout)) {
    without = argv[1] + kWithout.size();
    first = 2;
  }
  if (on == "little-memory") {
    on = "posix";
    query_memory = kLittleMemory;
  }
  if (on == "io_uring" && !io::make_io_uring_vfs()) {
    std::puts("skipped: io_uring cannot be had here");
    return 77;
  }
  std::vector<std::string> switched_off{without};
  if (without == "each") {
    switched_off.assign({"all"});
    for (const sql::RuleText& rule : sql::kRules) switched_off.emplace_back(rule.name);
  }
  bool readable = argc > first;
  for (const std::string& rule : switched_off) {
    for (int i = first; i < argc; ++i) readable &= run_file(argv[i], on, query_memory, rule, total);
  }
  std::printf("%s\n", cat(total.passed, " passed, ", total.failed, " failed, ", total.unsupported,
                          " not supported yet")
                          .c_str());
  return readable && total.failed == 0 ? 0 : 1;
}
