#include "http_client.hpp"
#include "saturn/client.hpp"

#include <catch2/catch.hpp>

#include <string>

using saturn::client::Error;
using saturn::client::parse_url;
using saturn::client::Url;

namespace {

std::string refusal(const std::string& text) {
  try {
    parse_url(text);
  } catch (const Error& error) {
    CHECK(error.code() == "USAGE_ERROR");
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("a URL has a host, a port and a base path") {
  Url url = parse_url("http://localhost:8080");
  CHECK(url.host == "localhost");
  CHECK(url.port == "8080");
  CHECK(url.base.empty());
  CHECK(url.authority() == "localhost:8080");
  CHECK(parse_url("http://db.example").port == "80");
  CHECK(parse_url("http://h:1/dev/NAME/").base == "/dev/NAME");
  CHECK(parse_url("http://h:1/").base.empty());
  url = parse_url("http://[::1]:9");
  CHECK(url.host == "::1");
  CHECK(url.authority() == "[::1]:9");
  url = parse_url("libsql://h:99?tls=0");
  CHECK(url.port == "99");
}

TEST_CASE("a URL that cannot be used is refused with the reason") {
  CHECK(refusal("h:80").find("http://") != std::string::npos);
  CHECK(refusal("ws://h:80").find("not WebSocket") != std::string::npos);
  CHECK(refusal("https://h").find("TLS") != std::string::npos);
  CHECK(refusal("libsql://h").find("TLS") != std::string::npos);
  CHECK(refusal("libsql://h?tls=0").find("port") != std::string::npos);
  CHECK(refusal("http://").find("no host") != std::string::npos);
  CHECK(refusal("http://:80").find("no host") != std::string::npos);
  CHECK(refusal("http://u:p@h").find("bad URL") != std::string::npos);
  for (const char* bad : {"http://h:", "http://h:0", "http://h:65536", "http://h:x", "http://h:-1",
                          "http://[::1", "http://[::1]x", "http://[::1]:", "http://h h",
                          "http://h/a b", "http://h?x=1", "http://h:999999"}) {
    INFO(bad);
    CHECK(refusal(bad).find("bad URL") != std::string::npos);
  }
}
