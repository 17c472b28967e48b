#include "random_calls.hpp"

namespace saturn::test {
namespace {

std::string integer(Random& random) {
  return std::string(random.of({"0", "1", "-1", "5", "42", "-7", "255", "1000", "1234567",
                                "-1234567", "9223372036854775807", "-9223372036854775808",
                                "123456789012", "11", "12", "103", "21"}));
}

std::string real(Random& random) {
  if (random.chance(2)) {
    std::string digits;
    for (std::uint64_t i = 1 + random.pick(17); i > 0; --i) {
      digits += static_cast<char>('0' + random.pick(10));
    }
    const std::int64_t exponent = static_cast<std::int64_t>(random.pick(60)) - 40;
    return (random.chance(4) ? "-" : "") + digits + "e" + std::to_string(exponent);
  }
  return std::string(random.of(
      {"0.0",      "1.0",      "-1.5",  "3.14159", "1e10",  "1e-10",    "123456789.123456789",
       "1e300",    "0.5",      "1.5",   "2.5",     "-0.0",  "1e15",     "999999.5",
       "99999.95", "0.000123", "1e999", "-1e999",  "100.0", "12345.678"}));
}

std::string text(Random& random) {
  return literal(random.of({"",
                            "a",
                            "abc",
                            "Hello World",
                            "it's",
                            "a\"b",
                            "\xc3\xa4\xc3\xb6\xc3\xbc",
                            "\xf0\x9f\x98\x80",
                            "12",
                            "-3.5",
                            " 7 ",
                            "1e3",
                            "abcabc",
                            "A%_B",
                            "x\ny",
                            "back\\slash",
                            "  pad  ",
                            "\t",
                            "aaa",
                            "0x10",
                            "\x01"}));
}

std::string any(Random& random) {
  switch (random.pick(8)) {
    case 0: return "NULL";
    case 1:
    case 2: return integer(random);
    case 3: return real(random);
    case 4:
      return std::string(random.of({"x''", "x'00'", "x'616263'", "x'ff'", "x'3132'", "x'c3a4'"}));
    default: return text(random);
  }
}

std::string conversion(Random& random) {
  std::string out = "%";
  const std::uint64_t flags = random.pick(3);
  for (std::uint64_t i = 0; i < flags; ++i) out += random.of({"-", "+", " ", "0", "#", "!", ","});
  if (random.chance(2)) out += random.of({"1", "2", "5", "8", "12", "20", "*"});
  if (random.chance(2)) {
    out += '.';
    out += random.of({"", "0", "1", "2", "3", "5", "10", "17", "20", "*"});
  }
  if (random.chance(10)) out += random.of({"l", "ll"});
  return out +
         std::string(random.of({"d", "i", "u", "x", "X", "o", "f", "e", "E", "g", "G", "s", "z",
                                "c", "q", "Q", "w", "%", "p", "r", "f", "g", "d", "y", "n"}));
}

}  // namespace

std::string format_call(Random& random) {
  std::string format;
  std::string arguments;
  const std::uint64_t count = 1 + random.pick(2);
  for (std::uint64_t i = 0; i < count; ++i) {
    format += random.of({"", "a", " ", "|"});
    format += conversion(random);
  }
  // A star takes any number for a width: small ones only.
  const bool small = format.find('*') != std::string::npos;
  for (std::uint64_t i = random.pick(5); i > 0; --i) {
    arguments += ", ";
    arguments += small              ? std::string(random.of({"3", "-4", "12", "0", "7"}))
                 : random.chance(2) ? real(random)
                                    : any(random);
  }
  return "SELECT printf(" + literal(format) + arguments + ")";
}

std::string text_call(Random& random) {
  const auto a = [&] { return any(random); };
  const auto n = [&] {
    return random.chance(8)
               ? any(random)
               : std::string(random.of({"0", "1", "2", "3", "-1", "-2", "5", "-7", "100"}));
  };
  std::string call;
  switch (random.pick(30)) {
    case 0: call = "substr(" + a() + ", " + n() + ")"; break;
    case 1: call = "substr(" + a() + ", " + n() + ", " + n() + ")"; break;
    case 2: call = "replace(" + a() + ", " + a() + ", " + a() + ")"; break;
    case 3: call = "instr(" + a() + ", " + a() + ")"; break;
    case 4: call = "trim(" + a() + ", " + a() + ")"; break;
    case 5: call = "ltrim(" + a() + ")"; break;
    case 6: call = "rtrim(" + a() + ", " + a() + ")"; break;
    case 7: call = "upper(" + a() + ")"; break;
    case 8: call = "hex(" + a() + ")"; break;
    case 9: call = "unhex(" + a() + ", " + a() + ")"; break;
    case 10: call = "length(" + a() + ")"; break;
    case 11: call = "octet_length(" + a() + ")"; break;
    case 12: call = "unicode(" + a() + ")"; break;
    case 13: call = "char(" + integer(random) + ", " + a() + ")"; break;
    case 14: call = "concat(" + a() + ", " + a() + ")"; break;
    case 15: call = "concat_ws(" + a() + ", " + a() + ", " + a() + ")"; break;
    case 16: call = "quote(" + (random.chance(2) ? real(random) : a()) + ")"; break;
    case 17: call = "unistr_quote(" + a() + ")"; break;
    case 18: call = "unistr(" + a() + ")"; break;
    case 19: call = a() + " LIKE " + a(); break;
    case 20: call = a() + " GLOB " + a(); break;
    case 21: call = "round(" + real(random) + ", " + n() + ")"; break;
    case 22: call = "round(" + a() + ")"; break;
    case 23: call = "abs(" + a() + ")"; break;
    case 24: call = "max(" + a() + ", " + a() + ", " + a() + ")"; break;
    case 25: call = "min(" + a() + ", " + a() + ")"; break;
    case 26: call = "soundex(" + a() + ")"; break;
    case 27: call = "sign(" + a() + ")"; break;
    case 28: call = "CAST(" + (random.chance(2) ? real(random) : a()) + " AS TEXT)"; break;
    default:
      call = "nullif(" + a() + ", " + a() + "), typeof(" + a() + "), iif(" + a() + ", 1, 2)";
      break;
  }
  return "SELECT " + call;
}

}  // namespace saturn::test
