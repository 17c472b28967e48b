#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

/// Random calls of functions, as SELECT statements.
namespace saturn::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t pick(std::uint64_t n) { return engine_() % n; }
  bool chance(std::uint64_t one_in) { return pick(one_in) == 0; }
  std::string_view of(std::initializer_list<std::string_view> list) {
    return *(list.begin() + pick(list.size()));
  }

 private:
  std::mt19937_64 engine_;
};

/// `text` as an SQL literal.
std::string literal(std::string_view text);

struct Area {
  const char* name;
  int version_min;  ///< of the SQLite that can judge it
  std::string (*make)(Random&);
};

std::string date_call(Random& random);
std::string format_call(Random& random);
std::string json_call(Random& random);
std::string text_call(Random& random);

inline constexpr Area kAreas[] = {
    {"date", 3'050'000, date_call},
    {"format", 3'050'000, format_call},
    {"json", 3'050'000, json_call},
    {"text", 3'050'000, text_call},
};

}  // namespace saturn::test
