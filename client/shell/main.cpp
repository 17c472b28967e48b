#include "base/log.hpp"
#include "base/text.hpp"
#include "io/worker.hpp"
#include "shell.hpp"

#include <unistd.h>
#include <cstdio>
#include <cstring>
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
    "  -list -csv -table -json -line -quote   how rows are printed (-list)\n"
    "  -header, -noheader     column names above the rows\n"
    "  -separator TEXT        between columns in list mode\n"
    "  -nullvalue TEXT        what NULL prints as\n"
    "  -cmd COMMAND           run COMMAND before reading anything else\n"
    "  -bail                  stop after an error\n"
    "  -readonly              open the file for reading only\n"
    "  -vfs posix|io_uring    how the file is read and written\n"
    "  -version, -help\n";

struct Options {
  std::string target;
  std::vector<std::string> statements;
  std::vector<std::string> commands;
  Format format;
  LocalOptions local;
  bool bail = false;
  bool batch = false;
};

/// 0 to go on, else the exit code plus one.
int parse(int argc, char** argv, Options& options) {
  bool has_target = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word.size() < 2 || word[0] != '-') {
      if (has_target) {
        options.statements.push_back(word);
      } else {
        options.target = word;
        has_target = true;
      }
      continue;
    }
    std::string name = word.substr(word[1] == '-' ? 2 : 1);
    const auto value = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (parse_mode(name, options.format.mode)) continue;
    if (name == "header") options.format.headers = true;
    else if (name == "noheader") options.format.headers = false;
    else if (name == "separator") options.format.separator = value();
    else if (name == "nullvalue") options.format.null_text = value();
    else if (name == "cmd") options.commands.push_back(value());
    else if (name == "bail") options.bail = true;
    else if (name == "batch") options.batch = true;
    else if (name == "readonly") options.local.read_only = true;
    else if (name == "vfs") options.local.vfs = value();
    else if (name == "version") {
      std::printf("saturn %s\n", SATURN_VERSION);
      return 1;
    } else if (name == "help") {
      std::fputs(kUsage, stdout);
      return 1;
    } else {
      std::fprintf(stderr, "saturn: unknown option: %s\nUse -help for a list of options.\n",
                   word.c_str());
      return 2;
    }
  }
  return 0;
}

bool is_url(const std::string& target) { return target.find("://") != std::string::npos; }

int run(Options& options) {
  options.local.path = options.target;
  auto connection = is_url(options.target) ? open_remote(options.target) : open_local(options.local);
  if (!connection) {
    std::fprintf(stderr, "Error: unable to open \"%s\": %s\n", options.target.c_str(),
                 connection.error().message().c_str());
    return 1;
  }
  const bool interactive = !options.batch && options.statements.empty() && isatty(0) != 0;
  Shell shell(std::move(*connection), interactive);
  shell.format() = options.format;
  shell.set_bail(options.bail);
  bool good = true;
  for (const std::string& command : options.commands) good = shell.run_text(command, 0) && good;
  for (const std::string& text : options.statements) {
    good = shell.run_text(text, 0) && good;
    if (!good) break;
  }
  if (options.statements.empty() && (good || !options.bail)) {
    good = shell.read_stream(stdin) && good;
  }
  shell.finish();
  return good || interactive ? 0 : 1;
}

}  // namespace
}  // namespace saturn::shell

int main(int argc, char** argv) {
  saturn::shell::Options options;
  const int code = saturn::shell::parse(argc, argv, options);
  if (code != 0) return code - 1;
  saturn::log::start({.level = saturn::log::Level::error});
  return saturn::io::run([&] { return saturn::shell::run(options); });
}
