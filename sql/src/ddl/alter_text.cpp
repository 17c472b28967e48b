#include "ddl/alter_text.hpp"

#include "base/text.hpp"
#include "parser/ast_children.hpp"
#include "parser/lexer.hpp"
#include "parser/parser.hpp"

#include <algorithm>
#include <vector>

namespace saturn::sql {
namespace {

std::vector<Token> tokens_of(std::string_view sql) {
  std::vector<Token> tokens;
  Lexer lexer(sql);
  for (Token token = lexer.next(); token.kind != Tok::end && token.kind != Tok::illegal;
       token = lexer.next()) {
    tokens.push_back(token);
  }
  return tokens;
}

std::string dequoted(std::string_view text) {
  const char open = text.empty() ? '\0' : text.front();
  if (text.size() < 2 || (open != '\'' && open != '"' && open != '`' && open != '[')) {
    return std::string(text);
  }
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    out += text[i];
    if (open != '[' && text[i] == open) ++i;
  }
  return out;
}

bool is_quoted(const Token& token) {
  const char first = token.text.empty() ? '\0' : token.text.front();
  return first == '"' || first == '\'' || first == '`' || first == '[';
}

bool names(const Token& token, std::string_view name) {
  return equals_nocase(dequoted(token.text), name);
}

std::string in_quotes(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// Puts `to` in the place of some tokens. Quoted where SQLite quotes: always for tables, for
/// columns where the old name or the new one was.
class Replacer {
 public:
  Replacer(std::string_view sql, std::string_view to, bool always_quoted)
      : sql_(sql), to_(to), always_quoted_(always_quoted) {}

  void replace(const Token& token) { tokens_.push_back(token); }

  std::string result() {
    std::sort(tokens_.begin(), tokens_.end(),
              [](const Token& a, const Token& b) { return a.at < b.at; });
    std::string out;
    std::size_t done = 0;
    for (const Token& token : tokens_) {
      if (token.at < done) continue;  // noted twice
      out += sql_.substr(done, token.at - done);
      out += always_quoted_ || is_quoted(token) ? in_quotes(to_) : std::string(to_);
      done = token.at + token.text.size();
      // Two quoted names in a row would be one.
      if (always_quoted_ && done < sql_.size() && sql_[done] == '"') out += ' ';
    }
    return out.append(sql_.substr(done));
  }

 private:
  const std::string_view sql_;
  const std::string_view to_;
  const bool always_quoted_;
  std::vector<Token> tokens_;
};

struct Definition {
  Arena arena;
  const ast::CreateTableStmt* table = nullptr;
};

Result<Definition> parse_table(std::string_view sql) {
  Definition definition;
  const Parsed parsed = TRY(parse_next(sql, definition.arena));
  definition.table = ast::as_if<ast::CreateTableStmt>(parsed.stmt);
  if (definition.table == nullptr) return Error(Code::corrupt, "malformed database schema");
  return definition;
}

/// Where the columns of a CREATE TABLE end: at the comma before the first constraint, or at `)`.
std::size_t end_of_columns(std::string_view sql, const ast::CreateTableStmt& table) {
  const ast::ColumnDef& last = *table.columns.back();
  const auto end = static_cast<std::uint32_t>(last.at + last.text.size());
  return Lexer(sql, end).next().at;
}

/// Finds the tokens of a table's or an index's definition that name a column of the table.
class ColumnFinder {
 public:
  ColumnFinder(std::string_view sql, std::string_view column, Replacer& replacer)
      : sql_(sql), column_(column), replacer_(replacer) {}

  void expr(const ast::Expr* expr) {
    if (expr == nullptr) return;
    const auto* name = ast::as_if<ast::Column>(expr);
    if (name != nullptr && equals_nocase(name->name, column_)) {
      // `schema.table.column`: the last of the names.
      Lexer lexer(sql_, expr->at);
      Token token = lexer.next();
      for (int dots = (ast::present(name->table) ? 1 : 0) + (ast::present(name->schema) ? 1 : 0);
           dots > 0; --dots) {
        lexer.next();
        token = lexer.next();
      }
      replacer_.replace(token);
    }
    ast::for_each_child(*expr, [&](const ast::Expr& child) { this->expr(&child); });
  }

  void key(const List<ast::OrderTerm>& terms) {
    for (const ast::OrderTerm& term : terms) {
      const ast::Expr* of = term.expr;
      if (const auto* collate = ast::as_if<ast::Collate>(of)) of = collate->operand;
      const auto* literal = ast::as_if<ast::Literal>(of);
      if (literal != nullptr && literal->literal == ast::LiteralKind::string &&
          equals_nocase(literal->text, column_)) {
        replacer_.replace(Lexer(sql_, of->at).next());  // a name in the quotes of a text
      } else {
        expr(of);
      }
    }
  }

  void constraint(const ast::Constraint& constraint) {
    expr(constraint.expr);
    key(constraint.key);
  }

 private:
  const std::string_view sql_;
  const std::string_view column_;
  Replacer& replacer_;
};

/// The columns in `FOREIGN KEY (...)` when `own`, and in `REFERENCES table (...)`.
void find_foreign_keys(std::string_view sql, std::string_view table, std::string_view column,
                       bool own, Replacer& replacer) {
  const std::vector<Token> tokens = tokens_of(sql);
  for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
    const bool child = own && tokens[i].kind == Tok::kw_foreign;
    const bool parent = tokens[i].kind == Tok::kw_references && names(tokens[i + 1], table);
    if ((!child && !parent) || tokens[i + 2].kind != Tok::lparen) continue;
    for (std::size_t k = i + 3; k < tokens.size() && tokens[k].kind != Tok::rparen; ++k) {
      if (names(tokens[k], column)) replacer.replace(tokens[k]);
    }
  }
}

}  // namespace

