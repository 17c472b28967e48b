#include "plan/scope.hpp"

#include "base/text.hpp"
#include "parser/ast_children.hpp"
#include "plan/recode.hpp"
#include "plan/windows.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>

namespace saturn::sql {

using ast::BinaryOp;

namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

bool is_rowid_name(std::string_view name) noexcept {
  return equals_nocase(name, "rowid") || equals_nocase(name, "_rowid_") ||
         equals_nocase(name, "oid");
}

/// Whether a value is one of the row that a statement changes, which belongs to no query: of
/// "excluded", or in RETURNING.
bool is_of_changed_row(const Boundary& boundary, const ExprNode& value) noexcept {
  if (value.kind == NodeKind::outer) return static_cast<const OuterNode&>(value).of_changed_row;
  if (value.kind != NodeKind::slot) return false;
  const auto relation = static_cast<std::size_t>(static_cast<const SlotNode&>(value).relation);
  return boundary.rules->clause == "RETURNING" ||
         boundary.outer->relations[relation].qualified_only;
}

/// The first call of a window function (or, if not `windows`, of an aggregate) in an expression.
const ast::Function* find_call(const ast::Expr& expr, bool windows) {
  if (const auto* call = ast::as_if<ast::Function>(&expr)) {
    const int count = call->star ? 0 : static_cast<int>(call->arguments.size());
    const auto function = FunctionRegistry::find(call->name, count);
    const bool aggregate = function && (*function)->aggregate != nullptr;
    if (windows ? call->over != nullptr : aggregate && call->over == nullptr) return call;
  }
  const ast::Function* found = nullptr;
  ast::for_each_child(expr, [&](const ast::Expr& child) {
    if (found == nullptr) found = find_call(child, windows);
  });
  return found;
}

ExprPtr constant(Value v) { return std::make_unique<ConstantNode>(std::move(v)); }

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  return ascii_lower(c) - 'a' + 10;
}

}  // namespace

ExprPtr fold(CompileContext& context, ExprPtr expr) {
  if (expr->kind == NodeKind::constant || !expr->run_constant()) return expr;
  for (const ExprPtr& child : expr->children) {
    if (child->kind != NodeKind::constant) return expr;
  }
  switch (expr->kind) {
    case NodeKind::unary:
    case NodeKind::arithmetic:
    case NodeKind::cast: break;
    default: return expr;
  }
  static const Batch kNoColumns;
  ValueArena arena;
  auto value = eval_one(*expr, context.runtime, arena, kNoColumns);
  if (!value) return expr;
  ExprPtr folded = constant(Value(*value));
  folded->affinity = expr->affinity;
  folded->collation = expr->collation;
  folded->explicit_collation = expr->explicit_collation;
  return folded;
}

int Scope::last_right_join(std::size_t end) const noexcept {
  for (std::size_t r = end; r-- > 0;) {
    if (relations[r].right_join) return static_cast<int>(r);
  }
  return -1;
}

Result<ExprPtr> Binder::bind(const ast::Expr& expr) {
  switch (expr.kind) {
    case ast::ExprKind::literal: return bind_literal(ast::as<ast::Literal>(expr));
    case ast::ExprKind::variable:
      return ExprPtr(std::make_unique<ParameterNode>(ast::as<ast::Variable>(expr).number));
    case ast::ExprKind::column: return bind_column(ast::as<ast::Column>(expr));
    case ast::ExprKind::unary: return bind_unary(ast::as<ast::Unary>(expr));
    case ast::ExprKind::binary: return bind_binary(ast::as<ast::Binary>(expr));
    case ast::ExprKind::like: return bind_like(ast::as<ast::Like>(expr));
    case ast::ExprKind::between: return bind_between(ast::as<ast::Between>(expr));
    case ast::ExprKind::in: return bind_in(ast::as<ast::In>(expr));
    case ast::ExprKind::exists: return bind_exists(ast::as<ast::Exists>(expr));
    case ast::ExprKind::subquery: return bind_subquery(ast::as<ast::Subquery>(expr));
    case ast::ExprKind::row: return at(expr.at, "row value misused");
    case ast::ExprKind::function: return bind_function(ast::as<ast::Function>(expr));
    case ast::ExprKind::cast: return bind_cast(ast::as<ast::Cast>(expr));
    case ast::ExprKind::collate: return bind_collate(ast::as<ast::Collate>(expr));
    case ast::ExprKind::case_when: return bind_case(ast::as<ast::Case>(expr));
    case ast::ExprKind::raise: return bind_raise(ast::as<ast::Raise>(expr));
  }
  return Error(Code::internal);
}

