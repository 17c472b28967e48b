#include "base/text.hpp"
#include "config/config.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

using namespace saturn;
using namespace saturn::config;
using Catch::Matchers::Contains;

namespace {

/// Files by path; a directory is what stands before a path's last slash.
class FakeFiles final : public FileReader {
 public:
  Result<std::string> read(const std::string& path) const override {
    const auto it = files.find(path);
    if (it == files.end()) return Error(Code::cantopen, "cannot read " + path, ENOENT);
    return it->second;
  }
  // In descending order, so that a loader that does not sort is found out.
  Result<std::vector<std::string>> list(const std::string& directory) const override {
    std::vector<std::string> names;
    for (auto it = files.rbegin(); it != files.rend(); ++it) {
      const std::size_t slash = it->first.rfind('/');
      if (slash != std::string::npos && it->first.substr(0, slash) == directory) {
        names.push_back(it->first.substr(slash + 1));
      }
    }
    return names;
  }
  std::map<std::string, std::string> files;
};

struct Fixture {
  FakeFiles files;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> environment;

  Result<Config> load() const { return config::load(Sources{args, environment, &files}); }
  Config good() const {
    auto config = load();
    if (!config) FAIL(config.error().message());
    return std::move(*config);
  }
  std::string bad() const {
    auto config = load();
    REQUIRE_FALSE(config.has_value());
    return config.error().message();
  }
  /// The outcome of /c/s.conf with this text.
  Fixture& file(std::string text) {
    files.files["/c/s.conf"] = std::move(text);
    args = {"--config", "/c/s.conf"};
    return *this;
  }
};

std::string text_of(const Config& config, Id id) { return config.setting(id).value.text; }
std::string source_of(const Config& config, Id id) { return config.setting(id).source; }

}  // namespace

