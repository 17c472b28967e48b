#include "sql_text.hpp"

#include "base/text.hpp"

namespace saturn::server {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v'); }

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// `sql` without the blanks and comments in front, and `semicolons` if they may be there. A block
/// comment that is not closed runs to the end, as SQLite has it.
std::string_view skip_blank(std::string_view sql, bool semicolons) {
  while (!sql.empty()) {
    if (is_space(sql[0]) || (semicolons && sql[0] == ';')) {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--")) {
      const std::size_t end = sql.find('\n');
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
    } else if (sql.starts_with("/*")) {
      const std::size_t end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else {
      break;
    }
  }
  return sql;
}

std::string_view take_word(std::string_view& sql) {
  sql = skip_blank(sql, false);
  std::size_t size = 0;
  while (size < sql.size() && is_word_char(sql[size])) ++size;
  const std::string_view word = sql.substr(0, size);
  sql.remove_prefix(size);
  return word;
}

}  // namespace

bool is_blank_sql(std::string_view sql) noexcept { return skip_blank(sql, true).empty(); }

TransactionEnd transaction_end(std::string_view sql) noexcept {
  sql = skip_blank(sql, true);
  const std::string_view first = take_word(sql);
  if (equals_nocase(first, "COMMIT") || equals_nocase(first, "END")) return TransactionEnd::commit;
  if (!equals_nocase(first, "ROLLBACK")) return TransactionEnd::none;
  std::string_view second = take_word(sql);
  if (equals_nocase(second, "TRANSACTION")) second = take_word(sql);
  return equals_nocase(second, "TO") ? TransactionEnd::none : TransactionEnd::rollback;
}

}  // namespace saturn::server
