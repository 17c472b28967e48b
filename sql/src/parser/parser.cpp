#include "parser/parser.hpp"

#include "parser/parser_impl.hpp"

namespace saturn::sql {

using namespace ast;

Result<Parsed> parse_next(std::string_view sql, Arena& arena) {
  if (sql.size() > limits::kSqlLengthMax) return Error(Code::toobig);
  return Parser(sql, arena).run();
}

Parser::Parser(std::string_view sql, Arena& arena) : arena_(arena), lexer_(sql) { advance(); }

Result<Parsed> Parser::run() {
  while (accept(Tok::semicolon)) {
  }
  if (!is(Tok::end) && !failed()) {
    parsed_.stmt = parse_statement();
    if (!is(Tok::semicolon) && !is(Tok::end)) fail_near();
  }
  if (error_) return std::move(*error_);
  parsed_.consumed = token_.at + token_.text.size();
  return parsed_;
}

void Parser::fail(std::string message, std::int64_t at) {
  if (!error_) error_ = Error(Code::error, std::move(message)).at(at);
  token_.kind = Tok::poison;
}

/// The current token has no place here.
void Parser::fail_near() {
  if (is(Tok::end)) {
    fail("incomplete input", token_.at);
  } else {
    fail(cat("near \"", token_.text, "\": syntax error"), token_.at);
  }
}

void Parser::advance() {
  if (failed()) return;
  last_end_ = static_cast<std::uint32_t>(token_.at + token_.text.size());
  token_ = lexer_.next();
  if (is(Tok::illegal)) fail(cat("unrecognized token: \"", token_.text, "\""), token_.at);
}

bool Parser::accept(Tok kind) {
  if (!is(kind)) return false;
  advance();
  return true;
}

void Parser::expect(Tok kind) {
  if (!accept(kind)) fail_near();
}

/// The kind of the token after the current one.
Tok Parser::peek() const {
  Lexer ahead = lexer_;
  return ahead.next().kind;
}

/// The text of an identifier or string token without its quotes.
std::string_view Parser::dequote(const Token& token) {
  std::string_view text = token.text;
  const char open = text.empty() ? '\0' : text.front();
  if (open != '\'' && open != '"' && open != '`' && open != '[') return text;
  text = text.substr(1, text.size() - 2);
  if (open == '[' || text.find(open) == std::string_view::npos) return text;
  char* out = static_cast<char*>(arena_.allocate(text.size(), 1));
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out[size++] = text[i];
    if (text[i] == open) ++i;
  }
  return {out, size};
}

/// At what SQLite's grammar calls `nm`.
bool Parser::at_name() const noexcept {
  return is(Tok::string) || is_identifier_like(token_.kind) || is(Tok::kw_indexed) ||
         keyword_class(token_.kind) == KeywordClass::join;
}

/// At an alias without AS, or another place where join keywords are not names.
bool Parser::at_alias() const noexcept {
  return is(Tok::string) || is_identifier_like(token_.kind);
}

std::string_view Parser::parse_name() {
  if (!at_name()) {
    fail_near();
    return {};
  }
  const std::string_view name = dequote(token_);
  advance();
  return name;
}

std::string_view Parser::parse_identifier_or_string() {
  if (!at_alias()) fail_near();
  return parse_name();
}

std::string_view Parser::parse_qualified(std::string_view& schema, std::string_view& name) {
  std::string_view written = token_.text;
  name = parse_name();
  if (accept(Tok::dot)) {
    schema = name;
    written = token_.text;
    name = parse_name();
  }
  return written;
}

List<std::string_view> Parser::parse_name_list() {
  List<std::string_view> names;
  do names.push(arena_, parse_name());
  while (accept(Tok::comma));
  return names;
}

/// The source text from byte `start` to the end of the last token consumed.
std::string_view Parser::text_from(std::uint32_t start) const {
  return last_end_ <= start ? std::string_view() : lexer_.text().substr(start, last_end_ - start);
}

/// EXPLAIN ANALYZE of a statement, and not EXPLAIN of the statement ANALYZE.
bool begins_dml(Tok kind) noexcept {
  return kind == Tok::kw_select || kind == Tok::kw_values || kind == Tok::kw_with ||
         kind == Tok::kw_insert || kind == Tok::kw_replace || kind == Tok::kw_update ||
         kind == Tok::kw_delete;
}

/// EXPLAIN ([ANALYZE,] FORMAT JSON), behind the parenthesis. Not SQLite's; the options are called
/// as PostgreSQL calls them.
Explain Parser::parse_explain_options() {
  bool analyze = false;
  bool json = false;
  do {
    if (accept(Tok::kw_analyze)) {
      analyze = true;
      continue;
    }
    if (!equals_nocase(token_.text, "format")) fail_near();
    advance();
    json = equals_nocase(token_.text, "json");
    if (!json && !equals_nocase(token_.text, "text")) fail_near();
    advance();
  } while (!failed() && accept(Tok::comma));
  expect(Tok::rparen);
  if (json) return analyze ? Explain::analyze_json : Explain::plan_json;
  return analyze ? Explain::analyze : Explain::query_plan;
}

Stmt* Parser::parse_statement() {
  Explain explain = Explain::none;
  if (accept(Tok::kw_explain)) {
    explain = Explain::program;
    if (accept(Tok::kw_query)) {
      expect(Tok::kw_plan);
      explain = Explain::query_plan;
    } else if (is(Tok::kw_analyze) && begins_dml(peek())) {
      advance();
      explain = Explain::analyze;
    } else if (accept(Tok::lparen)) {
      explain = parse_explain_options();
    }
  }
  const std::uint32_t at = token_.at;
  Stmt* stmt = parse_command();
  if (stmt == nullptr) return nullptr;
  stmt->at = at;
  stmt->explain = explain;
  stmt->text = text_from(at);
  if (stmt->kind == StmtKind::create_index || stmt->kind == StmtKind::create_view) {
    // sqlite_schema keeps blanks and comments up to the semicolon, but no blanks behind a view.
    stmt->text = lexer_.text().substr(at, token_.at - at);
    while (stmt->kind == StmtKind::create_view && stmt->text.back() <= ' ') {
      stmt->text.remove_suffix(1);
    }
  }
  return stmt;
}

Stmt* Parser::parse_command() {
  switch (token_.kind) {
    case Tok::kw_alter: return parse_alter();
    case Tok::kw_analyze: return parse_analyze();
    case Tok::kw_attach: return parse_attach();
    case Tok::kw_begin: return parse_begin();
    case Tok::kw_commit:
    case Tok::kw_end: return parse_commit();
    case Tok::kw_create: return parse_create();
    case Tok::kw_detach: return parse_detach();
    case Tok::kw_drop: return parse_drop();
    case Tok::kw_pragma: return parse_pragma();
    case Tok::kw_reindex: return parse_reindex();
    case Tok::kw_release: return parse_release();
    case Tok::kw_rollback: return parse_rollback();
    case Tok::kw_savepoint: return parse_savepoint();
    case Tok::kw_vacuum: return parse_vacuum();
    default: return parse_dml(false);
  }
}

}  // namespace saturn::sql
