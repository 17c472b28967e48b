#include "base/text.hpp"
#include "shell.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

// The dot commands.

namespace saturn::shell {
namespace {

constexpr std::size_t kImportRows = 1000;  ///< that go to the connection together

constexpr std::string_view kHelp =
    ".bail on|off           Stop after an error\n"
    ".echo on|off           Print commands before they run\n"
    ".exit                  Leave\n"
    ".headers on|off        Column names above the rows\n"
    ".help                  This text\n"
    ".import FILE TABLE     Fill TABLE from FILE (--csv, --skip N; columns cut at .separator)\n"
    ".mode MODE             list, csv, table, json, line, quote\n"
    ".nullvalue TEXT        What NULL prints as\n"
    ".quit                  Leave\n"
    ".read FILE             Run the statements in FILE\n"
    ".schema ?PATTERN?      The CREATE statements\n"
    ".separator TEXT        Between columns in list mode, and in files to import\n"
    ".tables ?PATTERN?      The tables and views\n"
    ".timer on|off          How long each statement takes\n";

bool is_on(const std::string& word) {
  return word == "on" || word == "yes" || word == "1" || word == "true";
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string name_literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

/// Reads records of separated fields; with quotes as in RFC 4180.
class FieldReader {
 public:
  FieldReader(std::FILE* file, std::string separator, bool csv)
      : file_(file), separator_(std::move(separator)), csv_(csv) {}

  /// False at the end of the file.
  bool next(std::vector<std::string>& fields) {
    fields.clear();
    int c = std::getc(file_);
    if (c == EOF) return false;
    std::string field;
    for (;;) {
      if (csv_ && c == '"' && field.empty()) {
        read_quoted(field);
        c = std::getc(file_);
        while (c != EOF && c != '\n' && c != separator_[0]) {
          if (c != '\r') field += static_cast<char>(c);
          c = std::getc(file_);
        }
      }
      if (c == EOF || c == '\n') {
        if (!field.empty() && field.back() == '\r') field.pop_back();
        fields.push_back(std::move(field));
        return true;
      }
      if (c == separator_[0]) {
        fields.push_back(std::move(field));
        field.clear();
      } else {
        field += static_cast<char>(c);
      }
      c = std::getc(file_);
    }
  }

 private:
  void read_quoted(std::string& field) {
    for (;;) {
      int c = std::getc(file_);
      if (c == EOF) return;
      if (c == '"') {
        c = std::getc(file_);
        if (c != '"') {
          std::ungetc(c, file_);
          return;
        }
      }
      field += static_cast<char>(c);
    }
  }

  std::FILE* file_;
  const std::string separator_;
  const bool csv_;
};

}  // namespace

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t') {
      ++i;
      continue;
    }
    std::string word;
    const char quote = line[i] == '\'' || line[i] == '"' ? line[i] : '\0';
    if (quote != '\0') ++i;
    while (i < line.size() && (quote != '\0' ? line[i] != quote : line[i] != ' ' && line[i] != '\t')) {
      if (quote == '"' && line[i] == '\\' && i + 1 < line.size()) {
        ++i;
        word += line[i] == 'n' ? '\n' : line[i] == 't' ? '\t' : line[i];
      } else {
        word += line[i];
      }
      ++i;
    }
    if (quote != '\0') ++i;
    words.push_back(std::move(word));
  }
  return words;
}

bool Shell::dot_tables(const Words& words) {
  std::vector<Row> rows;
  std::string sql =
      "SELECT name FROM sqlite_schema WHERE type IN ('table','view') AND name NOT LIKE 'sqlite_%'";
  if (words.size() > 1) sql += cat(" AND name LIKE ", literal(words[1]));
  if (!query(sql + " ORDER BY 1", rows)) return false;
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row[0].ref().bytes().size());
  const std::size_t columns = std::max<std::size_t>(1, 80 / (width + 2));
  const std::size_t lines = (rows.size() + columns - 1) / columns;
  for (std::size_t line = 0; line < lines; ++line) {
    for (std::size_t i = line; i < rows.size(); i += lines) {
      const std::string_view name = rows[i][0].ref().bytes();
      printer_.text(cat(i == line ? "" : "  ", name, std::string(width - name.size(), ' ')));
    }
    printer_.text("\n");
  }
  return true;
}

bool Shell::dot_schema(const Words& words) {
  std::vector<Row> rows;
  std::string sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
  if (words.size() > 1) sql += cat(" AND tbl_name LIKE ", literal(words[1]));
  if (!query(sql, rows)) return false;
  for (const Row& row : rows) printer_.text(cat(row[0].ref().bytes(), ";\n"));
  return true;
}

