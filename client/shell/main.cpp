#include "base/log.hpp"
#include "base/text.hpp"
#include "io/worker.hpp"
#include "shell.hpp"

#include <unistd.h>
#include <cstdio>
#include <string>
#include <vector>

namespace saturn::shell {
namespace {

constexpr const char* kUsage =
    "Usage: saturn [OPTIONS] [FILE | http://HOST:PORT] [SQL...]\n"
    "\n"
    "Opens a database file with the engine in this process, or connects to a server; without a\n"
    "name, a database in memory. Statements come from the arguments, else from standard input.\n"
    "\n"
    "  -list -csv -table -json -line -quote -tabs -column\n"
    "                         how rows are printed (-list)\n"
    "  -header, -noheader     column names above the rows\n"
    "  -separator TEXT        between columns in list mode\n"
    "  -nullvalue TEXT        what NULL prints as\n"
    "  -cmd COMMAND           run COMMAND before reading anything else\n"
    "  -bail                  stop after an error\n"
    "  -batch                 no prompt, even on a terminal\n"
    "  -echo                  print statements before they run\n"
    "  -readonly              open the file for reading only\n"
    "  -vfs auto|posix|io_uring\n"
    "                         how the file is read and written (auto)\n"
    "  -version, -help\n";

struct Options {
  std::string target;
  std::vector<std::string> statements;
  std::vector<std::string> commands;
  Format format;
  LocalOptions local;
  bool bail = false;
  bool batch = false;
  bool echo = false;
  bool done = false;  ///< -version or -help has been answered
};

bool complain(const std::string& text) {
  std::fprintf(stderr, "saturn: Error: %s\nUse -help for a list of options.\n", text.c_str());
  return false;
}

/// An option that takes a value; `known` tells whether it is one.
bool parse_valued(const std::string& name, const char* value, Options& options, bool& known) {
  known = name == "separator" || name == "nullvalue" || name == "cmd" || name == "vfs";
  if (!known) return true;
  if (value == nullptr) return complain(cat("missing argument to -", name));
  if (name == "separator") options.format.separator = value;
  if (name == "nullvalue") options.format.null_text = value;
  if (name == "cmd") options.commands.emplace_back(value);
  if (name == "vfs") {
    options.local.vfs = value;
    const std::string& vfs = options.local.vfs;
    if (vfs != "auto" && vfs != "posix" && vfs != "io_uring") {
      return complain(cat("no such vfs: \"", vfs, "\" (auto, posix, io_uring)"));
    }
  }
  return true;
}

bool parse_flag(const std::string& name, Options& options) {
  if (set_mode(options.format, name)) return true;
  if (name == "header" || name == "noheader") {
    options.format.headers = name == "header";
    options.format.headers_set = true;
  } else if (name == "bail") {
    options.bail = true;
  } else if (name == "batch") {
    options.batch = true;
  } else if (name == "echo") {
    options.echo = true;
  } else if (name == "readonly") {
    options.local.read_only = true;
  } else if (name == "version") {
    std::printf("saturn %s\n", SATURN_VERSION);
    options.done = true;
  } else if (name == "help") {
    std::fputs(kUsage, stdout);
    options.done = true;
  } else {
    return complain(cat("unknown option: -", name));
  }
  return true;
}

/// False when an option is no good, which has been said then.
bool parse(int argc, char** argv, Options& options) {
  bool has_target = false;
  for (int i = 1; i < argc && !options.done; ++i) {
    const std::string word = argv[i];
    if (word.size() < 2 || word[0] != '-') {
      if (has_target) {
        options.statements.push_back(word);
      } else {
        options.target = word;
        has_target = true;
      }
      continue;
    }
    const std::string name = word.substr(word[1] == '-' ? 2 : 1);
    bool valued = false;
    if (!parse_valued(name, i + 1 < argc ? argv[i + 1] : nullptr, options, valued)) return false;
    if (valued) {
      ++i;
    } else if (!parse_flag(name, options)) {
      return false;
    }
  }
  return true;
}

/// The exit code.
int run(Options& options) {
  auto connection = open_target(options.target, options.local);
  if (!connection) {
    std::fprintf(stderr, "Error: unable to open database \"%s\": %s\n", options.target.c_str(),
                 connection.error().message().c_str());
    return 1;
  }
  const bool interactive = !options.batch && options.statements.empty() && isatty(0) != 0;
  Shell shell(std::move(*connection), options.local, options.format, interactive);
  shell.set_bail(options.bail);
  shell.set_echo(options.echo);
  bool good = true;
  for (const std::string& command : options.commands) {
    if (!shell.quit() && (good || !options.bail)) good = shell.run_argument(command) && good;
  }
  if (options.statements.empty()) {
    if (!shell.quit() && (good || !options.bail)) good = shell.read_stream(stdin) && good;
  }
  for (const std::string& text : options.statements) {
    if (!good || shell.quit()) break;
    good = shell.run_argument(text);
  }
  good = shell.finish() && good;
  return good || interactive ? 0 : 1;
}

}  // namespace
}  // namespace saturn::shell

int main(int argc, char** argv) {
  saturn::shell::Options options;
  if (!saturn::shell::parse(argc, argv, options)) return 1;
  if (options.done) return 0;
  saturn::log::start({.level = saturn::log::Level::error});
  return saturn::io::run([&] { return saturn::shell::run(options); });
}
