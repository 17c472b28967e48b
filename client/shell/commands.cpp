#include "base/text.hpp"
#include "shell.hpp"

#include <algorithm>

// The dot commands, but for .import.

namespace saturn::shell {
namespace {

constexpr int kReadDepthMax = 25;
constexpr std::size_t kLineWidth = 80;  ///< in characters, of .tables

constexpr std::string_view kHelp =
    ".backup FILE           Copy the database to FILE, also while others write to it\n"
    ".bail on|off           Stop after an error\n"
    ".dbconfig dqs_dml ?on|off?  Whether \"x\" may be a text\n"
    ".dump                  The database as SQL\n"
    ".echo on|off           Print commands before they run\n"
    ".exit                  Leave\n"
    ".headers on|off        Column names above the rows\n"
    ".help                  This text\n"
    ".import FILE TABLE     Fill TABLE from FILE (--csv, --skip N; columns cut at .separator)\n"
    ".mode MODE             column, csv, insert TABLE, json, line, list, quote, table, tabs\n"
    ".nullvalue TEXT        What NULL prints as\n"
    ".open FILE|URL         Close the database and open another one\n"
    ".quit                  Leave\n"
    ".read FILE             Run the statements in FILE\n"
    ".schema ?PATTERN?      The CREATE statements\n"
    ".separator TEXT        Between columns in list mode, and in files to import\n"
    ".tables ?PATTERN?      The tables and views\n"
    ".timer on|off          How long each statement takes\n";

std::string text_of(const saturn::Value& value) { return std::string(value.ref().bytes()); }

/// The value of a backslash escape in double quotes.
char unescape(char c) noexcept {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

/// A statement of the schema as SQLite's shell shows it: a table whose name is quoted may be one of
/// a tool's that makes it by itself.
std::string schema_line(std::string_view sql) {
  constexpr std::string_view kCreate = "CREATE TABLE ";
  const bool quoted = sql.starts_with(kCreate) && sql.size() > kCreate.size() &&
                      (sql[kCreate.size()] == '"' || sql[kCreate.size()] == '\'');
  if (!quoted) return cat(sql, ";\n");
  return cat("CREATE TABLE IF NOT EXISTS ", sql.substr(kCreate.size()), ";\n");
}

bool is_on(std::string_view text) {
  const std::string value = to_lower(text);
  return value == "on" || value == "yes" || value == "1" || value == "true";
}

}  // namespace

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::size_t i = 0;
  const auto at_blank = [&] { return line[i] == ' ' || line[i] == '\t'; };
  while (i < line.size()) {
    if (at_blank()) {
      ++i;
      continue;
    }
    std::string word;
    const char quote = line[i] == '\'' || line[i] == '"' ? line[i] : '\0';
    if (quote != '\0') ++i;
    while (i < line.size() && (quote != '\0' ? line[i] != quote : !at_blank())) {
      if (quote != '\'' && line[i] == '\\' && i + 1 < line.size()) {
        word += unescape(line[++i]);
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
  std::vector<saturn::Row> rows;
  std::string sql =
      "SELECT name FROM sqlite_schema WHERE type IN ('table','view') AND name NOT LIKE 'sqlite_%'";
  if (words.size() > 1) sql += cat(" AND name LIKE ", quoted_text(words[1]));
  if (!query(sql + " ORDER BY 1", rows)) return false;
  std::size_t width = 0;
  for (const saturn::Row& row : rows) width = std::max(width, row[0].ref().bytes().size());
  const std::size_t columns = std::max<std::size_t>(1, kLineWidth / (width + 2));
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
  std::vector<saturn::Row> rows;
  std::string sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL";
  if (words.size() > 1) sql += cat(" AND tbl_name LIKE ", quoted_text(words[1]));
  if (!query(sql, rows)) return false;
  for (const saturn::Row& row : rows) printer_.text(schema_line(text_of(row[0])));
  return true;
}

bool Shell::dump_table(const std::string& name, const std::string& sql) {
  const bool is_sequence = name == "sqlite_sequence";
  if (is_sequence) {
    printer_.text("DELETE FROM sqlite_sequence;\n");
  } else {
    printer_.text(schema_line(sql));
  }
  // As in SQLite's shell, a name that needs no quotes gets none.
  const bool plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return c == '_' || (c >= '0' && c <= '9') ||
                              (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
                     });
  Format format;
  format.mode = Mode::insert;
  format.insert_table = plain ? name : quoted_name(name);
  printer_.flush();
  Printer rows(format, stdout);
  std::size_t consumed = 0;
  const std::string select = cat("SELECT * FROM ", quoted_name(name));
  Result<void> done = connection_->run(select, consumed, rows);
  rows.flush();
  if (!done) return report(cat("Error: ", done.message()));
  return true;
}

bool Shell::dot_dump(const Words& words) {
  if (words.size() > 1) return report("Usage: .dump");
  std::vector<saturn::Row> tables;
  std::vector<saturn::Row> others;
  if (!query("SELECT name, sql FROM sqlite_schema WHERE type='table' AND sql IS NOT NULL "
             "ORDER BY name='sqlite_sequence', rowid",
             tables) ||
      !query("SELECT sql FROM sqlite_schema WHERE type IN ('index','trigger','view') "
             "AND sql IS NOT NULL ORDER BY type='index', type='trigger', rowid",
             others)) {
    return false;
  }
  printer_.text("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
  for (const saturn::Row& row : tables) {
    if (!dump_table(text_of(row[0]), text_of(row[1]))) return false;
  }
  for (const saturn::Row& row : others) printer_.text(cat(text_of(row[0]), ";\n"));
  printer_.text("COMMIT;\n");
  return true;
}

bool Shell::dot_mode(const Words& words) {
  if (words.size() < 2 || !set_mode(format_, words[1])) {
    return report(
        "Error: mode should be one of: column csv insert json line list quote table tabs");
  }
  if (words.size() > 2) format_.insert_table = words[2];
  return true;
}

bool Shell::dot_open(const Words& words) {
  const std::string target = words.size() > 1 ? words[1] : "";
  // First the old one goes: both may be the same file, which only one may hold.
  if (Result<void> closed = connection_->close(); !closed) {
    return report(cat("Error: ", closed.message()));
  }
  auto opened = open_target(target, options_);
  if (opened) {
    connection_ = std::move(*opened);
    return true;
  }
  report(cat("Error: unable to open database \"", target, "\": ", opened.error().message()));
  auto in_memory = open_local("", options_);
  if (!in_memory) {
    quit_ = true;
    return report(cat("Error: ", in_memory.error().message()));
  }
  connection_ = std::move(*in_memory);
  return report("Notice: using a database in memory instead");
}

bool Shell::dot_backup(const Words& words) {
  const bool names_database = words.size() == 3;
  if (words.size() < 2 || words.size() > 3) return report("Usage: .backup ?DB? FILE");
  if (names_database && words[1] != "main") {
    return report(cat("Error: unknown database \"", words[1], "\""));
  }
  Result<void> copied = connection_->backup(words.back());
  return copied ? true : report(cat("Error: ", copied.message()));
}

bool Shell::dot_read(const Words& words) {
  if (words.size() != 2) return report("Usage: .read FILE");
  if (depth_ >= kReadDepthMax) {
    return report(cat("Error: .read within .read goes deeper than ", kReadDepthMax));
  }
  std::FILE* file = std::fopen(words[1].c_str(), "rb");
  if (file == nullptr) return report(cat("Error: cannot open \"", words[1], "\""));
  ++depth_;
  const bool good = read_stream(file);
  --depth_;
  std::fclose(file);
  return good;
}

/// The commands that turn something on or off, or set a text.
bool Shell::run_setting(const Words& words, bool& known) {
  const std::string& name = words[0];
  const auto set_flag = [&](bool& flag) {
    known = true;
    if (words.size() == 2) {
      const std::string value = to_lower(words[1]);
      const bool on = is_on(value);
      if (on || value == "off" || value == "no" || value == "0" || value == "false") {
        flag = on;
        return true;
      }
    }
    return report(cat("Usage: ", name, " on|off"));
  };
  if (name == ".headers" || name == ".header") {
    format_.headers_set = true;
    return set_flag(format_.headers);
  }
  if (name == ".bail") return set_flag(bail_);
  if (name == ".echo") return set_flag(echo_);
  if (name == ".timer") return set_flag(timer_);
  known = name == ".separator" || name == ".nullvalue";
  if (!known) return true;
  if (words.size() != 2 || (name == ".separator" && words[1].empty())) {
    return report(cat("Usage: ", name, " TEXT"));
  }
  (name == ".separator" ? format_.separator : format_.null_text) = words[1];
  return true;
}

bool Shell::dot_dbconfig(const Words& words) {
  if (words.size() < 2 || words.size() > 3) return report("Usage: .dbconfig dqs_dml ?on|off?");
  if (words[1] != "dqs_dml") return report(cat("Error: unknown dbconfig \"", words[1], "\""));
  std::optional<bool> wanted;
  if (words.size() == 3) wanted = is_on(words[2]);
  const Result<bool> holds = connection_->double_quoted_texts(wanted);
  if (!holds) return report(cat("Error: ", holds.error().message()));
  printer_.text(cat("            dqs_dml ", *holds ? "on" : "off", "\n"));
  return true;
}

bool Shell::run_command(const std::string& line) {
  const Words words = split_words(line);
  const std::string& name = words[0];
  bool known = false;
  const bool good = run_setting(words, known);
  if (known) return good;
  if (name == ".quit" || name == ".exit") {
    quit_ = true;
    return true;
  }
  if (name == ".help") {
    printer_.text(kHelp);
    return true;
  }
  if (name == ".backup" || name == ".save") return dot_backup(words);
  if (name == ".dbconfig") return dot_dbconfig(words);
  if (name == ".dump") return dot_dump(words);
  if (name == ".import") return dot_import(words);
  if (name == ".mode") return dot_mode(words);
  if (name == ".open") return dot_open(words);
  if (name == ".read") return dot_read(words);
  if (name == ".schema") return dot_schema(words);
  if (name == ".tables") return dot_tables(words);
  return report(cat("Error: unknown command or invalid arguments:  \"", name.substr(1),
                    "\". Enter \".help\" for help"));
}

}  // namespace saturn::shell
