#include "script.hpp"

#include "base/text.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

namespace saturn::slt {

namespace {

/// Walks a script line by line, without the line ends.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  std::uint32_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::uint32_t number_ = 0;
};

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  line = line.substr(0, line.find('#'));
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    words.push_back(line.substr(0, line.find_first_of(" \t")));
    line.remove_prefix(words.back().size());
  }
}

Error malformed(std::uint32_t line, std::string_view why) {
  return Error(Code::error, cat("line ", line, ": ", why));
}

/// The SQL of a record: its lines up to a blank one or the "----" before the results.
/// `results_follow` is set when "----" was read.
std::string read_sql(Lines& lines, bool& results_follow) {
  std::string sql;
  std::string_view line;
  results_follow = false;
  while (lines.next(line) && !is_blank(line)) {
    if (line == "----") {
      results_follow = true;
      break;
    }
    if (!sql.empty()) sql += '\n';
    sql += line;
  }
  return sql;
}

/// Reads "N values hashing to HEX"; false when `line` is an ordinary result.
bool read_hash_line(std::string_view line, Record& record) {
  const auto words = words_of(line);
  if (words.size() != 5 || words[1] != "values" || words[2] != "hashing") return false;
  const auto end = words[0].data() + words[0].size();
  if (std::from_chars(words[0].data(), end, record.expected_count).ptr != end) return false;
  record.hash = words[4];
  return true;
}

void read_results(Lines& lines, Record& record) {
  std::string_view line;
  while (lines.next(line) && !line.empty()) {
    if (record.expected.empty() && record.hash.empty() && read_hash_line(line, record)) continue;
    record.expected.emplace_back(line);
  }
}

Result<void> read_query_head(const std::vector<std::string_view>& words, Record& record) {
  if (words.size() < 2) return malformed(record.line, "a query needs its column types");
  record.types = words[1];
  if (record.types.find_first_not_of("TIR") != std::string::npos) {
    return malformed(record.line, cat("column types are of T, I and R, not '", words[1], "'"));
  }
  if (words.size() < 3 || words[2] == "nosort") return {};
  if (words[2] == "rowsort") {
    record.sort = Sort::rows;
  } else if (words[2] == "valuesort") {
    record.sort = Sort::values;
  } else {
    return malformed(record.line, cat("unknown sort mode '", words[2], "'"));
  }
  return {};
}

std::string md5_hex(const std::vector<std::string>& values) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_md5(), nullptr);
  for (const std::string& value : values) {
    EVP_DigestUpdate(context, value.data(), value.size());
    EVP_DigestUpdate(context, "\n", 1);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context, digest, &size);
  EVP_MD_CTX_free(context);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

void sort_rows(Printed& printed) {
  const std::size_t width = std::max<std::size_t>(printed.column_count, 1);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i + width <= printed.values.size(); i += width) {
    const auto begin = printed.values.begin() + static_cast<std::ptrdiff_t>(i);
    rows.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  std::sort(rows.begin(), rows.end());
  printed.values.clear();
  for (auto& row : rows) {
    for (auto& value : row) printed.values.push_back(std::move(value));
  }
}

/// "%.3f" as SQLite's own printf has it: 16 significant digits, then zeros.
/// -2^63 is -9223372036854776000.000.
std::string print_real(double v) {
  char buffer[400];
  if (v > -1e15 && v < 1e15) {
    std::snprintf(buffer, sizeof buffer, "%.3f", v);
    return buffer;
  }
  std::snprintf(buffer, sizeof buffer, "%.15e", v);  // "-9.223372036854776e+18"
  const std::string_view text = buffer;
  const std::size_t mark = text.find('e');
  if (mark == std::string_view::npos) return buffer;  // an infinity
  const bool negative = text[0] == '-';
  std::string digits;
  for (char c : text.substr(0, mark)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const auto exponent = static_cast<std::size_t>(std::atoi(buffer + mark + 1));
  digits.resize(std::max(digits.size(), exponent + 1), '0');
  const std::string fraction = digits.substr(exponent + 1) + "000";
  return cat(negative ? "-" : "", digits.substr(0, exponent + 1), ".", fraction.substr(0, 3));
}

/// Why the query's answer is not the expected one; empty when it is.
std::string judge_query(const Record& record, Engine& engine) {
  auto answer = engine.query(record.sql, record.types);
  if (!answer) return answer.error().message();
  if (answer->column_count != record.types.size()) {
    return cat("expected ", record.types.size(), " columns, got ", answer->column_count);
  }
  if (record.sort == Sort::rows) sort_rows(*answer);
  if (record.sort == Sort::values) std::sort(answer->values.begin(), answer->values.end());
  if (!record.hash.empty()) {
    if (answer->values.size() != record.expected_count) {
      return cat("expected ", record.expected_count, " values, got ", answer->values.size());
    }
    const std::string hash = md5_hex(answer->values);
    return hash == record.hash ? "" : cat("expected hash ", record.hash, ", got ", hash);
  }
  if (answer->values.size() != record.expected.size()) {
    return cat("expected ", record.expected.size(), " values, got ", answer->values.size());
  }
  for (std::size_t i = 0; i < record.expected.size(); ++i) {
    if (answer->values[i] != record.expected[i]) {
      return cat("value ", i + 1, ": expected '", record.expected[i], "', got '", answer->values[i],
                 "'");
    }
  }
  return "";
}

/// Why the statement's plan is not the expected one; empty when it is.
std::string judge_plan(const Record& record, Engine& engine) {
  auto answer = engine.query("EXPLAIN QUERY PLAN " + record.sql, "TTTT");
  if (!answer) return answer.error().message();
  std::map<std::string, std::string> blanks;  // in front of an operator's inputs, by its number
  std::string plan;
  for (std::size_t i = 0; i + 3 < answer->values.size(); i += 4) {
    const std::string& before = blanks[answer->values[i + 1]];
    plan += cat(before, answer->values[i + 3], "\n");
    blanks[answer->values[i]] = before + "  ";
  }
  std::string expected;
  for (const std::string& line : record.expected) expected += line + "\n";
  return plan == expected ? "" : cat("the plan is\n", plan);
}

std::string judge(const Record& record, Engine& engine) {
  if (record.kind == Record::Kind::plan) return judge_plan(record, engine);
  if (record.kind == Record::Kind::query) return judge_query(record, engine);
  auto result = engine.execute(record.sql);
  const bool wanted = record.kind == Record::Kind::statement_ok;
  if (!wanted && !result && !record.message.empty() && result.message() != record.message) {
    return cat("expected the error '", record.message, "', got '", result.message(), "'");
  }
  if (result.has_value() == wanted) return "";
  return wanted ? result.message() : "expected an error, and there was none";
}

}  // namespace