Result<ExprPtr> Binder::bind_literal(const ast::Literal& literal) {
  switch (literal.literal) {
    case ast::LiteralKind::null: return constant(Value());
    case ast::LiteralKind::integer: {
      if (literal.text.size() > 2 && ascii_lower(literal.text[1]) == 'x') {
        std::uint64_t v = 0;
        std::string_view digits = literal.text.substr(2);
        while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
        if (digits.size() > 16) {
          return at(literal.at, cat("hex literal too big: ", literal.text));
        }
        for (const char c : digits) v = v * 16 + static_cast<std::uint64_t>(hex_digit(c));
        return constant(Value(static_cast<std::int64_t>(v)));
      }
      const ParsedInteger parsed = parse_integer(literal.text);
      if (parsed.fits) return constant(Value(parsed.value));
      return constant(Value(parse_real(literal.text).value));
    }
    case ast::LiteralKind::real: return constant(Value(parse_real(literal.text).value));
    case ast::LiteralKind::string: return constant(Value(literal_text(context_, literal.text)));
    case ast::LiteralKind::blob: {
      Value::Blob blob;
      for (std::size_t i = 0; i + 1 < literal.text.size(); i += 2) {
        blob.bytes +=
            static_cast<char>(hex_digit(literal.text[i]) * 16 + hex_digit(literal.text[i + 1]));
      }
      return constant(Value(std::move(blob)));
    }
    case ast::LiteralKind::current_date:
    case ast::LiteralKind::current_time:
    case ast::LiteralKind::current_timestamp: break;
  }
  const std::string_view name = literal.literal == ast::LiteralKind::current_date ? "current_date"
                                : literal.literal == ast::LiteralKind::current_time
                                    ? "current_time"
                                    : "current_timestamp";
  const Function* function = TRY(FunctionRegistry::find(name, 0));
  return ExprPtr(
      std::make_unique<FunctionNode>(*function, std::vector<ExprPtr>{}, context_.binary()));
}

// --- columns -------------------------------------------------------------------------------------

ExprPtr Binder::column_of(Scope& scope, std::size_t relation, int column) {
  Relation& r = scope.relations[relation];
  const bool is_rowid =
      column == SlotNode::kRowidColumn ||
      (r.table != nullptr && r.table->rowid_column >= 0 && r.table->rowid_column == column);
  const std::size_t place = is_rowid ? r.rowid_place() : static_cast<std::size_t>(column);
  if (r.slots[place] == kNoSlot) r.slots[place] = scope.slot_count++;
  auto node = std::make_unique<SlotNode>(r.slots[place]);
  node->relation = static_cast<int>(relation);
  node->column = is_rowid ? SlotNode::kRowidColumn : column;
  node->tables = std::uint64_t{1} << relation;
  node->subtypes = r.function != nullptr;
  if (column == SlotNode::kRowidColumn) {
    node->affinity = r.bare_values ? Affinity::none : Affinity::integer;
  } else {
    node->affinity = r.columns[static_cast<std::size_t>(column)].affinity;
    node->collation = r.columns[static_cast<std::size_t>(column)].collation;
  }
  return node;
}

ExprPtr Binder::visible_column(Scope& scope, std::size_t relation, int column) {
  ExprPtr own = column_of(scope, relation, column);
  if (column < 0) return own;
  const Relation::Column& visible =
      scope.relations[relation].columns[static_cast<std::size_t>(column)];
  const auto merged = visible.merged;
  if (merged.empty()) return own;
  const bool superseded = visible.superseded;
  if (superseded) own = column_of(scope, merged[0].first, merged[0].second);
  if (superseded && merged.size() == 1) return own;
  const Affinity affinity = own->affinity;
  const Collation* collation = own->collation;
  std::vector<ExprPtr> values;
  values.push_back(std::move(own));
  for (std::size_t i = superseded ? 1 : 0; i < merged.size(); ++i) {
    values.push_back(column_of(scope, merged[i].first, merged[i].second));
  }
  auto node = std::make_unique<CoalesceNode>(std::move(values));
  node->affinity = affinity;
  node->collation = collation;
  return node;
}

