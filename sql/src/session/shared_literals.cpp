#include "session/shared_literals.hpp"

#include "base/text.hpp"
#include "value/number.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kLiteralsMax = 64;
/// Stands in a key for a literal, with its kind behind it. No text of SQL has it.
constexpr char kMark = '\0';

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_name(char c) noexcept {
  const char lower = ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Whether a number may be shared with a minus before it. A zero may not, which as a real is no
/// 0 - 0.0; nor one as long as the least integer, whose digits are none of their own.
bool may_be_negated(std::string_view number) noexcept {
  constexpr std::size_t kDigitsMax = 18;
  const std::size_t digits = std::min(number.find_first_of("eE"), number.size());
  return number.size() <= kDigitsMax && number.find_first_of("123456789") < digits;
}

/// Whether the text may be one of the statements whose literals are looked at.
bool begins_well(std::string_view sql) noexcept {
  while (!sql.empty() && is_blank(sql.front())) sql.remove_prefix(1);
  static constexpr std::string_view kVerbs[] = {"select", "insert", "update", "delete", "replace"};
  return std::any_of(std::begin(kVerbs), std::end(kVerbs), [&](std::string_view verb) {
    return sql.size() > verb.size() && equals_nocase(sql.substr(0, verb.size()), verb) &&
           is_blank(sql[verb.size()]);
  });
}

}  // namespace

// --- shapes --------------------------------------------------------------------------------------

/// Digits, perhaps with a point and an exponent. Other numbers are not shared.
bool StatementShape::read_number(std::string_view sql, std::size_t& at) {
  const std::size_t start = at;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < sql.size() && is_digit(sql[at])) ++at;
    return at > from;
  };
  char kind = 'i';
  if (!digits()) return false;
  if (at < sql.size() && sql[at] == '.') {
    kind = 'r';
    ++at;
    digits();
  }
  if (at < sql.size() && ascii_lower(sql[at]) == 'e') {
    kind = 'r';
    ++at;
    if (at < sql.size() && (sql[at] == '+' || sql[at] == '-')) ++at;
    if (!digits()) return false;
  }
  if (at < sql.size() && is_name(sql[at])) return false;
  literals_.push_back({static_cast<std::uint32_t>(start), sql.substr(start, at - start)});
  key_ += kMark;
  key_ += kind;
  return true;
}

bool StatementShape::read_string(std::string_view sql, std::size_t& at) {
  const std::size_t start = at++;
  for (;;) {
    at = sql.find('\'', at);
    if (at == std::string_view::npos) return false;
    ++at;
    if (at == sql.size() || sql[at] != '\'') break;
    ++at;
  }
  literals_.push_back({static_cast<std::uint32_t>(start), sql.substr(start, at - start)});
  key_ += kMark;
  key_ += 's';
  return true;
}

bool StatementShape::read(std::string_view sql) {
  key_.clear();
  literals_.clear();
  if (sql.size() > kTextBytesMax || !begins_well(sql)) return false;
  std::size_t at = 0;
  std::size_t copied = 0;
  const auto copy_up_to = [&](std::size_t end) { key_.append(sql, copied, end - copied); };
  while (at < sql.size()) {
    const char c = sql[at];
    const char next = at + 1 < sql.size() ? sql[at + 1] : '\0';
    if (c == '\'' || is_digit(c)) {
      copy_up_to(at);
      const bool read = c == '\'' ? read_string(sql, at) : read_number(sql, at);
      if (!read || literals_.size() > kLiteralsMax) return false;
      copied = at;
    } else if (is_name(c)) {
      if (ascii_lower(c) == 'x' && next == '\'') return false;
      while (at < sql.size() && is_name(sql[at])) ++at;
    } else if (c == '"' || c == '`' || c == '[') {
      at = sql.find(c == '[' ? ']' : c, at + 1);
      if (at == std::string_view::npos) return false;
      ++at;
    } else if (c == ';') {
      for (std::size_t i = at + 1; i < sql.size(); ++i) {
        if (!is_blank(sql[i])) return false;
      }
      break;
    } else if (c == '?' || c == ':' || c == '@' || c == '#' || c == '\0' ||
               (c == '.' && is_digit(next)) || (c == '-' && next == '-') ||
               (c == '/' && next == '*')) {
      return false;
    } else {
      ++at;
    }
  }
  copy_up_to(at);
  return !literals_.empty();
}