TEST_CASE_METHOD(Fixture, "without sources every option has its default") {
  const Config c = good();
  CHECK(c.listen().host == "127.0.0.1");
  CHECK(c.listen().port == 8080);
  CHECK(c.data_dir() == "./data");
  CHECK(c.vfs() == Vfs::automatic);
  CHECK(c.vfs_fallback());
  CHECK(c.threads() == 0);
  CHECK(c.cache_size() == 256ULL << 20);
  CHECK(c.query_memory() == 1ULL << 30);
  CHECK(c.synchronous() == Synchronous::full);
  CHECK(c.log_sync() == LogSync::automatic);
  CHECK(c.busy_timeout_ms() == 5000);
  CHECK(c.transaction_timeout_ms() == 30'000);
  CHECK(c.stream_idle_timeout_ms() == 600'000);
  CHECK(c.connections_max() == 4096);
  CHECK(c.http_body_max() == 64ULL << 20);
  CHECK(c.log_level() == log::Level::info);
  CHECK(c.action() == Action::run);
  CHECK(c.config_path().empty());
  for (const Option& o : options()) CHECK(c.setting(o.id).source == "default");
}

TEST_CASE_METHOD(Fixture, "every option can be set by file, variable and flag, and is typed") {
  file(
      "listen = [::1]:9\ndata_dir = /d\nvfs = IO_URING\nvfs_fallback = off\nthreads = 3\n"
      "cache_size = 2g\nquery_memory = 7m\nsynchronous = normal\nlog_sync = dsync\n"
      "busy_timeout_ms = 1\ntransaction_timeout_ms = 2\n"
      "stream_idle_timeout_ms = 3\nconnections_max = 4\nhttp_body_max = 5K\nlog_level = error\n");
  const Config from_file = good();
  CHECK(from_file.listen().host == "::1");
  CHECK(from_file.listen().port == 9);
  CHECK(from_file.data_dir() == "/d");
  CHECK(from_file.vfs() == Vfs::io_uring);
  CHECK_FALSE(from_file.vfs_fallback());
  CHECK(from_file.threads() == 3);
  CHECK(from_file.cache_size() == 2ULL << 30);
  CHECK(from_file.query_memory() == 7ULL << 20);
  CHECK(from_file.synchronous() == Synchronous::normal);
  CHECK(from_file.log_sync() == LogSync::dsync);
  CHECK(from_file.busy_timeout_ms() == 1);
  CHECK(from_file.transaction_timeout_ms() == 2);
  CHECK(from_file.stream_idle_timeout_ms() == 3);
  CHECK(from_file.connections_max() == 4);
  CHECK(from_file.http_body_max() == 5U << 10);
  CHECK(from_file.log_level() == log::Level::error);

  Fixture variables;
  Fixture flags;
  for (const Option& o : options()) {
    const std::string text = text_of(from_file, o.id);
    variables.environment.emplace_back(variable_name(o), text);
    flags.args.push_back(flag_name(o) + "=" + text);
  }
  const Config from_variables = variables.good();
  const Config from_flags = flags.good();
  for (const Option& o : options()) {
    CHECK(text_of(from_variables, o.id) == text_of(from_file, o.id));
    CHECK(source_of(from_variables, o.id) == "environment " + variable_name(o));
    CHECK(text_of(from_flags, o.id) == text_of(from_file, o.id));
    CHECK(source_of(from_flags, o.id) == "flag " + flag_name(o));
  }
}

TEST_CASE_METHOD(Fixture, "a later source overrides an earlier one and is named as the source") {
  file("threads = 1\n\nlog_level = debug\nvfs = posix\nbusy_timeout_ms = 1\n");
  files.files["/c/conf.d/20.conf"] = "threads = 3\nbusy_timeout_ms = 3\n";
  files.files["/c/conf.d/10.conf"] = "threads = 2\nvfs = io_uring\n";
  files.files["/c/conf.d/30.conf.bak"] = "nonsense";
  files.files["/c/conf.d/.hidden.conf"] = "nonsense";
  environment = {{"PATH", "x"}, {"SATURN_BUSY_TIMEOUT_MS", "4"}, {"SATURN_CACHE_SIZE", "4M"}};
  args.insert(args.end(), {"--cache-size", "5M", "--data-dir=a=b", "--cache-size=6M"});
  const Config c = good();
  CHECK(c.config_path() == "/c/s.conf");
  CHECK(source_of(c, Id::listen) == "default");
  CHECK(source_of(c, Id::log_level) == "/c/s.conf:3");
  CHECK(text_of(c, Id::vfs) == "io_uring");
  CHECK(source_of(c, Id::vfs) == "/c/conf.d/10.conf:2");
  CHECK(text_of(c, Id::threads) == "3");
  CHECK(source_of(c, Id::threads) == "/c/conf.d/20.conf:1");
  CHECK(text_of(c, Id::busy_timeout_ms) == "4");
  CHECK(source_of(c, Id::busy_timeout_ms) == "environment SATURN_BUSY_TIMEOUT_MS");
  CHECK(text_of(c, Id::cache_size) == "6M");
  CHECK(source_of(c, Id::cache_size) == "flag --cache-size");
  CHECK(c.data_dir() == "a=b");
}

TEST_CASE_METHOD(Fixture, "conf.d is sought beside the file, also for a bare name") {
  files.files["s.conf"] = "";
  files.files["conf.d/a.conf"] = "threads = 7";
  args = {"--config=s.conf"};
  CHECK(good().threads() == 7);
}

TEST_CASE_METHOD(Fixture, "the file's syntax: comments, blanks, quotes, line ends") {
  CHECK(text_of(file("").good(), Id::data_dir) == "./data");
  CHECK(text_of(file("# data_dir = x\n  # y\n\n").good(), Id::data_dir) == "./data");
  CHECK(text_of(file("data_dir=x").good(), Id::data_dir) == "x");
  CHECK(text_of(file(" \tdata_dir  =  a b \t# c\r\nthreads = 1\r\n").good(), Id::data_dir) ==
        "a b");
  CHECK(text_of(file("data_dir = a#b").good(), Id::data_dir) == "a#b");
  CHECK(text_of(file("data_dir = a\\b\"c").good(), Id::data_dir) == "a\\b\"c");
  CHECK(text_of(file("data_dir = \" # \\\" \\\\ \"# c").good(), Id::data_dir) == " # \" \\ ");
  CHECK(file("threads = \"5\"").good().threads() == 5);
}

TEST_CASE_METHOD(Fixture, "faults of the file's syntax name file and line") {
  CHECK(file("\nthreads 5\n").bad() == "/c/s.conf:2: expected 'key = value'");
  CHECK(file("[server]").bad() == "/c/s.conf:1: expected 'key = value'");
  CHECK(file("= 5").bad() == "/c/s.conf:1: expected 'key = value'");
  CHECK(file("a b = 5").bad() == "/c/s.conf:1: expected 'key = value'");
  CHECK(file("data_dir = \"x").bad() == "/c/s.conf:1: the closing quote is missing");
  CHECK(file("data_dir = \"x\" y").bad() ==
        "/c/s.conf:1: only a comment may follow the closing quote");
  CHECK_THAT(file("data_dir = \"x\\n\"").bad(), Contains("s.conf:1: in quotes a backslash"));
  CHECK_THAT(file("data_dir = \"x\\").bad(), Contains("s.conf:1: in quotes a backslash"));
  CHECK(file("data_dir = 'x'").bad() == "/c/s.conf:1: values are quoted with \", not with '");
  CHECK(file("data_dir = \"").bad() == "/c/s.conf:1: the closing quote is missing");
}

TEST_CASE_METHOD(Fixture, "an unknown key, variable or flag is an error with a suggestion") {
  CHECK(file("\n\ncach_size = 1M").bad() ==
        "/c/s.conf:3: unknown option 'cach_size'; did you mean 'cache_size'?");
  CHECK(file("frobnicate = 1").bad() == "/c/s.conf:1: unknown option 'frobnicate'");
  CHECK(file("Threads = 1").bad() ==
        "/c/s.conf:1: unknown option 'Threads'; did you mean 'threads'?");

  Fixture e;
  e.environment = {{"SATURN_DATADIR", "x"}};
  CHECK(e.bad() ==
        "unknown environment variable 'SATURN_DATADIR'; did you mean 'SATURN_DATA_DIR'?");
  e.environment = {{"SATURN_FROBNICATE", "x"}};
  CHECK(e.bad() == "unknown environment variable 'SATURN_FROBNICATE'");
  e.environment = {{"saturn_frobnicate", "x"}, {"MY_SATURN_X", "y"}};
  CHECK(e.load().has_value());

  Fixture f;
  f.args = {"--data_dir=x"};
  CHECK(f.bad() == "unknown flag '--data_dir'; did you mean '--data-dir'?");
  f.args = {"--hlep"};
  CHECK(f.bad() == "unknown flag '--hlep'; did you mean '--help'?");
  f.args = {"--frobnicate"};
  CHECK(f.bad() == "unknown flag '--frobnicate'");
  f.args = {"data"};
  CHECK(f.bad() == "unexpected argument 'data'");
}

TEST_CASE_METHOD(Fixture, "a key set twice in one file is an error that names both lines") {
  CHECK(file("threads = 1\nvfs = posix\nthreads = 1\n").bad() ==
        "/c/s.conf:3: 'threads' is set already on line 1");
}

TEST_CASE_METHOD(Fixture, "a bad value names its place and what is accepted") {
  CHECK(file("threads = many").bad() ==
        "/c/s.conf:1: bad value 'many' for threads; accepted: an integer from 0 to 256");
  CHECK(file("threads =").bad() ==
        "/c/s.conf:1: bad value '' for threads; accepted: an integer from 0 to 256");
  environment = {{"SATURN_VFS", "epoll"}};
  CHECK(file("").bad() ==
        "environment variable SATURN_VFS: bad value 'epoll' for vfs; accepted: one of auto, posix, "
        "io_uring");
  environment = {};
  args.push_back("--listen=8080");
  CHECK_THAT(bad(), Contains("--listen: bad value '8080' for listen; accepted: HOST:PORT"));
}

TEST_CASE_METHOD(Fixture, "a bad value is an error even where a later source overrides it") {
  file("threads = many");
  args.push_back("--threads=1");
  CHECK_THAT(bad(), Contains("bad value 'many'"));
}

TEST_CASE_METHOD(Fixture, "flags: a value is needed, and --config stands once") {
  args = {"--threads"};
  CHECK(bad() == "--threads needs a value; accepted: an integer from 0 to 256");
  args = {"--data-dir", "--threads=1"};
  CHECK(bad() == "--data-dir needs a value; accepted: the path of a directory");
  args = {"--data-dir=--x"};
  CHECK(good().data_dir() == "--x");
  args = {"--data-dir="};
  CHECK_THAT(bad(), Contains("bad value '' for data_dir"));
  args = {"--config"};
  CHECK(bad() == "--config needs a value; accepted: the path of a file");
  args = {"--config="};
  CHECK(bad() == "--config: the path is empty");
  args = {"--config=a", "--config=b"};
  CHECK(bad() == "--config is given twice");
}

TEST_CASE_METHOD(Fixture, "a file that is not there is an error with its errno") {
  args = {"--config", "/none.conf"};
  const auto config = load();
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().code() == Code::cantopen);
  CHECK(config.error().sys_errno() == ENOENT);
}

TEST_CASE_METHOD(Fixture, "help and version need no readable file, print-config does") {
  CHECK(good().action() == Action::run);
  args = {"--config", "/none.conf", "--version"};
  environment = {{"SATURN_NONSENSE", "1"}};
  CHECK(good().action() == Action::version);
  args.insert(args.begin(), "-h");
  CHECK(good().action() == Action::help);
  args = {"--print-config", "--help"};
  CHECK(good().action() == Action::help);
  args = {"--print-config"};
  CHECK_THAT(bad(), Contains("SATURN_NONSENSE"));
  environment = {};
  CHECK(good().action() == Action::print_config);
  args = {"--help=yes"};
  CHECK(bad() == "--help takes no value");
}

TEST_CASE_METHOD(Fixture,
                 "what print-config prints says the sources and loads to the same values") {
  file("data_dir = \" a#\\\\b\\\"'c \"\n");
  environment = {{"SATURN_LOG_LEVEL", "DEBUG"}};
  args.push_back("--cache-size=2048K");
  const Config c = good();
  const std::string printed = print_text(c);
  CHECK_THAT(printed, Contains("listen = 127.0.0.1:8080  # default\n"));
  CHECK_THAT(printed, Contains("data_dir = \" a#\\\\b\\\"'c \"  # /c/s.conf:1\n"));
  CHECK_THAT(printed, Contains("log_level = debug  # environment SATURN_LOG_LEVEL\n"));
  CHECK_THAT(printed, Contains("cache_size = 2M  # flag --cache-size\n"));
  Fixture again;
  const Config d = again.file(printed).good();
  for (const Option& o : options()) CHECK(text_of(c, o.id) == text_of(d, o.id));
}

TEST_CASE_METHOD(Fixture, "a reload's differences are sorted into applicable and not") {
  const Config before = file("threads = 1\nlog_level = info\ncache_size = 1024K\n").good();
  const Config same = file("cache_size = 1M\n\nthreads = 1\n").good();
  CHECK(reloadable_differences(before, same).reloadable.empty());
  CHECK(reloadable_differences(before, same).needs_restart.empty());

  const Config after = file("threads = 2\nlog_level = debug\ncache_size = 1M\n").good();
  const Differences d = reloadable_differences(before, after);
  REQUIRE(d.reloadable.size() == 1);
  CHECK(d.reloadable[0].option->id == Id::log_level);
  CHECK(d.reloadable[0].before == "info");
  CHECK(d.reloadable[0].after == "debug");
  REQUIRE(d.needs_restart.size() == 1);
  CHECK(d.needs_restart[0].option->id == Id::threads);
}

TEST_CASE("the environment is split at the first equals sign") {
  const char* const environment[] = {"A=1", "B=x=y", "C=", "broken", nullptr};
  const auto split = split_environment(environment);
  REQUIRE(split.size() == 3);
  CHECK(split[0] == std::pair<std::string, std::string>("A", "1"));
  CHECK(split[1] == std::pair<std::string, std::string>("B", "x=y"));
  CHECK(split[2] == std::pair<std::string, std::string>("C", ""));
}

TEST_CASE("real files: read, listed, missing, a directory, too long") {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / cat("saturn-config-test-", ::getpid());
  struct Cleanup {
    const fs::path& path;
    ~Cleanup() { fs::remove_all(path); }
  } cleanup{root};
  fs::create_directories(root / "conf.d" / "sub.conf");
  std::ofstream(root / "s.conf") << "threads = 1\n";
  std::ofstream(root / "conf.d" / "a.conf") << "threads = 2\n";
  std::ofstream(root / "long.conf") << std::string(kFileBytesMax + 1, '#');
  std::ofstream(root / "full.conf") << std::string(kFileBytesMax, '#');

  const FileReader& files = real_files();
  CHECK(files.read(root / "s.conf").value() == "threads = 1\n");
  CHECK(files.read(root / "none").error().sys_errno() == ENOENT);
  CHECK(files.read(root).error().sys_errno() == EISDIR);
  CHECK(files.read(root / "long.conf").error().code() == Code::toobig);
  CHECK(files.read(root / "full.conf").value().size() == kFileBytesMax);
  CHECK(files.list(root / "none").value().empty());
  CHECK(files.list(root / "conf.d").value() == std::vector<std::string>{"a.conf"});
  CHECK(files.list(root / "s.conf").error().code() == Code::cantopen);

  Sources sources;
  sources.args = {"--config", (root / "s.conf").string()};
  const auto config = load(sources);
  REQUIRE(config.has_value());
  CHECK(config->threads() == 2);
}

TEST_CASE_METHOD(Fixture, "any directory survives print-config and any file is loaded or refused") {
  const char* given = std::getenv("CONFIG_TEST_SEED");
  const auto seed =
      given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  INFO("CONFIG_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  const auto pick = [&](std::string_view from) { return from[random() % from.size()]; };
  for (int round = 0; round < 2000; ++round) {
    std::string path;
    for (std::size_t n = 1 + random() % 6; path.size() < n;) path += pick(" #\"'\\=ab\xff");
    files.files.clear();
    args = {"--data-dir=" + path};
    Fixture again;
    CHECK(again.file(print_text(good())).good().data_dir() == path);

    std::string text;
    for (std::size_t n = random() % 40; text.size() < n;) {
      const auto keys = options();
      text += random() % 4 == 0 ? std::string(keys[random() % keys.size()].name)
                                : std::string(1, pick(std::string_view(" \t\r\n#\"\\=10K\0", 12)));
    }
    const auto loaded = file(text).load();
    if (!loaded) CHECK_THAT(loaded.error().message(), Catch::Matchers::StartsWith("/c/s.conf:"));
  }
}
