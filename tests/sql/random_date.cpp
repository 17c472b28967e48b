#include "random_calls.hpp"

#include <cstdio>

namespace saturn::test {
namespace {

std::string digits(Random& random, std::uint64_t below, int width) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "%0*llu", width,
                static_cast<unsigned long long>(random.pick(below)));
  return buffer;
}

std::string date(Random& random) {
  if (random.chance(3)) {
    return std::string(random.of(
        {"2024-02-29", "2023-02-28", "2024-01-31", "1970-01-01", "2000-12-31", "0000-01-01",
         "9999-12-31", "2024-02-30", "2023-04-31", "2024-00-10", "2024-13-01", "2024-1-1",
         "-0001-06-15", "-4713-11-24", "2024-01-32", "1600-02-29", "2024-12-30", "2021-01-03"}));
  }
  return digits(random, 3000, 4) + "-" + digits(random, 13, 2) + "-" + digits(random, 32, 2);
}

std::string time(Random& random) {
  if (random.chance(4)) {
    return std::string(random.of({"00:00", "23:59:59.999", "12:00:00.5", "25:00", "12:60",
                                  "12:00:60", "1:00", "12:00Z", "12:00+02:00", "12:00:00.123456",
                                  "12:00:00.", "12:00:59.9999", "12:00+15:00"}));
  }
  std::string out = digits(random, 24, 2) + ":" + digits(random, 60, 2);
  if (random.chance(2)) out += ":" + digits(random, 60, 2);
  if (out.size() > 5 && random.chance(3)) out += "." + digits(random, 1000, 3);
  return out;
}

std::string moment(Random& random) {
  switch (random.pick(10)) {
    case 0: return literal(date(random));
    case 1: return literal(time(random));
    case 2:
      return std::string(random.of({"0", "2460000.5", "1e9", "-1", "5373484.49", "5373484.5",
                                    "1e12", "-1e11", "1721059.5", "'2460310.5'", "'1e3'", "2451545",
                                    "1700000000", "253402300799", "'12'"}));
    case 3:
      return std::string(random.of({"NULL", "''", "'x'", "x'323032342d30312d3031'", "' 2024-01-01'",
                                    "'2024-01-01 '", "'2024-01-01T'", "'2024-01-01  12:00'",
                                    "'2024-01-01 12:00 '", "'2024-01-01x'"}));
    default: return literal(date(random) + std::string(random.of({" ", "T", " "})) + time(random));
  }
}

std::string modifier(Random& random) {
  switch (random.pick(8)) {
    case 0:
      return literal(random.of({"start of month", "start of year", "start of day", "start of week",
                                "Start Of Month", "start of  month"}));
    case 1:
      return literal("weekday " +
                     std::string(random.of({"0", "1", "3", "6", "7", "-1", "1.5", "x"})));
    case 2:
      return literal(random.of({"unixepoch", "julianday", "auto", "subsec", "subsecond", "floor",
                                "ceiling", "UNIXEPOCH", "nope", "", " "}));
    case 3: return literal(std::string(random.of({"+", "-", ""})) + time(random));
    case 4:
      return literal(std::string(random.of({"+", "-", ""})) + digits(random, 30, 4) + "-" +
                     digits(random, 13, 2) + "-" + digits(random, 32, 2) +
                     (random.chance(2) ? " " + time(random) : ""));
    case 5:
      return random.chance(3) ? "NULL"
                              : literal(random.of({"+5", "5", "+1day", "1e1 days", "+ 1 day"}));
    default: {
      std::string number(random.of({"+", "-", ""}));
      number += digits(random, random.chance(3) ? 100000 : 40, 1);
      if (random.chance(3)) number += "." + digits(random, 1000, 3);
      return literal(number + std::string(random.of({" ", " ", "  "})) +
                     std::string(random.of({"day", "days", "hour", "hours", "minute", "minutes",
                                            "second", "seconds", "month", "months", "year", "years",
                                            "DAYS", "week", "dayss"})));
    }
  }
}

}  // namespace

std::string date_call(Random& random) {
  std::string arguments = moment(random);
  for (std::uint64_t i = random.pick(4); i > 0; --i) arguments += ", " + modifier(random);
  switch (random.pick(8)) {
    case 0: return "SELECT date(" + arguments + ")";
    case 1: return "SELECT time(" + arguments + ")";
    case 2: return "SELECT julianday(" + arguments + ")";
    case 3: return "SELECT unixepoch(" + arguments + ")";
    case 4: return "SELECT timediff(" + moment(random) + ", " + moment(random) + ")";
    case 5: {
      std::string format;
      for (std::uint64_t i = 1 + random.pick(4); i > 0; --i) {
        format += "%" + std::string(random.of({"d", "e", "f", "F", "G", "g", "H", "I", "j",
                                               "J", "k", "l", "m", "M", "p", "P", "R", "s",
                                               "S", "T", "u", "U", "V", "w", "W", "Y", "%"}));
        format += random.of({"", " ", "x"});
      }
      if (random.chance(20)) format += random.of({"%", "%E", "%n", "%q"});
      return "SELECT strftime(" + literal(format) + ", " + arguments + ")";
    }
    default: return "SELECT datetime(" + arguments + ")";
  }
}

}  // namespace saturn::test