/// A null pointer when the scope has no such column.
Result<ExprPtr> Binder::resolve(Scope& scope, const ast::Column& name) {
  int found_relation = -1;
  int found_column = -1;
  bool ambiguous = false;
  const bool qualified = ast::present(name.table);
  for (std::size_t i = 0; i < scope.relations.size(); ++i) {
    const Relation& r = scope.relations[i];
    if (!scope.sees(i)) continue;
    if (ast::present(name.schema) && !equals_nocase(name.schema, r.database)) continue;
    for (std::size_t c = 0; c < r.columns.size(); ++c) {
      if (!equals_nocase(r.columns[c].name, name.name)) continue;
      if (qualified && !equals_nocase(r.qualifier(r.columns[c]), name.table)) continue;
      if ((r.columns[c].hidden || r.columns[c].repeated) && !qualified) continue;
      if (found_relation >= 0) {
        // Within one derived relation the first of several equal names counts.
        ambiguous = ambiguous || found_relation != static_cast<int>(i) ||
                    r.columns[c].table != r.columns[static_cast<std::size_t>(found_column)].table;
        continue;
      }
      found_relation = static_cast<int>(i);
      found_column = static_cast<int>(c);
    }
  }
  if (found_relation < 0 && !name.never_rowid && is_rowid_name(name.name)) {
    for (std::size_t i = 0; i < scope.relations.size(); ++i) {
      const Relation& r = scope.relations[i];
      if (!scope.sees(i) || (qualified && !equals_nocase(r.name, name.table))) continue;
      if (ast::present(name.schema) && !equals_nocase(name.schema, r.database)) continue;
      if (r.table == nullptr && r.function == nullptr) continue;
      if (r.table != nullptr && r.table->without_rowid) continue;
      if (r.qualified_only && !qualified) continue;
      if (found_relation >= 0) {
        ambiguous = true;
        continue;
      }
      found_relation = static_cast<int>(i);
      found_column = SlotNode::kRowidColumn;
    }
  }
  if (ambiguous) {
    return at(name.at,
              cat("ambiguous column name: ", qualified ? cat(name.table, ".") : "", name.name));
  }
  if (found_relation < 0) return ExprPtr();
  const auto relation = static_cast<std::size_t>(found_relation);
  if (context_.names != nullptr) {
    const Relation& from = scope.relations[relation];
    context_.names->column_named(from.table, found_column, name.name);
    if (qualified && !from.aliased) context_.names->table_named(from.table, name.table);
  }
  return qualified ? column_of(scope, relation, found_column)
                   : visible_column(scope, relation, found_column);
}

/// Looks in the queries around `scope`; what is found arrives through cells.
Result<ExprPtr> Binder::resolve_outer(Scope& scope, const ast::Column& name) {
  Boundary* boundary = scope.boundary;
  if (boundary == nullptr || boundary->outer == nullptr) return ExprPtr();
  ExprPtr outer = TRY(resolve(*boundary->outer, name));
  if (!outer) outer = TRY(resolve_outer(*boundary->outer, name));
  if (!outer) return ExprPtr();
  return outer_value(*boundary, std::move(outer));
}

/// The value that `outer` has in the scope around the boundary, for use inside.
ExprPtr Binder::outer_value(Boundary& boundary, ExprPtr outer) {
  const ValueRef* cell = nullptr;
  for (const Boundary::Correlation& known : boundary.correlations) {
    if (same_tree(*known.expr, *outer)) cell = known.cell.get();
  }
  const Affinity affinity = outer->affinity;
  const Collation* collation = outer->collation;
  const bool subtypes = outer->subtypes;
  const bool of_row = is_of_changed_row(boundary, *outer);
  if (cell == nullptr) {
    boundary.correlations.push_back({std::move(outer), std::make_unique<ValueRef>()});
    cell = boundary.correlations.back().cell.get();
  }
  auto node = std::make_unique<OuterNode>(cell);
  node->affinity = affinity;
  node->collation = collation;
  node->subtypes = subtypes;
  node->of_changed_row = of_row;
  return node;
}