namespace {

bool mentions(std::string_view sql, std::string_view words) {
  return std::search(sql.begin(), sql.end(), words.begin(), words.end(), [](char a, char b) {
           return equals_nocase(std::string_view(&a, 1), std::string_view(&b, 1));
         }) != sql.end();
}

/// The records that any plan must fulfil: none that shows one, and rows that come in no order are
/// put in one.
std::vector<Record> without_plans(const std::vector<Record>& records) {
  std::vector<Record> kept;
  for (const Record& record : records) {
    const bool is_query = record.kind == Record::Kind::query;
    const bool explains =
        record.kind == Record::Kind::plan || (is_query && mentions(record.sql, "EXPLAIN"));
    if (record.by_plan || explains) continue;
    kept.push_back(record);
    Record& last = kept.back();
    if (!is_query || last.sort != Sort::none) continue;
    if (mentions(last.sql, "ORDER BY")) continue;
    if (!last.hash.empty()) {
      kept.pop_back();  // and what it does, if it is no SELECT
      continue;
    }
    last.sort = Sort::rows;
    Printed expected{last.types.size(), std::move(last.expected)};
    sort_rows(expected);
    last.expected = std::move(expected.values);
  }
  return kept;
}

}  // namespace

Result<std::vector<Record>> parse(std::string_view script, std::string_view engine) {
  std::vector<Record> records;
  Lines lines(script);
  std::string_view line;
  bool by_plan = false;
  bool skipped = false;  // a skipif or onlyif before this record leaves it out
  while (lines.next(line)) {
    const auto words = words_of(line);
    if (words.empty()) continue;
    if (words[0] == "skipif" || words[0] == "onlyif") {
      if (words.size() < 2) return malformed(lines.number(), cat(words[0], " needs an engine"));
      if (words[1] == "other-plans") {
        by_plan = true;
        continue;
      }
      skipped |= (words[1] == engine) == (words[0] == "skipif");
      continue;
    }
    if (words[0] == "hash-threshold") continue;
    if (words[0] == "halt") {
      if (!skipped) break;
      skipped = false;
      continue;
    }
    Record record;
    record.line = lines.number();
    record.by_plan = std::exchange(by_plan, false);
    bool results_follow = false;
    if (words[0] == "statement") {
      if (words.size() < 2 || (words[1] != "ok" && words[1] != "error")) {
        return malformed(record.line, "a statement is 'ok' or 'error'");
      }
      record.kind = words[1] == "ok" ? Record::Kind::statement_ok : Record::Kind::statement_error;
      if (words.size() > 2) {
        record.message = line.substr(static_cast<std::size_t>(words[2].data() - line.data()));
      }
      record.sql = read_sql(lines, results_follow);
    } else if (words[0] == "query") {
      record.kind = Record::Kind::query;
      TRY(read_query_head(words, record));
      record.sql = read_sql(lines, results_follow);
    } else if (words[0] == "plan") {
      record.kind = Record::Kind::plan;
      record.sql = read_sql(lines, results_follow);
    } else {
      return malformed(record.line, cat("unknown record '", words[0], "'"));
    }
    if (results_follow) read_results(lines, record);
    if (!skipped) records.push_back(std::move(record));
    skipped = false;
  }
  return records;
}

std::string print_value(char type, ValueRef value, std::int64_t as_integer, double as_real) {
  if (value.is_null()) return "NULL";
  if (type == 'I') return cat(as_integer);
  if (type == 'R') return print_real(as_real);
  std::string text;
  if (value.is_integer()) {
    text = cat(as_integer);
  } else if (value.is_real()) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.15g", as_real);
    text = buffer;
    if (text.find_first_of(".einf") == std::string::npos) text += ".0";
  } else {
    text = value.bytes();
  }
  if (text.empty()) return "(empty)";
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '@';
  }
  return text;
}

Outcome run(const std::vector<Record>& all, Engine& engine, std::size_t failures_max,
            bool other_plans) {
  Outcome outcome;
  const std::vector<Record> records = other_plans ? without_plans(all) : all;
  for (const Record& record : records) {
    std::string why = judge(record, engine);
    if (why.empty()) {
      ++outcome.passed;
      continue;
    }
    if (why.find("not supported yet") != std::string::npos) {
      ++outcome.unsupported;
      continue;
    }
    ++outcome.failed;
    if (outcome.failures.size() < failures_max) {
      outcome.failures.push_back({record.line, cat(why, "\n    ", record.sql)});
    }
  }
  return outcome;
}

}  // namespace saturn::slt