Value StatementShape::value(std::size_t index) const {
  const std::string_view text = literals_[index].text;
  if (text.front() != '\'') {
    const ParsedInteger integer = parse_integer(text);
    return integer.whole && integer.fits ? Value(integer.value) : Value(parse_real(text).value);
  }
  const std::string_view inside = text.substr(1, text.size() - 2);
  if (inside.find('\'') == std::string_view::npos) return Value(inside);
  std::string unquoted;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    unquoted += inside[i];
    if (inside[i] == '\'') ++i;  // the second of two
  }
  return Value(std::move(unquoted));
}

bool SharedLiterals::accepts(const StatementShape& shape) const noexcept {
  const auto literals = shape.literals();
  if (literals.size() != parameters.size()) return false;
  for (std::size_t i = 0; i < literals.size(); ++i) {
    if (parameters[i] == kFixed && literals[i].text != fixed[i]) return false;
    if (negative[i] && !may_be_negated(literals[i].text)) return false;
  }
  return true;
}

void SharedLiterals::bind(const StatementShape& shape, std::vector<Value>& values) const {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i] != kFixed) values[parameters[i] - 1] = shape.value(i);
  }
}

// --- the tree ------------------------------------------------------------------------------------

namespace {

/// Walks a statement, and puts variables in the places of literals.
class Sharing {
 public:
  Sharing(const StatementShape& shape, Arena& arena) : shape_(shape), arena_(arena) {
    shared.parameters.assign(shape.literals().size(), SharedLiterals::kFixed);
    shared.fixed.resize(shape.literals().size());
    shared.negative.resize(shape.literals().size());
  }

  void statement(const ast::Stmt& stmt);
  void note_fixed();

  SharedLiterals shared;

 private:
  void select(const ast::Select* select);
  void value(ast::Expr*& place, bool negative = false);
  void condition(ast::Expr* expr);
  static bool compares(ast::BinaryOp op) noexcept;
  static bool computes(ast::BinaryOp op) noexcept;

