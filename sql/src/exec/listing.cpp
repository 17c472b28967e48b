#include "exec/listing.hpp"

#include "base/text.hpp"
#include "exec/nodes.hpp"
#include "exec/recode_node.hpp"
#include "functions/function.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

std::string_view symbol(ast::UnaryOp op) noexcept {
  switch (op) {
    case ast::UnaryOp::plus: return "+";
    case ast::UnaryOp::minus: return "-";
    case ast::UnaryOp::bit_not: return "~";
    case ast::UnaryOp::logical_not: return "NOT";
    case ast::UnaryOp::is_null: return "ISNULL";
    case ast::UnaryOp::not_null: return "NOTNULL";
  }
  return {};
}

std::string_view symbol(ast::BinaryOp op) noexcept {
  switch (op) {
    case ast::BinaryOp::logical_or: return "OR";
    case ast::BinaryOp::logical_and: return "AND";
    case ast::BinaryOp::eq: return "=";
    case ast::BinaryOp::ne: return "<>";
    case ast::BinaryOp::is: return "IS";
    case ast::BinaryOp::is_not: return "IS NOT";
    case ast::BinaryOp::lt: return "<";
    case ast::BinaryOp::le: return "<=";
    case ast::BinaryOp::gt: return ">";
    case ast::BinaryOp::ge: return ">=";
    case ast::BinaryOp::bit_and: return "&";
    case ast::BinaryOp::bit_or: return "|";
    case ast::BinaryOp::lshift: return "<<";
    case ast::BinaryOp::rshift: return ">>";
    case ast::BinaryOp::add: return "+";
    case ast::BinaryOp::subtract: return "-";
    case ast::BinaryOp::multiply: return "*";
    case ast::BinaryOp::divide: return "/";
    case ast::BinaryOp::remainder: return "%";
    case ast::BinaryOp::concat: return "||";
    case ast::BinaryOp::arrow: return "->";
    case ast::BinaryOp::long_arrow: return "->>";
  }
  return {};
}

std::string_view name(Affinity affinity) noexcept {
  switch (affinity) {
    case Affinity::none: return "NONE";
    case Affinity::blob: return "BLOB";
    case Affinity::text: return "TEXT";
    case Affinity::numeric: return "NUMERIC";
    case Affinity::integer: return "INTEGER";
    case Affinity::real: return "REAL";
  }
  return {};
}

std::string_view name(ast::Conflict action) noexcept {
  switch (action) {
    case ast::Conflict::unspecified: return {};
    case ast::Conflict::rollback: return "ROLLBACK";
    case ast::Conflict::abort: return "ABORT";
    case ast::Conflict::fail: return "FAIL";
    case ast::Conflict::ignore: return "IGNORE";
    case ast::Conflict::replace: return "REPLACE";
  }
  return {};
}

std::string with_not(bool negated, std::string_view text) {
  return cat(negated ? "NOT " : "", text);
}

/// What a row says of a node by itself.
struct Shown {
  std::string_view kind;
  std::string text = {};
  std::int64_t number = 0;
};

template <typename T>
const T& as(const ExprNode& node) noexcept {
  return static_cast<const T&>(node);
}

Shown shown(const ExprNode& node) {
  switch (node.kind) {
    case NodeKind::constant: return {"Constant", quoted(as<ConstantNode>(node).value.ref())};
    case NodeKind::parameter: return {"Parameter", {}, as<ParameterNode>(node).number};
    case NodeKind::slot: return {"Slot", {}, as<SlotNode>(node).slot};
    case NodeKind::outer:
      return {"Outer", as<OuterNode>(node).of_changed_row ? "changed row" : "outer query"};
    case NodeKind::unary: return {"Unary", std::string(symbol(as<UnaryNode>(node).op))};
    case NodeKind::arithmetic:
      return {"Arithmetic", std::string(symbol(as<ArithmeticNode>(node).op))};
    case NodeKind::comparison: {
      const auto& comparison = as<ComparisonNode>(node);
      std::string text(symbol(comparison.op));
      if (comparison.applied != Affinity::none) text += cat(" AS ", name(comparison.applied));
      return {"Compare", cat(text, " COLLATE ", comparison.order->name())};
    }
    case NodeKind::logical: return {"Logical", as<LogicalNode>(node).conjunction ? "AND" : "OR"};
    case NodeKind::concat: return {"Concat", "||"};
    case NodeKind::like: {
      static constexpr std::string_view kNames[] = {"LIKE", "GLOB", "REGEXP", "MATCH"};
      return {"Like", std::string(kNames[static_cast<std::size_t>(as<LikeNode>(node).op)])};
    }
    case NodeKind::in_list: return {"InList", with_not(as<InListNode>(node).negated, "IN")};
    case NodeKind::in_subquery:
      return {"InSubquery", with_not(as<InSubqueryNode>(node).negated, "IN")};
    case NodeKind::exists: return {"Exists"};
    case NodeKind::scalar_subquery: return {"Subquery"};
    case NodeKind::function: return {"Function", std::string(as<FunctionNode>(node).function.name)};
    case NodeKind::cast: return {"Cast", std::string(name(node.affinity))};
    case NodeKind::real: return {"Real"};
    case NodeKind::collate: return {"Collate", std::string(node.collation->name())};
    case NodeKind::recode: return {"Recode"};
    case NodeKind::case_when: return {"Case"};
    case NodeKind::coalesce: return {"Coalesce"};
    case NodeKind::raise: return {"Raise", std::string(name(as<RaiseNode>(node).action))};
    case NodeKind::window: return {"Window"};
    case NodeKind::aggregate: return {"Aggregate"};
  }
  return {};
}

}  // namespace

Listing::Part Listing::part(std::string_view kind, std::string text, std::int64_t number) {
  Row row;
  row.kind = kind;
  row.number = number;
  row.parent = open_.empty() ? 0 : open_.back();
  row.depth = open_.size();
  row.text = std::move(text);
  row.role = std::exchange(role_, {});
  open_.push_back(rows_.size());
  rows_.push_back(std::move(row));
  return Part(*this);
}

void Listing::leaf(std::string_view role, std::string_view kind, std::string text,
                   std::int64_t number) {
  role_ = role;
  const Part only = part(kind, std::move(text), number);
}

void Listing::add(std::string_view role, const std::vector<ExprPtr>& what) {
  for (std::size_t i = 0; i < what.size(); ++i) {
    if (what[i]) add(cat(role, " ", i + 1), *what[i]);
  }
}

void Listing::add(std::string_view role, const ExprNode& what) {
  role_ = role;
  Shown row = shown(what);
  const Part part = this->part(row.kind, std::move(row.text), row.number);
  for (const ExprPtr& child : what.children) add("", child);
  add_subquery(what);
}

void Listing::add_subquery(const ExprNode& node) {
  switch (node.kind) {
    case NodeKind::in_subquery:
    case NodeKind::exists:
    case NodeKind::scalar_subquery:
      return add("rows", *static_cast<const SubqueryNode&>(node).plan.root);
    default: return;
  }
}

bool Listing::is_new(const void* shared) {
  if (std::find(shared_.begin(), shared_.end(), shared) != shared_.end()) return false;
  shared_.push_back(shared);
  return true;
}

}  // namespace saturn::sql