/// NEW.x and OLD.x in a trigger.
ExprPtr Binder::resolve_trigger_row(const ast::Column& name) const {
  const TriggerFrame* frame = context_.trigger;
  if (frame == nullptr || ast::present(name.schema)) return nullptr;
  const ValueRef* row = nullptr;
  if (equals_nocase(name.table, "new")) row = frame->new_row;
  if (equals_nocase(name.table, "old")) row = frame->old_row;
  if (row == nullptr) return nullptr;
  const Table& table = *frame->table;
  int column = table.find_column(name.name);
  const bool rowid = column < 0 && is_rowid_name(name.name) && !table.without_rowid;
  if (column < 0 && !rowid) return nullptr;
  if (context_.names != nullptr) context_.names->column_named(&table, column, name.name);
  if (rowid) column = static_cast<int>(table.columns.size());
  auto node = std::make_unique<OuterNode>(row + column);
  node->of_changed_row = true;
  const bool has_affinity = frame->has_affinities;
  if (rowid || column == table.rowid_column) node->affinity = Affinity::integer;
  if (!rowid) {
    const TableColumn& source = table.columns[static_cast<std::size_t>(column)];
    if (has_affinity) node->affinity = source.affinity;
    node->collation = source.collation;
  }
  return node;
}

Result<ExprPtr> Binder::bind_raise(const ast::Raise& raise) {
  if (context_.trigger == nullptr) {
    return at(raise.at, "RAISE() may only be used within a trigger-program");
  }
  ExprPtr message;
  if (raise.message != nullptr) message = TRY(bind(*raise.message));
  return ExprPtr(std::make_unique<RaiseNode>(raise.action, std::move(message)));
}

Result<ExprPtr> Binder::bind_column(const ast::Column& name) {
  ExprPtr found = TRY(resolve(scope_, name));
  if (found) return found;
  const bool qualified = ast::present(name.table);
  if (!qualified && rules_.aliases && scope_.aliases != nullptr && alias_depth_ < 8) {
    for (const ast::ResultColumn& column : *scope_.aliases) {
      if (column.expr == nullptr || !ast::present(column.alias)) continue;
      if (!equals_nocase(column.alias, name.name)) continue;
      if (!rules_.windows && find_call(*column.expr, true) != nullptr) {
        return at(name.at, cat("misuse of aliased window function ", column.alias));
      }
      if (const ast::Function* call = find_call(*column.expr, false);
          call != nullptr && !rules_.aggregates) {
        return at(name.at, rules_.clause == "GROUP BY"
                               ? "aggregate functions are not allowed in the GROUP BY clause"
                               : cat("misuse of aggregate: ", call->name, "()"));
      }
      ++alias_depth_;
      auto bound = bind(*column.expr);
      --alias_depth_;
      return bound;
    }
  }
  found = TRY(resolve_outer(scope_, name));
  if (found) return found;
  found = resolve_trigger_row(name);
  if (found) return found;
  if (!qualified && name.double_quoted) {
    const bool text = rules_.stored || context_.runtime.session.double_quoted_texts;
    if (text) return constant(Value(literal_text(context_, name.name)));
    return at(name.at, cat("no such column: \"", name.name,
                           "\" - should this be a string literal in single-quotes?"));
  }
  if (!qualified && !name.quoted) {
    if (equals_nocase(name.name, "true")) return constant(Value(1));
    if (equals_nocase(name.name, "false")) return constant(Value(0));
  }
  std::string full;
  if (ast::present(name.schema)) full = cat(name.schema, ".");
  if (qualified) full += cat(name.table, ".");
  return at(name.at, cat("no such column: ", full, name.name));
}

/// Whether a word without quotes, that may be TRUE or FALSE, is a column here.
Result<bool> Binder::names_column(const ast::Column& word) {
  const ExprPtr bound = TRY(bind_column(word));
  return bound->kind != NodeKind::constant;
}

// --- operators -----------------------------------------------------------------------------------