bool Shell::dot_import(const Words& words) {
  bool csv = format_.mode == Mode::csv;
  std::size_t skip = 0;
  Words names;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--csv" || words[i] == "-csv") csv = true;
    else if ((words[i] == "--skip" || words[i] == "-skip") && i + 1 < words.size()) {
      skip = std::strtoul(words[++i].c_str(), nullptr, 10);
    } else {
      names.push_back(words[i]);
    }
  }
  if (names.size() != 2) return report("Usage: .import FILE TABLE");
  std::FILE* file = std::fopen(names[0].c_str(), "rb");
  if (file == nullptr) return report(cat("Error: cannot open \"", names[0], "\""));
  std::vector<Row> columns;
  if (!query(cat("SELECT name FROM sqlite_schema WHERE type='table' AND lower(name)=lower(",
                 literal(names[1]), ")"),
             columns)) {
    std::fclose(file);
    return false;
  }
  FieldReader reader(file, csv && format_.separator == "|" ? "," : format_.separator, csv);
  std::vector<std::string> fields;
  bool good = true;
  for (; skip > 0; --skip) reader.next(fields);
  std::size_t width = 0;
  if (columns.empty()) {
    // A new table takes its columns from the first line.
    std::string create = cat("CREATE TABLE ", name_literal(names[1]), "(");
    if (!reader.next(fields)) fields.emplace_back("c1");
    for (std::size_t i = 0; i < fields.size(); ++i) {
      create += cat(i == 0 ? "\n" : ",\n", name_literal(fields[i]), " TEXT");
    }
    width = fields.size();
    std::vector<Row> none;
    good = query(create + ")", none);
  } else {
    std::vector<Row> info;
    good = query(cat("PRAGMA table_info(", name_literal(names[1]), ")"), info);
    width = info.size();
  }
  std::string insert = cat("INSERT INTO ", name_literal(names[1]), " VALUES(?");
  for (std::size_t i = 1; i < width; ++i) insert += ",?";
  insert += ")";
  const bool own_transaction = good && connection_->autocommit();
  std::vector<Row> none;
  if (own_transaction) good = query("BEGIN", none);
  std::vector<Value> values;
  std::size_t line = 0;
  const auto send = [&] {
    if (values.empty()) return true;
    Result<void> done = connection_->insert_rows(insert, width, values);
    values.clear();
    if (!done) return report(cat(names[0], ":", line, ": INSERT failed: ", done.message()));
    return true;
  };
  while (good && reader.next(fields)) {
    ++line;
    if (fields.size() == 1 && fields[0].empty() && width > 1) continue;
    if (fields.size() < width) {
      report(cat(names[0], ":", line, ": expected ", width, " columns but found ", fields.size(),
                 " - filling the rest with NULL"));
    } else if (fields.size() > width) {
      report(cat(names[0], ":", line, ": expected ", width, " columns but found ", fields.size(),
                 " - extras ignored"));
    }
    for (std::size_t i = 0; i < width; ++i) {
      values.push_back(i < fields.size() ? Value(std::move(fields[i])) : Value());
    }
    if (values.size() >= kImportRows * width) good = send();
  }
  if (good) good = send();
  std::fclose(file);
  if (own_transaction) good = query(good ? "COMMIT" : "ROLLBACK", none) && good;
  return good;
}

bool Shell::dot_mode(const Words& words) {
  if (words.size() < 2 || !parse_mode(words[1], format_.mode)) {
    return report("Error: mode should be one of: csv json line list quote table");
  }
  return true;
}

bool Shell::dot_read(const Words& words) {
  if (words.size() != 2) return report("Usage: .read FILE");
  if (depth_ > 25) return report("Error: input nesting limit reached");
  std::FILE* file = std::fopen(words[1].c_str(), "rb");
  if (file == nullptr) return report(cat("Error: cannot open \"", words[1], "\""));
  ++depth_;
  const bool good = read_stream(file);
  --depth_;
  std::fclose(file);
  return good;
}

bool Shell::run_command(const std::string& line) {
  const Words words = split_words(line);
  const std::string& name = words[0];
  const auto flag = [&](bool& target) {
    if (words.size() > 1) target = is_on(words[1]);
    return true;
  };
  if (name == ".quit" || name == ".exit") {
    quit_ = true;
    return true;
  }
  if (name == ".help") {
    printer_.text(kHelp);
    return true;
  }
  if (name == ".tables") return dot_tables(words);
  if (name == ".schema") return dot_schema(words);
  if (name == ".import") return dot_import(words);
  if (name == ".mode") return dot_mode(words);
  if (name == ".read") return dot_read(words);
  if (name == ".headers" || name == ".header") return flag(format_.headers);
  if (name == ".bail") return flag(bail_);
  if (name == ".echo") return flag(echo_);
  if (name == ".timer") return flag(timer_);
  if (name == ".separator") {
    if (words.size() < 2 || words[1].empty()) return report("Usage: .separator TEXT");
    format_.separator = words[1];
    return true;
  }
  if (name == ".nullvalue") {
    format_.null_text = words.size() > 1 ? words[1] : "";
    return true;
  }
  return report(cat("Error: unknown command or invalid arguments:  \"", name.substr(1),
                    "\". Enter \".help\" for help"));
}

}  // namespace saturn::shell
