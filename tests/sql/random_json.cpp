#include "random_calls.hpp"

namespace saturn::test {
namespace {

std::string key(Random& random) {
  return std::string(random.of({"\"a\"", "\"b\"", "\"a b\"", "\"\"", "c", "'q'", "$x",
                                "\"\\u0061\"", "\"1\"", "\"x.y\"", "_k1", "null", "nullx",
                                "\"d\\\"e\"", "\xc3\xa4", "\"a\"", "\"b\"", "\"A\""}));
}

std::string scalar(Random& random) {
  return std::string(random.of({"1",
                                "-0",
                                "0",
                                "12",
                                "-7",
                                "1.5",
                                "-0.0",
                                "1e5",
                                "1E-3",
                                "1.25e+10",
                                "null",
                                "true",
                                "false",
                                "\"abc\"",
                                "\"\"",
                                "\"x\\ny\"",
                                "\"\\u0041\\u00e4\"",
                                "\"\\uD83D\\uDE00\"",
                                "\"\\uD800z\"",
                                "\"/\\/\"",
                                "99999999999999999999",
                                "-9223372036854775808",
                                "9223372036854775807",
                                "0x1F",
                                "-0xff",
                                "0xFFFFFFFFFFFFFFFF",
                                "0x10000000000000000",
                                "+1",
                                ".5",
                                "5.",
                                "-.5",
                                "+0x10",
                                "5.e3",
                                "Infinity",
                                "-Infinity",
                                "+inf",
                                "NaN",
                                "nan",
                                "'it\\'s'",
                                "'a\"b'",
                                "\"\\x41\\v\\0\"",
                                "\"tab\there\"",
                                "\"a\\\nb\"",
                                "\"\xc3\xa4\"",
                                "1e400",
                                "01",
                                "1.",
                                "-",
                                "tru",
                                "nulls",
                                "1e",
                                "0x",
                                "\"\\q\"",
                                "\"open",
                                "1.5.2",
                                "--1",
                                "123456789012345678",
                                "0.1",
                                "\"\\u00\""}));
}

std::string blank(Random& random) {
  if (!random.chance(5)) return "";
  return std::string(random.of(
      {" ", "\n", "\t", " /* c */ ", "// c\n", "\xc2\xa0", "\x0b", "\xe2\x80\x83", "  "}));
}

std::string value(Random& random, int depth) {
  const std::uint64_t kind = random.pick(depth > 3 ? 2 : 5);
  if (kind < 2) return blank(random) + scalar(random) + blank(random);
  const bool array = kind == 2;
  std::string out = array ? "[" : "{";
  const std::uint64_t count = random.pick(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    if (!array) out += blank(random) + key(random) + blank(random) + ':';
    out += value(random, depth + 1);
  }
  if (random.chance(20)) out += ',';
  return blank(random) + out + blank(random) + (array ? ']' : '}');
}

/// Sometimes with a byte that does not belong there.
std::string document(Random& random) {
  std::string out = value(random, 0);
  if (random.chance(6) && !out.empty()) {
    const std::size_t at = random.pick(out.size());
    const std::string_view bytes = "{}[],:\"'\\0x.eE+-/* \nua1\x01";
    const char byte = bytes[random.pick(bytes.size())];
    switch (random.pick(3)) {
      case 0: out[at] = byte; break;
      case 1: out.insert(at, 1, byte); break;
      default: out.erase(at, 1); break;
    }
  }
  return out;
}

std::string path(Random& random) {
  std::string out = random.chance(30) ? "" : "$";
  const std::uint64_t steps = random.pick(4);
  for (std::uint64_t i = 0; i < steps; ++i) {
    out += random.of({".a",           ".b",  "[0]",   "[1]", "[#-1]",       "[#]",   ".\"a b\"",
                      ".c",           "[2]", ".\"\"", ".q",  ".\"x.y\"",    "[#-2]", ".$x",
                      ".\"\\u0061\"", ".1",  ".",     "[",   "[x]",         "[-1]",  "[1",
                      ".\"a",         "x",   "[#1]",  "..a", "[4294967296]"});
  }
  return out;
}

std::string json_argument(Random& random) {
  switch (random.pick(12)) {
    case 0: return "NULL";
    case 1:
    case 2: return "jsonb(" + literal(document(random)) + ")";
    case 3: {
      // "+1 " looks like JSONB, and malformed JSONB is not compared.
      const std::string text = document(random);
      return text.starts_with('+') ? literal(text) : "CAST(" + literal(text) + " AS BLOB)";
    }
    case 4: return std::string(random.of({"5", "1.5", "x'0b'", "x''", "x'13'", "x'2b1331'", "''"}));
    default: return literal(document(random));
  }
}

std::string path_argument(Random& random) {
  return random.chance(20) ? "NULL" : literal(path(random));
}

std::string any_argument(Random& random) {
  switch (random.pick(10)) {
    case 0: return "NULL";
    case 1: return std::string(random.of({"1", "-5", "9223372036854775807"}));
    case 2:
      return std::string(random.of({"1.5", "1e300", "-0.0", "1e999", "-1e999", "0.1", "1e15"}));
    case 3:
      return literal(random.of({"abc", "", "a\"b", "\x01\t\n", "\xc3\xa4\xf0\x9f\x98\x80", "\\"}));
    case 4: return std::string(random.of({"x'00'", "x''", "x'1331'", "x'ff'"}));
    case 5: return "json(" + literal(document(random)) + ")";
    case 6: return "jsonb(" + literal(document(random)) + ")";
    default: return literal(value(random, 3));
  }
}

std::string change_call(Random& random) {
  std::string out(
      random.of({"json_set", "json_insert", "json_replace", "jsonb_set", "jsonb_replace"}));
  out += "(" + json_argument(random);
  const std::uint64_t changes = 1 + random.pick(2);
  for (std::uint64_t i = 0; i < changes; ++i) {
    out += ", " + path_argument(random) + ", " + any_argument(random);
  }
  return out + ")";
}

std::string table_call(Random& random) {
  const std::string name(random.of({"json_each", "json_tree"}));
  std::string call = name + "(" + json_argument(random);
  if (random.chance(2)) call += ", " + path_argument(random);
  return "SELECT key, value, type, atom, id, parent, fullkey, path, rowid FROM " + call + ")";
}

}  // namespace

std::string json_call(Random& random) {
  const auto j = [&] { return json_argument(random); };
  const auto p = [&] { return path_argument(random); };
  std::string call;
  switch (random.pick(20)) {
    case 0: call = "json(" + j() + ")"; break;
    case 1: call = "jsonb(" + j() + ")"; break;
    case 2: call = "json_valid(" + j() + ", " + std::to_string(1 + random.pick(15)) + ")"; break;
    case 3: call = "json_error_position(" + j() + ")"; break;
    case 4: call = "json_type(" + j() + ", " + p() + ")"; break;
    case 5: call = "json_array_length(" + j() + ", " + p() + ")"; break;
    case 6: call = "json_extract(" + j() + ", " + p() + ")"; break;
    case 7: call = "json_extract(" + j() + ", " + p() + ", " + p() + ")"; break;
    case 8: call = "jsonb_extract(" + j() + ", " + p() + ")"; break;
    case 9:
      call = j() + " -> " +
             (random.chance(3)
                  ? p()
                  : literal(random.of({"a", "b", "", "a b", "1", "[0]", "x.y", "[#-1]", "$"})));
      break;
    case 10:
      call = j() + " ->> " +
             (random.chance(2) ? p()
                               : std::string(random.of({"0", "1", "-1", "'a'", "'[1]'", "1.5"})));
      break;
    case 11:
    case 12: call = change_call(random); break;
    case 13: call = "json_remove(" + j() + ", " + p() + ", " + p() + ")"; break;
    case 14:
      call = std::string(random.of({"json_patch(", "jsonb_patch("})) + j() + ", " + j() + ")";
      break;
    case 15: call = "json_pretty(" + j() + (random.chance(2) ? ")" : ", '\t')"); break;
    case 16: call = "json_quote(" + any_argument(random) + ")"; break;
    case 17: call = "json_array(" + any_argument(random) + ", " + any_argument(random) + ")"; break;
    case 18:
      call = "json_object(" + any_argument(random) + ", " + any_argument(random) + ")";
      break;
    default: return table_call(random);
  }
  return "SELECT " + call;
}

}  // namespace saturn::test