Result<ExprPtr> Binder::bind_unary(const ast::Unary& unary) {
  if (unary.op == ast::UnaryOp::minus) {
    // -9223372036854775808 is an integer although its digits alone are not.
    const auto* literal = ast::as_if<ast::Literal>(unary.operand);
    if (literal != nullptr && literal->literal == ast::LiteralKind::integer) {
      const std::string text = cat("-", literal->text);
      if (equals_nocase(literal->text, "0x8000000000000000")) {
        return at(literal->at, cat("hex literal too big: ", text));
      }
      const ParsedInteger parsed = parse_integer(text);
      if (parsed.whole && parsed.fits) return constant(Value(parsed.value));
    }
    // Of a literal the sign is kept, where 0 - 0.0 would have none.
    if (literal != nullptr && literal->literal == ast::LiteralKind::real) {
      return constant(Value(-parse_real(literal->text).value));
    }
  }
  ExprPtr operand = TRY(bind(*unary.operand));
  const bool computes = unary.op == ast::UnaryOp::minus || unary.op == ast::UnaryOp::bit_not ||
                        unary.op == ast::UnaryOp::logical_not;
  if (computes) operand = recode(context_, std::move(operand), Recode::text);
  return fold(context_, std::make_unique<UnaryNode>(unary.op, std::move(operand)));
}

Result<ExprPtr> Binder::bind_comparison(BinaryOp op, const ast::Expr& left,
                                        const ast::Expr& right) {
  ExprPtr l = TRY(bind(left));
  ExprPtr r = TRY(bind(right));
  return ExprPtr(
      std::make_unique<ComparisonNode>(op, std::move(l), std::move(r), context_.binary()));
}

namespace {

/// x IS NULL asks one value.
bool tests_null(const ast::Binary& binary) noexcept {
  const auto* right = ast::as_if<ast::Literal>(binary.right);
  return (binary.op == BinaryOp::is || binary.op == BinaryOp::is_not) && right != nullptr &&
         right->literal == ast::LiteralKind::null && binary.left->kind != ast::ExprKind::row;
}

bool may_be_row(const ast::Expr& expr) noexcept {
  return expr.kind == ast::ExprKind::row || expr.kind == ast::ExprKind::subquery;
}

}  // namespace

/// How many values a row value has: the items of a row, the columns of a subquery; else 1.
Result<std::size_t> Binder::row_width(const ast::Expr& expr) {
  if (const auto* row = ast::as_if<ast::Row>(&expr)) return std::size_t{row->items.size()};
  const auto* subquery = ast::as_if<ast::Subquery>(&expr);
  if (subquery == nullptr || subquery->width != 1) return std::size_t{1};
  const ast::SelectCore& core = *subquery->select->cores[0];
  if (core.is_values) return std::size_t{core.rows[0].size()};
  const bool star = std::any_of(core.columns.begin(), core.columns.end(),
                                [](const ast::ResultColumn& c) { return c.expr == nullptr; });
  if (!star) return std::size_t{core.columns.size()};
  const Planned planned = TRY(plan_subplan(*subquery->select, true));
  return planned.query.columns.size();
}

/// What `row_width` has measured as a row: of a subquery each of its columns as one of its own.
const ast::Row* Binder::as_row(ast::Expr* expr, std::size_t width) const {
  if (const auto* row = ast::as_if<ast::Row>(expr)) return row;
  auto* const row = context_.arena.make<ast::Row>();
  row->kind = ast::ExprKind::row;
  row->at = expr->at;
  for (std::size_t i = 0; i < width; ++i) {
    auto* const part = context_.arena.make<ast::Subquery>(ast::as<ast::Subquery>(*expr));
    part->column = static_cast<std::uint32_t>(i);
    part->width = static_cast<std::uint32_t>(width);
    row->items.push(context_.arena, part);
  }
  return row;
}