Result<std::string> with_renamed_places(std::string_view sql, const std::set<const char*>& places,
                                        std::string_view to, bool quoted) {
  Replacer replacer(sql, to, quoted);
  for (const Token& token : tokens_of(sql)) {
    // A name in quotes begins behind the first of them.
    const char* const begin = sql.data() + token.at;
    if (places.contains(is_quoted(token) ? begin + 1 : begin)) replacer.replace(token);
  }
  return replacer.result();
}

Result<std::string> with_added_column(const Table& table, std::string_view definition) {
  const Definition parsed = TRY(parse_table(table.sql));
  const std::size_t end = end_of_columns(table.sql, *parsed.table);
  return cat(std::string_view(table.sql).substr(0, end), ", ", definition,
             std::string_view(table.sql).substr(end));
}

Result<std::string> without_column(const Table& table, std::size_t column) {
  const Definition parsed = TRY(parse_table(table.sql));
  const std::string_view sql = table.sql;
  std::size_t from = parsed.table->columns[column]->at;
  std::size_t to = 0;
  if (column + 1 < parsed.table->columns.size()) {
    to = parsed.table->columns[column + 1]->at;
  } else {
    to = end_of_columns(sql, *parsed.table);
    while (from > 0 && sql[from] != ',') --from;
  }
  return cat(sql.substr(0, from), sql.substr(to));
}

std::string with_renamed_table(std::string_view sql, std::string_view from, std::string_view to,
                               bool own) {
  const std::vector<Token> tokens = tokens_of(sql);
  Replacer replacer(sql, to, true);
  bool on_seen = false;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const Tok before = tokens[i - 1].kind;
    bool is_table = before == Tok::kw_references;
    if (own) {
      // The stored text is CREATE TABLE name, or CREATE [UNIQUE] INDEX name ON name.
      is_table = is_table || (i == 2 && before == Tok::kw_table);
      is_table = is_table || (before == Tok::kw_on && !on_seen && tokens[1].kind != Tok::kw_table);
      is_table = is_table || (i + 1 < tokens.size() && tokens[i + 1].kind == Tok::dot);
    }
    on_seen = on_seen || before == Tok::kw_on;
    if (is_table && names(tokens[i], from)) replacer.replace(tokens[i]);
  }
  return replacer.result();
}

Result<std::string> with_renamed_column(std::string_view sql, std::string_view table,
                                        std::string_view from, std::string_view to,
                                        bool to_is_quoted, bool own) {
  Replacer replacer(sql, to, to_is_quoted);
  if (own) {
    Arena arena;
    const Parsed parsed = TRY(parse_next(sql, arena));
    ColumnFinder finder(sql, from, replacer);
    if (const auto* create = ast::as_if<ast::CreateTableStmt>(parsed.stmt)) {
      for (const ast::ColumnDef* column : create->columns) {
        if (equals_nocase(column->name, from)) replacer.replace(Lexer(sql, column->at).next());
        for (const ast::Constraint* constraint : column->constraints) {
          finder.constraint(*constraint);
        }
      }
      for (const ast::Constraint* constraint : create->constraints) {
        finder.constraint(*constraint);
      }
    } else if (const auto* index = ast::as_if<ast::CreateIndexStmt>(parsed.stmt)) {
      finder.key(index->key);
      finder.expr(index->where);
    }
  }
  find_foreign_keys(sql, table, from, own, replacer);
  return replacer.result();
}

}  // namespace saturn::sql
