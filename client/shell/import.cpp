#include "base/text.hpp"
#include "shell.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>

// .import: records of a file become rows of a table, in one transaction, many at a time.

namespace saturn::shell {
namespace {

constexpr std::size_t kImportRows = 1000;  ///< that go to the connection together

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, FileCloser>;

/// Reads records of fields cut at a separator; a field in double quotes is as in RFC 4180.
class FieldReader {
 public:
  FieldReader(std::FILE* file, char separator) : file_(file), separator_(separator) {}

  /// False at the end of the file.
  bool next(std::vector<std::string>& fields) {
    fields.clear();
    int c = get();
    if (c == EOF) return false;
    first_line_ = line_;
    for (;;) {
      std::string field;
      if (c == '"') {
        read_quoted(field);
        c = get();
      }
      while (c != EOF && c != '\n' && c != separator_) {
        field += static_cast<char>(c);
        c = get();
      }
      if (c != separator_) {
        if (!field.empty() && field.back() == '\r') field.pop_back();
        fields.push_back(std::move(field));
        if (c == '\n') ++line_;
        return true;
      }
      fields.push_back(std::move(field));
      c = get();
    }
  }

  /// The line on which the last record began, from 1.
  std::size_t line() const noexcept { return first_line_; }

 private:
  int get() noexcept { return ::getc_unlocked(file_); }

  void read_quoted(std::string& field) {
    for (int c = get(); c != EOF; c = get()) {
      if (c == '"') {
        c = get();
        if (c != '"') {
          if (c != EOF) std::ungetc(c, file_);
          return;
        }
      }
      if (c == '\n') ++line_;
      field += static_cast<char>(c);
    }
  }

  std::FILE* file_;
  const int separator_;
  std::size_t line_ = 1;
  std::size_t first_line_ = 1;
};

struct ImportArguments {
  std::string file;
  std::string table;
  std::size_t skip = 0;  ///< lines
  std::string separator;
};

/// False when the words are no good.
bool parse_arguments(const std::vector<std::string>& words, ImportArguments& out) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string word = words[i];
    if (word.starts_with("--")) word.erase(0, 1);
    if (word == "-csv") {
      out.separator = ",";
    } else if (word == "-skip" && i + 1 < words.size()) {
      char* end = nullptr;
      out.skip = std::strtoul(words[++i].c_str(), &end, 10);
      if (end == nullptr || *end != '\0') return false;
    } else if (word.starts_with("-")) {
      return false;
    } else {
      names.push_back(words[i]);
    }
  }
  if (names.size() != 2) return false;
  out.file = names[0];
  out.table = names[1];
  return true;
}

/// One import under way: rows gather until there are enough to send.
class Import {
 public:
  Import(Connection& connection, std::string insert, std::size_t width,
         std::function<void(std::string)> complain)
      : connection_(connection),
        insert_(std::move(insert)),
        width_(width),
        complain_(std::move(complain)) {}

  bool good() const noexcept { return good_; }

  void add(std::vector<std::string>& fields, std::size_t line) {
    // dbgen ends each line with a separator, behind which there is no field.
    if (fields.size() == width_ + 1 && fields.back().empty()) fields.pop_back();
    if (fields.size() != width_) {
      note(line,
           cat("expected ", width_, " columns but found ", fields.size(),
               fields.size() < width_ ? " - filling the rest with NULL" : " - extras ignored"));
    }
    for (std::size_t i = 0; i < width_; ++i) {
      values_.push_back(i < fields.size() ? saturn::Value(std::move(fields[i])) : saturn::Value());
    }
    lines_.push_back(line);
    if (lines_.size() >= kImportRows) send();
  }

  /// A row that fails is reported and left out; the others go in.
  void send() {
    std::size_t at = 0;
    while (at < lines_.size()) {
      std::size_t inserted = 0;
      const std::span<const saturn::Value> rest =
          std::span<const saturn::Value>(values_).subspan(at * width_);
      Result<void> done = connection_.insert_rows(insert_, width_, rest, inserted);
      if (done) break;
      good_ = false;
      at += inserted;
      note(lines_[at], cat("INSERT failed: ", done.message()));
      // Without its transaction the rest would go in row by row, or nowhere at all.
      if (connection_.autocommit()) break;
      ++at;
    }
    values_.clear();
    lines_.clear();
    std::stable_sort(notes_.begin(), notes_.end(),
                     [](const Note& a, const Note& b) { return a.line < b.line; });
    for (const Note& n : notes_) complain_(cat(n.line, ": ", n.text));
    notes_.clear();
  }

 private:
  struct Note {
    std::size_t line;
    std::string text;
  };
  /// Kept until `send`, so that what is found sooner and later comes in the order of the lines.
  void note(std::size_t line, std::string text) { notes_.push_back({line, std::move(text)}); }

  Connection& connection_;
  const std::string insert_;
  const std::size_t width_;
  const std::function<void(std::string)> complain_;
  std::vector<saturn::Value> values_;
  std::vector<std::size_t> lines_;
  std::vector<Note> notes_;
  bool good_ = true;
};

std::string insert_text(const std::string& table, std::size_t width) {
  std::string insert = cat("INSERT INTO ", quoted_name(table), " VALUES(?");
  for (std::size_t i = 1; i < width; ++i) insert += ",?";
  return insert + ")";
}

}  // namespace

bool Shell::dot_import(const Words& words) {
  ImportArguments arguments;
  arguments.separator = format_.separator;
  if (!parse_arguments(words, arguments)) {
    return report("Usage: .import [--csv] [--skip N] FILE TABLE");
  }
  if (arguments.separator.size() != 1) {
    return report("Error: multi-character column separators not allowed for import");
  }
  const FilePtr file(std::fopen(arguments.file.c_str(), "rb"));
  if (!file) return report(cat("Error: cannot open \"", arguments.file, "\""));
  FieldReader reader(file.get(), arguments.separator[0]);
  std::vector<std::string> fields;
  for (std::size_t i = 0; i < arguments.skip; ++i) reader.next(fields);

  std::vector<saturn::Row> columns;
  const std::string info = cat("PRAGMA table_info(", quoted_name(arguments.table), ")");
  if (!query(info, columns)) return false;
  std::vector<saturn::Row> none;
  const bool own_transaction = connection_->autocommit();
  if (own_transaction && !query("BEGIN", none)) return false;
  std::size_t width = columns.size();
  bool good = true;
  if (columns.empty()) {
    // A new table takes its columns from the first line.
    if (!reader.next(fields)) {
      good = report(cat("Error: ", arguments.file, ": empty file"));
    } else {
      std::string create = cat("CREATE TABLE IF NOT EXISTS ", quoted_name(arguments.table), "(\n");
      for (std::size_t i = 0; i < fields.size(); ++i) {
        create += cat(i == 0 ? "" : ", ", quoted_name(fields[i]), " TEXT");
      }
      width = fields.size();
      good = query(create + ")", none);
    }
  }
  if (good) {
    Import import(*connection_, insert_text(arguments.table, width), width,
                  [&](const std::string& text) { report(cat(arguments.file, ":", text)); });
    while (reader.next(fields)) import.add(fields, reader.line());
    import.send();
    good = import.good();
  }
  if (own_transaction && !connection_->autocommit()) good = query("COMMIT", none) && good;
  return good;
}

}  // namespace saturn::shell