/// (a, b) = (c, d) is a = c AND b = d, and (a, b) < (c, d) is a < c OR (a = c AND b < d).
Result<ExprPtr> Binder::bind_row_comparison(const ast::Binary& binary, std::size_t n) {
  const ast::Row* const left = as_row(binary.left, n);
  const ast::Row* const right = as_row(binary.right, n);
  const auto pair = [&](BinaryOp op, std::size_t i) {
    return bind_comparison(op, *left->items[i], *right->items[i]);
  };
  BinaryOp strict = binary.op;
  switch (binary.op) {
    case BinaryOp::eq:
    case BinaryOp::is:
    case BinaryOp::ne:
    case BinaryOp::is_not: {
      const bool conjunction = binary.op == BinaryOp::eq || binary.op == BinaryOp::is;
      ExprPtr all = TRY(pair(binary.op, 0));
      for (std::size_t i = 1; i < n; ++i) {
        ExprPtr next = TRY(pair(binary.op, i));
        all = std::make_unique<LogicalNode>(conjunction, std::move(all), std::move(next));
      }
      return all;
    }
    case BinaryOp::le: strict = BinaryOp::lt; break;
    case BinaryOp::ge: strict = BinaryOp::gt; break;
    default: break;
  }
  ExprPtr result = TRY(pair(binary.op, n - 1));
  for (std::size_t i = n - 1; i-- > 0;) {
    ExprPtr equal = TRY(pair(BinaryOp::eq, i));
    ExprPtr before = TRY(pair(strict, i));
    result = std::make_unique<LogicalNode>(true, std::move(equal), std::move(result));
    result = std::make_unique<LogicalNode>(false, std::move(before), std::move(result));
  }
  return result;
}

Result<ExprPtr> Binder::bind_binary(const ast::Binary& binary) {
  switch (binary.op) {
    case BinaryOp::eq:
    case BinaryOp::ne:
    case BinaryOp::is:
    case BinaryOp::is_not:
    case BinaryOp::lt:
    case BinaryOp::le:
    case BinaryOp::gt:
    case BinaryOp::ge:
      if ((may_be_row(*binary.left) || may_be_row(*binary.right)) && !tests_null(binary)) {
        const std::size_t left = TRY(row_width(*binary.left));
        const std::size_t right = TRY(row_width(*binary.right));
        if (left != right) return at(binary.at, "row value misused");
        if (left > 1) return bind_row_comparison(binary, left);
      }
      if (binary.op == BinaryOp::is || binary.op == BinaryOp::is_not) {
        // x IS TRUE asks for truth, not for the number 1.
        const ast::Expr* right = binary.right;
        while (const auto* collate = ast::as_if<ast::Collate>(right)) right = collate->operand;
        const auto* name = ast::as_if<ast::Column>(right);
        const bool is_word = name != nullptr && !name->quoted && !ast::present(name->table);
        const bool is_true = is_word && equals_nocase(name->name, "true");
        const bool is_false = is_word && equals_nocase(name->name, "false");
        if ((is_true || is_false) && !TRY(names_column(*name))) {
          ExprPtr operand = recode(context_, TRY(bind(*binary.left)), Recode::text);
          ExprPtr truth =
              std::make_unique<UnaryNode>(ast::UnaryOp::logical_not, std::move(operand));
          // NOT x is 0 exactly where x is true, 1 where it is false.
          ExprPtr wanted = constant(Value(is_true ? 0 : 1));
          return ExprPtr(std::make_unique<ComparisonNode>(binary.op, std::move(truth),
                                                          std::move(wanted), context_.binary()));
        }
      }
      return bind_comparison(binary.op, *binary.left, *binary.right);
    default: break;
  }
  ExprPtr left = TRY(bind(*binary.left));
  ExprPtr right = TRY(bind(*binary.right));
  switch (binary.op) {
    case BinaryOp::logical_and:
    case BinaryOp::logical_or:
      left = recode(context_, std::move(left), Recode::text);
      right = recode(context_, std::move(right), Recode::text);
      return ExprPtr(std::make_unique<LogicalNode>(binary.op == BinaryOp::logical_and,
                                                   std::move(left), std::move(right)));
    case BinaryOp::concat: {
      left = recode(context_, std::move(left), Recode::image);
      right = recode(context_, std::move(right), Recode::image);
      ExprPtr node = std::make_unique<ConcatNode>(std::move(left), std::move(right));
      return recode(context_, std::move(node), Recode::joined);
    }
    case BinaryOp::arrow:
    case BinaryOp::long_arrow: {
      const Function* function =
          TRY(FunctionRegistry::find(binary.op == BinaryOp::arrow ? "->" : "->>", 2));
      std::vector<ExprPtr> arguments;
      arguments.push_back(std::move(left));
      arguments.push_back(std::move(right));
      return call(*function, std::move(arguments));
    }
    default:
      left = recode(context_, std::move(left), Recode::text);
      right = recode(context_, std::move(right), Recode::text);
      return fold(context_,
                  std::make_unique<ArithmeticNode>(binary.op, std::move(left), std::move(right)));
  }
}

