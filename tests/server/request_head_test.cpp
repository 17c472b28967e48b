#include "request_head.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace saturn;
using saturn::server::check_request_head;

namespace {

const std::string kGood =
    "POST /v2/pipeline HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 12\r\n"
    "Accept: */*\r\nX-Empty:\r\n\r\n";

std::string with(const std::string& lines) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string why(const std::string& head) {
  auto result = check_request_head(head);
  return result ? "accepted" : result.message();
}

}  // namespace

TEST_CASE("ordinary request heads pass", "[http]") {
  CHECK(why(kGood) == "accepted");
  CHECK(why(with("transfer-encoding:  Chunked \r\n")) == "accepted");
  CHECK(why("GET /health HTTP/1.0\r\n\r\n") == "accepted");
  CHECK(why("GET / HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: a\tb \xc3\xa9\r\n\r\n") ==
        "accepted");
}

TEST_CASE("smuggling shapes are refused by name", "[http]") {
  CHECK(why(with("Transfer-Encoding: gzip, chunked\r\n")) ==
        "Transfer-Encoding other than chunked");
  CHECK(why(with("Transfer-Encoding: xchunked\r\n")) == "Transfer-Encoding other than chunked");
  CHECK(why(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) ==
        "more than one Transfer-Encoding");
  CHECK(why(with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")) ==
        "both Transfer-Encoding and Content-Length");
  CHECK(why("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") ==
        "Transfer-Encoding in HTTP/1.0");
  CHECK(why(with("Content-Length: 1\r\nContent-Length: 1\r\n")) == "more than one Content-Length");
  CHECK(why(with("Content-Length: 1, 1\r\n")) == "malformed Content-Length");
  CHECK(why(with("Content-Length: +1\r\n")) == "malformed Content-Length");
  CHECK(why(with("Content-Length:\r\n")) == "malformed Content-Length");
  CHECK(why(with("Content-Length: 99999999999999999999\r\n")) == "malformed Content-Length");
  CHECK(why(with("Host: b\r\n")) == "more than one Host");
  CHECK(why("GET / HTTP/1.1\r\nAccept: a\r\n\r\n") == "no Host");
  CHECK(why(with("X: a\r\n b\r\n")) == "folded header line");
  CHECK(why(with("Content-Length : 1\r\n")) == "malformed header name");
  CHECK(why(with("no colon\r\n")) == "header line without a colon");
  CHECK(why(with("X: a\nHost: b\r\n")) == "control character in a header line");
  CHECK(why(with("X: a\rb\r\n")) == "control character in a header line");
  CHECK(why(with(std::string("X: a\0b\r\n", 8))) == "control character in a header line");
}

TEST_CASE("malformed request lines are refused", "[http]") {
  CHECK(why("\r\n\r\n") == "malformed request line");
  CHECK(why("GET /\r\n\r\n") == "malformed request line");
  CHECK(why("G(T / HTTP/1.1\r\n\r\n") == "malformed method");
  CHECK(why("GET /a b HTTP/1.1\r\n\r\n") == "malformed request target");
  CHECK(why("GET / HTTP/2.0\r\n\r\n") == "unsupported HTTP version");
  CHECK(why("GET / HTTP/1.1\r\nHost: a\r\n") == "header without an end");
  CHECK(why(kGood + "x") == "bytes behind the header");
}

TEST_CASE("the error names the offset of the line at fault", "[http]") {
  auto result = check_request_head(with("Host: b\r\n"));
  REQUIRE(!result);
  CHECK(std::move(result).error().position() == 26);
}

TEST_CASE("damaged heads never crash the check", "[http]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  unsigned refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string head = kGood;
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      head[random() % head.size()] = static_cast<char>(random());
    }
    head.resize(head.size() - (random() % 4 == 0 ? random() % head.size() : 0));
    refused += check_request_head(head) ? 0 : 1;
  }
  CHECK(refused > 1000);
}
