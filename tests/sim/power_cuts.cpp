#include "sqlite_image.hpp"
#include "world.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "io/worker.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <string_view>

// power-cuts: databases whose power goes at random operations, and what recovery makes of that.

namespace {

using saturn::cat;

constexpr std::string_view kUsage =
    "usage: power-cuts [--seed N] [--cuts N] [--seconds N] [--worlds N] [--images DIR] [--lies "
    "PPM]\n"
    "                  [--trace 1]\n"
    "Ends after so many cuts, seconds or databases, whatever comes first; 0 (the default) is no\n"
    "limit, and without any it is 2000 cuts. --images keeps in DIR what SQLite recovered as well.\n"
    "--lies makes a millionth part of the syncs do nothing: then the promises are to be broken, "
    "and\n"
    "it is a failure if they are not. --trace prints every statement.\n";

struct Arguments {
  std::uint64_t seed = std::random_device{}();
  std::uint64_t cuts = 0;
  std::uint64_t seconds = 0;
  std::uint64_t worlds = 0;
  std::string images;
  std::uint32_t lies = 0;
  bool trace = false;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments out;
  if (argc % 2 == 0) return std::nullopt;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--images") {
      out.images = argv[i + 1];
      continue;
    }
    const std::uint64_t number = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seed") {
      out.seed = number;
    } else if (name == "--cuts") {
      out.cuts = number;
    } else if (name == "--seconds") {
      out.seconds = number;
    } else if (name == "--worlds") {
      out.worlds = number;
    } else if (name == "--trace") {
      out.trace = number != 0;
    } else if (name == "--lies") {
      out.lies = static_cast<std::uint32_t>(number);
    } else {
      return std::nullopt;
    }
  }
  if (out.cuts == 0 && out.seconds == 0 && out.worlds == 0) out.cuts = 2000;
  return out;
}

/// A directory for images that nobody has asked to keep.
class Scratch {
 public:
  Scratch() : path_((std::filesystem::temp_directory_path() / "saturn-sim-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void print(const sim::Totals& totals, double seconds) {
  std::printf("%llu cuts in %.1f s;", static_cast<unsigned long long>(totals.cuts), seconds);
  for (std::size_t kind = 0; kind < saturn::io::kIoKinds; ++kind) {
    if (totals.cuts_at[kind] == 0) continue;
    std::printf(" %s %llu,",
                std::string(io_kind_name(static_cast<saturn::io::IoKind>(kind))).c_str(),
                static_cast<unsigned long long>(totals.cuts_at[kind]));
  }
  const auto line = [](const char* what, std::uint64_t number) {
    std::printf("  %-28s %llu\n", what, static_cast<unsigned long long>(number));
  };
  std::printf(" at rest %llu\n", static_cast<unsigned long long>(totals.cuts_at_rest));
  line("cuts in recovery", totals.cuts_in_recovery);
  line("cuts after synchronous=off", totals.cuts_without_promise);
  line("killed processes", totals.kills);
  line("openings", totals.lives);
  line("transactions acknowledged", totals.clients.transactions);
  line("states read and compared", totals.clients.reads);
  line("checkpoints", totals.clients.checkpoints);
  line("vacuums", totals.clients.vacuums);
  line("images recovered by SQLite", totals.images);
}

int run(const Arguments& arguments) {
  std::optional<Scratch> scratch;
  sim::Settings settings;
  settings.sync_lie_ppm = arguments.lies;
  if (!sim::sqlite_available()) {
    std::printf("SQLite is not installed: its recovery of the images is skipped\n");
  } else if (!arguments.images.empty()) {
    std::filesystem::create_directories(arguments.images);
    settings.image_directory = arguments.images;
  } else {
    settings.image_directory = scratch.emplace().path();
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(arguments.seed));
  sim::Totals totals;
  totals.clients.trace = arguments.trace;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const auto is_enough = [&](std::uint64_t worlds) {
    return (arguments.cuts != 0 && totals.cuts >= arguments.cuts) ||
           (arguments.worlds != 0 && worlds >= arguments.worlds) ||
           (arguments.seconds != 0 && seconds() >= static_cast<double>(arguments.seconds));
  };
  std::optional<std::string> broken;
  for (std::uint64_t worlds = 0; !broken && !is_enough(worlds); ++worlds) {
    const std::uint64_t seed = arguments.seed + worlds;
    saturn::io::run([&] { broken = sim::World(seed, settings, totals).run(); });
    if (!broken) continue;
    std::printf("BROKEN: %s\n", broken->c_str());
    std::printf("again: power-cuts --worlds 1 --seed %llu\n",
                static_cast<unsigned long long>(seed));
  }
  print(totals, seconds());
  return broken.has_value() == (arguments.lies != 0) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    std::fputs(kUsage.data(), stderr);
    return 2;
  }
  // Every failed write of a power cut would be a line.
  saturn::log::start({.level = saturn::log::Level::off});
  return run(*arguments);
}