Result<ExprPtr> Binder::bind_like(const ast::Like& like) {
  if (like.op == ast::LikeOp::match) {
    return at(like.at, "unable to use function MATCH in the requested context");
  }
  ExprPtr text = TRY(bind(*like.left));
  ExprPtr pattern = TRY(bind(*like.pattern));
  ExprPtr escape;
  if (like.escape != nullptr) escape = TRY(bind(*like.escape));
  ExprPtr node;
  if (like.op == ast::LikeOp::regexp) {
    const Function* function = TRY(FunctionRegistry::find("regexp", 2));
    std::vector<ExprPtr> arguments;
    arguments.push_back(std::move(pattern));
    arguments.push_back(std::move(text));
    node = call(*function, std::move(arguments));
  } else {
    for (ExprPtr* operand : {&text, &pattern, &escape}) {
      if (*operand) *operand = recode(context_, std::move(*operand), Recode::leaving);
    }
    node =
        std::make_unique<LikeNode>(like.op, std::move(text), std::move(pattern), std::move(escape));
  }
  if (!like.negated) return node;
  return ExprPtr(std::make_unique<UnaryNode>(ast::UnaryOp::logical_not, std::move(node)));
}

Result<ExprPtr> Binder::bind_between(const ast::Between& between) {
  ast::Binary low{};
  low.kind = ast::ExprKind::binary;
  low.at = between.at;
  low.op = BinaryOp::ge;
  low.left = between.operand;
  low.right = between.low;
  ast::Binary high = low;
  high.op = BinaryOp::le;
  high.right = between.high;
  ExprPtr from = TRY(bind_binary(low));
  ExprPtr to = TRY(bind_binary(high));
  ExprPtr both = std::make_unique<LogicalNode>(true, std::move(from), std::move(to));
  if (!between.negated) return both;
  return ExprPtr(std::make_unique<UnaryNode>(ast::UnaryOp::logical_not, std::move(both)));
}

Result<std::vector<ExprPtr>> Binder::bind_list(const List<ast::Expr*>& list) {
  std::vector<ExprPtr> bound;
  for (const ast::Expr* item : list) bound.push_back(TRY(bind(*item)));
  return bound;
}

// --- CASE, CAST, COLLATE -------------------------------------------------------------------------

Result<ExprPtr> Binder::bind_case(const ast::Case& expr) {
  std::vector<ExprPtr> branches;
  for (const ast::WhenThen& branch : expr.branches) {
    if (expr.operand != nullptr) {
      ast::Binary equal{};
      equal.kind = ast::ExprKind::binary;
      equal.at = branch.when->at;
      equal.op = BinaryOp::eq;
      equal.left = expr.operand;
      equal.right = branch.when;
      branches.push_back(TRY(bind_binary(equal)));
    } else {
      branches.push_back(recode(context_, TRY(bind(*branch.when)), Recode::text));
    }
    branches.push_back(TRY(bind(*branch.then)));
  }
  ExprPtr otherwise;
  if (expr.otherwise != nullptr) otherwise = TRY(bind(*expr.otherwise));
  return ExprPtr(std::make_unique<CaseNode>(std::move(branches), std::move(otherwise)));
}

Result<ExprPtr> Binder::bind_cast(const ast::Cast& cast) {
  ExprPtr operand = TRY(bind(*cast.operand));
  // Without a type it is a cast to NUMERIC, although such a column would have no affinity.
  const bool has_type = ast::present(cast.type) && !cast.type.empty();
  const Affinity to = has_type ? affinity_of_type(cast.type) : Affinity::numeric;
  const Recode mode = to == Affinity::text   ? Recode::cast
                      : to == Affinity::blob ? Recode::bytes
                                             : Recode::text;
  operand = recode(context_, std::move(operand), mode);
  return fold(context_, std::make_unique<CastNode>(std::move(operand), to));
}

Result<ExprPtr> Binder::bind_collate(const ast::Collate& collate) {
  const Collation* collation = Collation::find(collate.collation, context_.encoding());
  if (collation == nullptr) {
    return at(collate.at, cat("no such collation sequence: ", collate.collation));
  }
  ExprPtr operand = TRY(bind(*collate.operand));
  return ExprPtr(std::make_unique<CollateNode>(std::move(operand), *collation));
}

}  // namespace saturn::sql
