#include "base/limits.hpp"
#include "config/config.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

using namespace saturn;
using namespace saturn::config;
using Catch::Matchers::Contains;

namespace {

/// The canonical text, or "!" where the value is refused.
std::string parsed(Id id, std::string_view text) {
  auto value = parse_value(option(id), text);
  return value ? value->text : "!";
}

std::size_t longest_line(const std::string& text) {
  std::istringstream in(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(in, line);) longest = std::max(longest, line.size());
  return longest;
}

}  // namespace

TEST_CASE("the table is whole: unique names, canonical defaults, choices where they belong") {
  std::set<std::string_view> names;
  REQUIRE(options().size() == kOptionCount);
  for (const Option& o : options()) {
    INFO(o.name);
    CHECK(names.insert(o.name).second);
    CHECK(find_option(o.name) == &o);
    CHECK(&option(o.id) == &o);
    CHECK(parsed(o.id, o.default_text) == o.default_text);
    CHECK(o.choices.empty() == (o.type != Type::choice));
    CHECK(o.help.ends_with('.'));
  }
  CHECK(find_option("nothing") == nullptr);
  CHECK(flag_name(option(Id::data_dir)) == "--data-dir");
  CHECK(variable_name(option(Id::data_dir)) == "SATURN_DATA_DIR");
}

TEST_CASE("defaults are those of limits.hpp") {
  const Config c;
  CHECK(c.cache_size() == limits::kCacheBytesDefault);
  CHECK(c.connections_max() == limits::kConnectionsMax);
  CHECK(c.http_body_max() == limits::kHttpBodyBytesMax);
}

TEST_CASE("integers are digits within their range") {
  CHECK(parsed(Id::threads, "0") == "0");
  CHECK(parsed(Id::threads, "007") == "7");
  CHECK(parsed(Id::threads, "256") == "256");
  for (const char* bad : {"257", "-1", "+1", "1.0", "1K", " 1", "1 ", "", "0x1",
                          "18446744073709551617", "99999999999999999999999"}) {
    INFO(bad);
    CHECK(parsed(Id::threads, bad) == "!");
  }
  CHECK(parsed(Id::connections_max, "0") == "!");
  CHECK(parsed(Id::busy_timeout_ms, "86400000") == "86400000");
  CHECK(parsed(Id::busy_timeout_ms, "86400001") == "!");
}

TEST_CASE("bytes take K, M and G, do not overflow, and are printed in the largest unit") {
  CHECK(parse_value(option(Id::cache_size), "3M")->number == 3ULL << 20);
  CHECK(parsed(Id::cache_size, "1048576") == "1M");
  CHECK(parsed(Id::cache_size, "1048577") == "1048577");
  CHECK(parsed(Id::cache_size, "1536k") == "1536K");
  CHECK(parsed(Id::cache_size, "1g") == "1G");
  CHECK(parsed(Id::cache_size, "1024G") == "1024G");
  for (const char* bad : {"1025G", "1023K", "1T", "1MB", "1 M", "M", "", "-1M", "0", "17179869184G",
                          "17179869185G", "18446744073709551615K"}) {
    INFO(bad);
    CHECK(parsed(Id::cache_size, bad) == "!");
  }
}

TEST_CASE("choices are taken in any case") {
  CHECK(parsed(Id::synchronous, "FULL") == "full");
  CHECK(parsed(Id::vfs, "Io_Uring") == "io_uring");
  CHECK(parsed(Id::vfs, "") == "!");
  CHECK(parsed(Id::vfs_fallback, "yes") == "!");
}

TEST_CASE("every level is one that the log knows") {
  for (const std::string_view name : option(Id::log_level).choices) {
    Config c;
    REQUIRE(c.set(option(Id::log_level), name, "test").has_value());
    log::Level level{};
    CHECK(log::parse_level(name, level));
    CHECK(c.log_level() == level);
  }
}

TEST_CASE("addresses are HOST:PORT, an IPv6 host in brackets") {
  CHECK(parsed(Id::listen, "0.0.0.0:080") == "0.0.0.0:80");
  CHECK(parsed(Id::listen, "db-1.example.org:65535") == "db-1.example.org:65535");
  CHECK(parsed(Id::listen, "[fe80::1%eth0]:0") == "[fe80::1%eth0]:0");
  for (const char* bad : {"", ":", ":80", "host", "host:", "host:65536", "host:x", "::1:80",
                          "[]:80", "[::1]", "[::1", "[host]:80", "a b:80", "host:-1", "[:80"}) {
    INFO(bad);
    CHECK(parsed(Id::listen, bad) == "!");
  }
}

TEST_CASE("a directory is any text without control characters") {
  CHECK(parsed(Id::data_dir, "/srv/\xc3\xa4 b") == "/srv/\xc3\xa4 b");
  CHECK(parsed(Id::data_dir, "") == "!");
  CHECK(parsed(Id::data_dir, "a\nb") == "!");
  CHECK(parsed(Id::data_dir, std::string_view("a\0b", 3)) == "!");
  CHECK_THAT(parse_value(option(Id::data_dir), "a\nb").error().message(), Contains("'a?b'"));
}

TEST_CASE("help, sample and manual page hold every option") {
  const std::string help = help_text();
  const std::string sample = sample_text();
  const std::string manual = manual_text();
  for (const Option& o : options()) {
    INFO(o.name);
    CHECK_THAT(help, Contains("  " + flag_name(o) + " "));
    CHECK_THAT(sample, Contains("\n#" + std::string(o.name) + " = " + std::string(o.default_text)));
    CHECK_THAT(manual, Contains(".TP\n.BR " + std::string(o.name) + " "));
  }
  CHECK(longest_line(help) <= 80);
  CHECK(longest_line(sample) <= 80);
}

TEST_CASE("the sample sets nothing, and with its comments removed it sets the defaults") {
  std::string text = sample_text();
  Sources sources;
  struct One final : FileReader {
    Result<std::string> read(const std::string&) const override { return text; }
    Result<std::vector<std::string>> list(const std::string&) const override {
      return std::vector<std::string>();
    }
    std::string text;
  } files;
  sources.files = &files;
  sources.args = {"--config=s.conf"};
  files.text = text;
  const auto untouched = load(sources);
  REQUIRE(untouched.has_value());
  for (const Option& o : options()) CHECK(untouched->setting(o.id).source == "default");

  for (const Option& o : options()) {
    const std::string commented = "\n#" + std::string(o.name);
    text.replace(text.find(commented), commented.size(), "\n" + std::string(o.name));
  }
  files.text = text;
  const auto all = load(sources);
  REQUIRE(all.has_value());
  for (const Option& o : options()) {
    CHECK(all->setting(o.id).source.starts_with("s.conf:"));
    CHECK(all->setting(o.id).value.text == o.default_text);
  }
}