  const StatementShape& shape_;
  Arena& arena_;
};

/// A literal, one with a sign, or what is computed of nothing but literals.
void Sharing::value(ast::Expr*& place, bool negative) {
  if (place->kind == ast::ExprKind::binary) {
    auto* const binary = static_cast<ast::Binary*>(place);
    if (!computes(binary->op)) return;
    value(binary->left);
    value(binary->right);
    return;
  }
  const auto* literal = ast::as_if<ast::Literal>(place);
  if (literal == nullptr) {
    auto* const sign =
        place->kind == ast::ExprKind::unary ? static_cast<ast::Unary*>(place) : nullptr;
    const auto* const number = sign == nullptr ? nullptr : ast::as_if<ast::Literal>(sign->operand);
    if (number != nullptr && sign->op == ast::UnaryOp::minus &&
        number->literal != ast::LiteralKind::string && may_be_negated(number->text)) {
      value(sign->operand, true);
    }
    return;
  }
  const auto literals = shape_.literals();
  const auto found = std::lower_bound(
      literals.begin(), literals.end(), literal->at,
      [](const StatementShape::Literal& one, std::uint32_t at) { return one.at < at; });
  if (found == literals.end() || found->at != literal->at) return;
  auto* const variable = arena_.make<ast::Variable>();
  variable->kind = ast::ExprKind::variable;
  variable->at = literal->at;
  variable->height = literal->height;
  variable->number = ++shared.count;
  const auto index = static_cast<std::size_t>(found - literals.begin());
  shared.parameters[index] = variable->number;
  shared.negative[index] = negative;
  place = variable;
}

bool Sharing::compares(ast::BinaryOp op) noexcept {
  using Op = ast::BinaryOp;
  return op == Op::eq || op == Op::ne || op == Op::lt || op == Op::le || op == Op::gt ||
         op == Op::ge;
}

bool Sharing::computes(ast::BinaryOp op) noexcept {
  using Op = ast::BinaryOp;
  return op == Op::add || op == Op::subtract || op == Op::multiply || op == Op::divide ||
         op == Op::concat;
}

/// The literals that columns are compared with.
void Sharing::condition(ast::Expr* expr) {
  if (expr == nullptr) return;
  if (expr->kind == ast::ExprKind::between) {
    auto* const between = static_cast<ast::Between*>(expr);
    if (between->operand->kind != ast::ExprKind::column) return;
    value(between->low);
    value(between->high);
  }
  if (expr->kind != ast::ExprKind::binary) return;
  auto* const binary = static_cast<ast::Binary*>(expr);
  if (binary->op == ast::BinaryOp::logical_and || binary->op == ast::BinaryOp::logical_or) {
    condition(binary->left);
    condition(binary->right);
  } else if (compares(binary->op)) {
    if (binary->left->kind == ast::ExprKind::column) {
      value(binary->right);
    } else if (binary->right->kind == ast::ExprKind::column) {
      value(binary->left);
    }
  }
}

void Sharing::select(const ast::Select* select) {
  if (select == nullptr) return;
  for (ast::SelectCore* core : select->cores) {
    if (!core->is_values) condition(core->where);
  }
}

void Sharing::statement(const ast::Stmt& stmt) {
  switch (stmt.kind) {
    case ast::StmtKind::select: return select(ast::as<ast::SelectStmt>(stmt).select);
    case ast::StmtKind::insert: {
      const auto& insert = ast::as<ast::InsertStmt>(stmt);
      if (insert.select == nullptr) return;
      if (insert.select->cores.size() > 1 || !insert.select->cores[0]->is_values) {
        return select(insert.select);
      }
      for (const List<ast::Expr*>& row : insert.select->cores[0]->rows) {
        for (ast::Expr*& item : row) value(item);
      }
      return;
    }
    case ast::StmtKind::update: {
      const auto& update = ast::as<ast::UpdateStmt>(stmt);
      for (ast::Assignment& assignment : update.assignments) value(assignment.value);
      return condition(update.where);
    }
    case ast::StmtKind::remove: return condition(ast::as<ast::DeleteStmt>(stmt).where);
    default: return;
  }
}

void Sharing::note_fixed() {
  for (std::size_t i = 0; i < shared.parameters.size(); ++i) {
    if (shared.parameters[i] == SharedLiterals::kFixed) shared.fixed[i] = shape_.literals()[i].text;
  }
}

/// Whether what a literal is may decide which index serves.
bool plans_depend_on_literals(const Schemas& schemas) {
  return std::any_of(schemas.entries().begin(), schemas.entries().end(), [](const auto& entry) {
    if (entry.schema == nullptr) return false;
    const auto& tables = entry.schema->tables();
    return std::any_of(tables.begin(), tables.end(), [](const auto& table) {
      return std::any_of(table->indexes.begin(), table->indexes.end(), [](const auto& index) {
        return index->where != nullptr || index->has_expressions();
      });
    });
  });
}

}  // namespace

SharedLiterals share_literals(const Parsed& parsed, const StatementShape& shape,
                              const Schemas& schemas, Arena& arena) {
  if (parsed.stmt->explain != ast::Explain::none || parsed.parameter_count > 0 ||
      plans_depend_on_literals(schemas)) {
    return {};
  }
  Sharing sharing(shape, arena);
  sharing.statement(*parsed.stmt);
  sharing.note_fixed();
  return std::move(sharing.shared);
}

}  // namespace saturn::sql
