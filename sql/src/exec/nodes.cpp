#include "exec/nodes.hpp"

#include "value/arithmetic.hpp"
#include "value/number.hpp"
#include "value/pattern.hpp"
#include "value/recode.hpp"
#include "value/utf8.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

namespace saturn::sql {

using ast::BinaryOp;

void ExprNode::inherit() noexcept {
  for (const ExprPtr& child : children) {
    tables |= child->tables;
    volatile_result |= child->volatile_result;
    uses_aggregate |= child->uses_aggregate;
    uses_window |= child->uses_window;
    reads_outer |= child->reads_outer;
    expensive |= child->expensive;
    subtypes |= child->subtypes;
    if (collation == nullptr && child->explicit_collation) {
      collation = child->collation;
      explicit_collation = true;
    }
  }
}

namespace {

/// Of an aggregate or a window function: as in SQLite its result has the collation that a COLLATE
/// operator gives one of its arguments, which are the first of its children.
void take_collation(ExprNode& call, std::size_t arguments) noexcept {
  call.collation = nullptr;
  call.explicit_collation = false;
  for (std::size_t i = 0; i < arguments; ++i) {
    if (!call.children[i]->explicit_collation) continue;
    call.collation = call.children[i]->collation;
    call.explicit_collation = true;
    return;
  }
}

}  // namespace

bool same_tree(const ExprNode& a, const ExprNode& b) noexcept {
  if (a.kind != b.kind || a.children.size() != b.children.size() || !a.same(b)) return false;
  for (std::size_t i = 0; i < a.children.size(); ++i) {
    if (!same_tree(*a.children[i], *b.children[i])) return false;
  }
  return true;
}

Result<std::uint32_t> filter_rows(ExprNode& expr, EvalContext& context, Selection selection,
                                  ValueRef* scratch, RowIndex* out) {
  const bool utf16 = is_utf16(context.runtime.session.encoding());
  if (expr.kind == NodeKind::logical && static_cast<LogicalNode&>(expr).conjunction && !utf16) {
    // What the left side does not let pass nobody asks the right side about.
    const std::uint32_t passed =
        TRY(filter_rows(*expr.children[0], context, selection, scratch, out));
    if (passed == 0) return passed;
    return filter_rows(*expr.children[1], context, {out, passed}, scratch, out);
  }
  TRY(expr.eval(context, selection, scratch));
  if (const TextEncoding encoding = context.runtime.session.encoding(); is_utf16(encoding)) {
    for (const RowIndex row : selection) {
      scratch[row] = recoded(scratch[row], Recode::text, encoding, false, context.arena);
    }
  }
  std::uint32_t count = 0;
  for (const RowIndex row : selection) {
    const ValueRef v = scratch[row];
    const bool pass = v.is_integer() ? v.as_integer() != 0 : !v.is_null() && to_boolean(v);
    out[count] = row;
    count += pass ? 1 : 0;
  }
  return count;
}

Result<const ValueRef*> column_of(ExprNode& expr, EvalContext& context, Selection selection,
                                  Scratch& scratch) {
  if (expr.kind == NodeKind::slot) {
    const ValueRef* column = context.batch.columns[static_cast<SlotNode&>(expr).slot];
    ASSERT(column != nullptr);
    return column;
  }
  ValueRef* column = scratch.get();
  TRY(expr.eval(context, selection, column));
  return static_cast<const ValueRef*>(column);
}

Result<ValueRef> eval_one(ExprNode& expr, Runtime& runtime, ValueArena& arena, const Batch& batch) {
  EvalContext context{runtime, arena, batch};
  ValueRef out;
  TRY(expr.eval(context, first_rows(1), &out));
  return out;
}

Result<void> ConstantNode::eval(EvalContext&, Selection selection, ValueRef* out) {
  const ValueRef v = value.ref();
  for (const RowIndex row : selection) out[row] = v;
  return {};
}
bool ConstantNode::same(const ExprNode& other) const noexcept {
  return value == static_cast<const ConstantNode&>(other).value;
}

Result<void> ParameterNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  const ValueRef v = context.runtime.parameters[number - 1];
  for (const RowIndex row : selection) out[row] = v;
  return {};
}
bool ParameterNode::same(const ExprNode& other) const noexcept {
  return number == static_cast<const ParameterNode&>(other).number;
}

Result<void> SlotNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  const ValueRef* in = context.batch.columns[slot];
  ASSERT(in != nullptr);
  for (const RowIndex row : selection) out[row] = in[row];
  return {};
}
bool SlotNode::same(const ExprNode& other) const noexcept {
  return slot == static_cast<const SlotNode&>(other).slot;
}

Result<void> OuterNode::eval(EvalContext&, Selection selection, ValueRef* out) {
  for (const RowIndex row : selection) out[row] = *cell;
  return {};
}
bool OuterNode::same(const ExprNode& other) const noexcept {
  return cell == static_cast<const OuterNode&>(other).cell;
}

// --- unary ---------------------------------------------------------------------------------------

UnaryNode::UnaryNode(ast::UnaryOp o, ExprPtr operand) : ExprNode(NodeKind::unary), op(o) {
  if (o == ast::UnaryOp::plus) {
    collation = operand->collation;
    explicit_collation = operand->explicit_collation;
  }
  children.push_back(std::move(operand));
  inherit();
}
bool UnaryNode::same(const ExprNode& other) const noexcept {
  return op == static_cast<const UnaryNode&>(other).op;
}

Result<void> UnaryNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  switch (op) {
    case ast::UnaryOp::plus: break;
    case ast::UnaryOp::minus:
      for (const RowIndex row : selection) out[row] = negate(out[row]);
      break;
    case ast::UnaryOp::bit_not:
      for (const RowIndex row : selection) out[row] = bit_not(out[row]);
      break;
    case ast::UnaryOp::logical_not:
      for (const RowIndex row : selection) {
        if (!out[row].is_null()) out[row] = ValueRef::integer(to_boolean(out[row]) ? 0 : 1);
      }
      break;
    case ast::UnaryOp::is_null:
      for (const RowIndex row : selection) out[row] = ValueRef::integer(out[row].is_null() ? 1 : 0);
      break;
    case ast::UnaryOp::not_null:
      for (const RowIndex row : selection) out[row] = ValueRef::integer(out[row].is_null() ? 0 : 1);
      break;
  }
  return {};
}

// --- arithmetic ----------------------------------------------------------------------------------

ArithmeticNode::ArithmeticNode(BinaryOp o, ExprPtr left, ExprPtr right)
    : ExprNode(NodeKind::arithmetic), op(o) {
  children.push_back(std::move(left));
  children.push_back(std::move(right));
  inherit();
}
bool ArithmeticNode::same(const ExprNode& other) const noexcept {
  return op == static_cast<const ArithmeticNode&>(other).op;
}

namespace {

/// Both operands are left in place: `left[row] = f(left[row], right[row])`, with the cases that
/// need no conversion tried first.
template <typename Fast, typename Slow>
void combine(Selection selection, ValueRef* left, const ValueRef* right, Fast fast, Slow slow) {
  for (const RowIndex row : selection) {
    if (left[row].is_real() && right[row].is_real()) {
      left[row] = ValueRef::real(fast(left[row].as_real(), right[row].as_real()));
    } else {
      left[row] = slow(left[row], right[row]);
    }
  }
}

template <typename Slow>
void combine(Selection selection, ValueRef* left, const ValueRef* right, Slow slow) {
  for (const RowIndex row : selection) left[row] = slow(left[row], right[row]);
}

}  // namespace

Result<void> ArithmeticNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  ValueRef* right = right_.get();
  TRY(children[1]->eval(context, selection, right));
  switch (op) {
    case BinaryOp::add:
      combine(
          selection, out, right, [](double a, double b) { return a + b; }, add);
      break;
    case BinaryOp::subtract:
      combine(
          selection, out, right, [](double a, double b) { return a - b; }, subtract);
      break;
    case BinaryOp::multiply:
      combine(
          selection, out, right, [](double a, double b) { return a * b; }, multiply);
      break;
    case BinaryOp::divide: combine(selection, out, right, divide); break;
    case BinaryOp::remainder: combine(selection, out, right, remainder); break;
    case BinaryOp::bit_and: combine(selection, out, right, bit_and); break;
    case BinaryOp::bit_or: combine(selection, out, right, bit_or); break;
    case BinaryOp::lshift: combine(selection, out, right, shift_left); break;
    case BinaryOp::rshift: combine(selection, out, right, shift_right); break;
    default: ASSERT(false);
  }
  return {};
}

ConcatNode::ConcatNode(ExprPtr left, ExprPtr right) : ExprNode(NodeKind::concat) {
  children.push_back(std::move(left));
  children.push_back(std::move(right));
  inherit();
}
bool ConcatNode::same(const ExprNode&) const noexcept { return true; }

Result<void> ConcatNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  ValueRef* right = right_.get();
  TRY(children[1]->eval(context, selection, right));
  for (const RowIndex row : selection) {
    out[row] = TRY(concatenate(out[row], right[row], context.arena));
    TRY(context.runtime.session.memory.check(context.arena.large_bytes()));
  }
  return {};
}

// --- comparison ----------------------------------------------------------------------------------

const Collation* comparison_collation(const ExprNode& left, const ExprNode& right,
                                      const Collation& otherwise) noexcept {
  if (left.explicit_collation) return left.collation;
  if (right.explicit_collation) return right.collation;
  if (left.collation != nullptr) return left.collation;
  if (right.collation != nullptr) return right.collation;
  return &otherwise;
}

ComparisonNode::ComparisonNode(BinaryOp o, ExprPtr left, ExprPtr right, const Collation& otherwise)
    : ExprNode(NodeKind::comparison),
      op(o),
      applied(comparison_affinity(left->affinity, right->affinity)),
      order(comparison_collation(*left, *right, otherwise)) {
  children.push_back(std::move(left));
  children.push_back(std::move(right));
  inherit();
}
bool ComparisonNode::same(const ExprNode& other) const noexcept {
  const auto& o = static_cast<const ComparisonNode&>(other);
  return op == o.op && applied == o.applied && order == o.order;
}

template <BinaryOp Op>
void ComparisonNode::compare_rows(EvalContext& context, Selection selection, Operand left,
                                  Operand right, ValueRef* out) {
  const auto holds = [](auto a, auto b) {
    if constexpr (Op == BinaryOp::eq || Op == BinaryOp::is) return a == b;
    if constexpr (Op == BinaryOp::ne || Op == BinaryOp::is_not) return a != b;
    if constexpr (Op == BinaryOp::lt) return a < b;
    if constexpr (Op == BinaryOp::le) return a <= b;
    if constexpr (Op == BinaryOp::gt) return a > b;
    if constexpr (Op == BinaryOp::ge) return a >= b;
  };
  constexpr bool kNullSafe = Op == BinaryOp::is || Op == BinaryOp::is_not;
  for (const RowIndex row : selection) {
    ValueRef a = left.values[row & left.mask];
    ValueRef b = right.values[row & right.mask];
    bool result;
    if (a.is_integer() && b.is_integer()) {
      result = holds(a.as_integer(), b.as_integer());
    } else if (!kNullSafe && (a.is_null() || b.is_null())) {
      out[row] = ValueRef();
      continue;
    } else if (kNullSafe && (a.is_null() || b.is_null())) {
      result = holds(a.is_null() && b.is_null(), true);
    } else {
      if (applied > Affinity::blob &&
          (is_numeric(applied) || a.type() != b.type() || !a.is_text())) {
        apply_comparison_affinity(a, b, applied, context.arena);
      }
      if (a.is_real() && b.is_real()) {
        result = holds(a.as_real(), b.as_real());
      } else {
        result = holds(compare(a, b, *order), 0);
      }
    }
    out[row] = ValueRef::integer(result ? 1 : 0);
  }
}

/// A side's values: a slot's column is read where it is, and what is the same for all rows is
/// `one`.
Result<ComparisonNode::Operand> ComparisonNode::operand(EvalContext& context, Selection selection,
                                                        ExprNode& node, Scratch& scratch,
                                                        ValueRef& one) {
  switch (node.kind) {
    case NodeKind::constant: one = static_cast<ConstantNode&>(node).value.ref(); break;
    case NodeKind::parameter:
      one = context.runtime.parameters[static_cast<ParameterNode&>(node).number - 1];
      break;
    case NodeKind::outer: one = *static_cast<OuterNode&>(node).cell; break;
    default: {
      const ValueRef* const column = TRY(column_of(node, context, selection, scratch));
      return Operand{column, kEachRow};
    }
  }
  return Operand{&one, 0};
}

Result<void> ComparisonNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  ValueRef left_value;
  ValueRef right_value;
  const Operand left = TRY(operand(context, selection, *children[0], left_, left_value));
  const Operand right = TRY(operand(context, selection, *children[1], right_, right_value));
  switch (op) {
    case BinaryOp::eq: compare_rows<BinaryOp::eq>(context, selection, left, right, out); break;
    case BinaryOp::ne: compare_rows<BinaryOp::ne>(context, selection, left, right, out); break;
    case BinaryOp::is: compare_rows<BinaryOp::is>(context, selection, left, right, out); break;
    case BinaryOp::is_not:
      compare_rows<BinaryOp::is_not>(context, selection, left, right, out);
      break;
    case BinaryOp::lt: compare_rows<BinaryOp::lt>(context, selection, left, right, out); break;
    case BinaryOp::le: compare_rows<BinaryOp::le>(context, selection, left, right, out); break;
    case BinaryOp::gt: compare_rows<BinaryOp::gt>(context, selection, left, right, out); break;
    case BinaryOp::ge: compare_rows<BinaryOp::ge>(context, selection, left, right, out); break;
    default: ASSERT(false);
  }
  return {};
}

// --- logic ---------------------------------------------------------------------------------------

LogicalNode::LogicalNode(bool is_and, ExprPtr left, ExprPtr right)
    : ExprNode(NodeKind::logical), conjunction(is_and) {
  children.push_back(std::move(left));
  children.push_back(std::move(right));
  inherit();
}
bool LogicalNode::same(const ExprNode& other) const noexcept {
  return conjunction == static_cast<const LogicalNode&>(other).conjunction;
}

namespace {

enum class Truth : std::uint8_t { no, yes, unknown };

Truth truth_of(ValueRef v) noexcept {
  if (v.is_null()) return Truth::unknown;
  return to_boolean(v) ? Truth::yes : Truth::no;
}

}  // namespace

Result<void> LogicalNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  if (!rows_) rows_ = std::make_unique<RowIndex[]>(limits::kBatchRows);
  // The left operand decides alone where it is false (AND) or true (OR).
  const Truth decisive = conjunction ? Truth::no : Truth::yes;
  const ValueRef decided = ValueRef::integer(conjunction ? 0 : 1);
  std::uint32_t undecided = 0;
  for (const RowIndex row : selection) {
    if (truth_of(out[row]) == decisive) {
      out[row] = decided;
    } else {
      rows_[undecided++] = row;
    }
  }
  if (undecided == 0) return {};
  const Selection rest{rows_.get(), undecided};
  ValueRef* right = right_.get();
  TRY(children[1]->eval(context, rest, right));
  for (const RowIndex row : rest) {
    const Truth r = truth_of(right[row]);
    if (r == decisive) {
      out[row] = decided;
    } else if (r == Truth::unknown || out[row].is_null()) {
      out[row] = ValueRef();
    } else {
      out[row] = ValueRef::integer(conjunction ? 1 : 0);
    }
  }
  return {};
}

LikeNode::LikeNode(ast::LikeOp o, ExprPtr text, ExprPtr pattern, ExprPtr escape)
    : ExprNode(NodeKind::like), op(o) {
  children.push_back(std::move(text));
  children.push_back(std::move(pattern));
  if (escape) children.push_back(std::move(escape));
  inherit();
}
bool LikeNode::same(const ExprNode& other) const noexcept {
  return op == static_cast<const LikeNode&>(other).op;
}

Result<void> LikeNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  ValueRef* pattern = pattern_.get();
  TRY(children[1]->eval(context, selection, pattern));
  ValueRef* escape = nullptr;
  if (children.size() > 2) {
    escape = escape_.get();
    TRY(children[2]->eval(context, selection, escape));
  }
  const bool case_sensitive = context.runtime.session.case_sensitive_like;
  for (const RowIndex row : selection) {
    if (out[row].is_blob() || pattern[row].is_blob()) {
      out[row] = ValueRef::integer(0);  // a blob is like nothing
      continue;
    }
    if (out[row].is_null() || pattern[row].is_null() || (escape && escape[row].is_null())) {
      out[row] = ValueRef();
      continue;
    }
    const std::string_view text = to_text(out[row], context.arena);
    const std::string_view shape = to_text(pattern[row], context.arena);
    if (shape.size() > limits::kLikePatternBytesMax) {
      return Error(Code::error, "LIKE or GLOB pattern too complex");
    }
    bool match;
    if (op == ast::LikeOp::glob) {
      match = glob(shape, text);
    } else {
      std::uint32_t escape_char = kNoEscape;
      if (escape) {
        const std::string_view e = to_text(escape[row], context.arena);
        if (count_utf8(e) != 1) {
          return Error(Code::error, "ESCAPE expression must be a single character");
        }
        std::size_t at = 0;
        escape_char = read_utf8(e, at);
      }
      match = like(shape, text, escape_char, case_sensitive);
    }
    out[row] = ValueRef::integer(match ? 1 : 0);
    TRY(context.runtime.spend(text.size()));
  }
  return {};
}

// --- sets ----------------------------------------------------------------------------------------

namespace {

std::size_t mix(std::uint64_t x) noexcept {
  x ^= x >> 32;
  x *= 0x9e37'79b9'7f4a'7c15ULL;
  x ^= x >> 29;
  return static_cast<std::size_t>(x);
}

/// Most texts are short.
std::size_t hash_bytes(std::string_view bytes) noexcept {
  if (bytes.size() > sizeof(std::uint64_t)) return std::hash<std::string_view>()(bytes);
  std::uint64_t packed = 0;
  if (!bytes.empty()) std::memcpy(&packed, bytes.data(), bytes.size());
  return mix(packed + bytes.size() * 0x2545'f491'4f6c'dd1dULL);
}

}  // namespace

std::size_t hash_value(ValueRef v, const Collation& collation) noexcept {
  switch (v.type()) {
    case Type::null: return 0x51ed'270b;
    case Type::integer: return mix(static_cast<std::uint64_t>(v.as_integer()));
    case Type::real: {
      const double r = v.as_real();
      constexpr double kEnd = 9223372036854775808.0;  // 2^63, the first that is no integer
      if (r >= -kEnd && r < kEnd && r == std::trunc(r)) {
        return mix(static_cast<std::uint64_t>(static_cast<std::int64_t>(r)));
      }
      return mix(std::bit_cast<std::uint64_t>(r) ^ 0x5555);
    }
    case Type::text: {
      std::string_view t = v.bytes();
      if (collation.kind == Collation::Kind::binary) return hash_bytes(t);
      std::string utf8;
      if (is_utf16(collation.encoding) && !leaves_unchanged(t)) t = utf8 = leaving_text(t);
      if (collation.kind == Collation::Kind::nocase) return NocaseHash()(t);
      while (!t.empty() && t.back() == ' ') t.remove_suffix(1);
      return std::hash<std::string_view>()(t);
    }
    case Type::blob: return hash_bytes(v.bytes()) ^ 0x77;
  }
  return 0;
}

std::size_t ValueSet::find(ValueRef v, std::size_t hash) const noexcept {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const std::uint32_t entry = table_[at];
    if (entry == 0) return at;
    if (hashes_[entry - 1] == hash && compare(entries_[entry - 1], v, collation_) == 0) return at;
  }
}

void ValueSet::grow() {
  table_.assign(table_.empty() ? 16 : table_.size() * 2, 0);
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = hashes_[i] & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = i + 1;
  }
}

bool ValueSet::add(ValueRef v) {
  if ((entries_.size() + 1) * 2 > table_.size()) grow();
  const std::size_t hash = hash_value(v, collation_);
  const std::size_t at = find(v, hash);
  if (table_[at] != 0) return false;
  entries_.push_back(arena_.copy(v));
  hashes_.push_back(hash);
  table_[at] = static_cast<std::uint32_t>(entries_.size());
  return true;
}

bool ValueSet::contains(ValueRef v) const noexcept {
  if (entries_.empty()) return false;
  return table_[find(v, hash_value(v, collation_))] != 0;
}

void ValueSet::clear() noexcept {
  entries_.clear();
  hashes_.clear();
  table_.clear();
  arena_.reset();
  has_null_ = false;
}

InListNode::InListNode(bool n, ExprPtr operand, std::vector<ExprPtr> list,
                       const Collation& otherwise)
    : ExprNode(NodeKind::in_list),
      negated(n),
      applied(comparison_affinity(operand->affinity, Affinity::none)),
      order(operand->collation != nullptr ? operand->collation : &otherwise),
      set_(*order) {
  children.push_back(std::move(operand));
  list_is_constant_ = true;
  for (ExprPtr& item : list) {
    list_is_constant_ = list_is_constant_ && item->run_constant();
    children.push_back(std::move(item));
  }
  inherit();
}
bool InListNode::same(const ExprNode& other) const noexcept {
  const auto& o = static_cast<const InListNode&>(other);
  return negated == o.negated && applied == o.applied && order == o.order;
}

namespace {

/// x IN S: true when found, else NULL when x or anything in S is NULL.
ValueRef membership(ValueRef v, const ValueSet& set, bool negated) {
  if (set.size() == 0 && !set.has_null()) return ValueRef::integer(negated ? 1 : 0);
  if (v.is_null()) return {};
  if (set.contains(v)) return ValueRef::integer(negated ? 0 : 1);
  if (set.has_null()) return {};
  return ValueRef::integer(negated ? 1 : 0);
}

}  // namespace

Result<void> InListNode::fill_set(EvalContext& context) {
  set_.clear();
  for (std::size_t i = 1; i < children.size(); ++i) {
    ValueRef v;
    TRY(children[i]->eval(context, first_rows(1), &v));
    if (v.is_null()) {
      set_.add_null();
    } else {
      set_.add(with_comparison_affinity(v, applied, context.arena));
    }
  }
  set_run_ = context.runtime.run;
  return {};
}

Result<void> InListNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  if (list_is_constant_) {
    if (set_run_ != context.runtime.run) TRY(fill_set(context));
    for (const RowIndex row : selection) {
      out[row] =
          membership(with_comparison_affinity(out[row], applied, context.arena), set_, negated);
    }
    return {};
  }
  std::vector<ValueRef> operand(limits::kBatchRows);
  for (const RowIndex row : selection) {
    operand[row] = with_comparison_affinity(out[row], applied, context.arena);
    out[row] = operand[row].is_null() && children.size() > 1 ? ValueRef()
                                                             : ValueRef::integer(negated ? 1 : 0);
  }
  ValueRef* item = item_.get();
  std::vector<bool> found(limits::kBatchRows, false);
  for (std::size_t i = 1; i < children.size(); ++i) {
    TRY(children[i]->eval(context, selection, item));
    for (const RowIndex row : selection) {
      if (found[row] || operand[row].is_null()) continue;
      if (item[row].is_null()) {
        out[row] = ValueRef();
      } else if (compare(operand[row], with_comparison_affinity(item[row], applied, context.arena),
                         *order) == 0) {
        found[row] = true;
        out[row] = ValueRef::integer(negated ? 0 : 1);
      }
    }
  }
  return {};
}

void drop_subtypes(const ExprNode& expr, Selection selection, ValueRef* values) noexcept {
  if (expr.subtypes) return;
  for (const RowIndex row : selection) values[row].set_subtype(0);
}

// --- functions and casts -------------------------------------------------------------------------

FunctionNode::FunctionNode(const Function& f, std::vector<ExprPtr> arguments,
                           const Collation& otherwise)
    : ExprNode(NodeKind::function), function(f), order_(&otherwise) {
  children = std::move(arguments);
  for (const ExprPtr& child : children) {
    if (child->collation != nullptr) {
      order_ = child->collation;
      break;
    }
  }
  inherit();
  volatile_result |= !f.deterministic;
  subtypes |= f.subtypes;
  columns_.resize(children.size());
  arguments_.resize(children.size());
}
bool FunctionNode::same(const ExprNode& other) const noexcept {
  const auto& o = static_cast<const FunctionNode&>(other);
  return &function == &o.function && !volatile_result;
}

namespace {

std::size_t byte_count(ValueRef v) noexcept {
  return v.is_text() || v.is_blob() ? v.bytes().size() : 0;
}

}  // namespace

Result<void> FunctionNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  for (std::size_t i = 0; i < children.size(); ++i) {
    TRY(children[i]->eval(context, selection, columns_[i].get()));
    if (function.subtypes) drop_subtypes(*children[i], selection, columns_[i].get());
  }
  FunctionContext call{context.arena, context.runtime.session.counters};
  call.collation = order_;
  call.now_ms = context.runtime.now_ms;
  for (const RowIndex row : selection) {
    for (std::size_t i = 0; i < children.size(); ++i) arguments_[i] = columns_[i].get()[row];
    out[row] = TRY(function.scalar(call, arguments_));
    TRY(context.runtime.session.memory.check(context.arena.large_bytes()));
    std::size_t handled = byte_count(out[row]);
    for (const ValueRef argument : arguments_) handled += byte_count(argument);
    TRY(context.runtime.spend(handled));
  }
  if (call.used_now && !context.runtime.pure_in.empty()) {
    return Error(Code::error, cat("non-deterministic use of ", function.name, "() in ",
                                  context.runtime.pure_in));
  }
  return {};
}

WindowNode::WindowNode(Parts p) : ExprNode(NodeKind::window), parts(std::move(p)) {
  children = std::move(parts.children);
  inherit();
  take_collation(*this, parts.arguments);
  uses_window = true;
}

Result<void> WindowNode::eval(EvalContext&, Selection, ValueRef*) {
  return Error(Code::internal, "a window function outside of a window");
}

RaiseNode::RaiseNode(ast::Conflict a, ExprPtr message) : ExprNode(NodeKind::raise), action(a) {
  if (message) children.push_back(std::move(message));
  inherit();
  volatile_result = true;
}

Result<void> RaiseNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  if (selection.count == 0) return {};
  Runtime& runtime = context.runtime;
  if (action == ast::Conflict::ignore) {
    runtime.raised_ignore = true;
    return Error(Code::constraint_trigger, "RAISE(IGNORE)");
  }
  const Selection first{selection.rows, 1};
  TRY(children[0]->eval(context, first, out));
  const ValueRef message = cast(out[selection.rows[0]], Affinity::text, context.arena);
  if (action == ast::Conflict::fail) runtime.on_error = OnError::fail;
  if (action == ast::Conflict::rollback) runtime.on_error = OnError::rollback;
  return Error(Code::constraint_trigger,
               message.is_null() ? std::string() : std::string(message.bytes()));
}

CastNode::CastNode(ExprPtr operand, Affinity to) : ExprNode(NodeKind::cast) {
  collation = operand->collation;
  explicit_collation = operand->explicit_collation;
  children.push_back(std::move(operand));
  inherit();
  affinity = to;
}
bool CastNode::same(const ExprNode& other) const noexcept { return affinity == other.affinity; }

Result<void> CastNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  for (const RowIndex row : selection) out[row] = cast(out[row], affinity, context.arena);
  return {};
}

RealNode::RealNode(ExprPtr operand) : ExprNode(NodeKind::real) {
  collation = operand->collation;
  explicit_collation = operand->explicit_collation;
  children.push_back(std::move(operand));
  inherit();
  affinity = Affinity::real;
}

Result<void> RealNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  for (const RowIndex row : selection) {
    if (out[row].is_integer()) out[row] = ValueRef::real(to_real(out[row]));
  }
  return {};
}

CollateNode::CollateNode(ExprPtr operand, const Collation& c) : ExprNode(NodeKind::collate) {
  collation = &c;
  explicit_collation = true;
  affinity = operand->affinity;
  children.push_back(std::move(operand));
  inherit();
}
bool CollateNode::same(const ExprNode& other) const noexcept {
  return collation == other.collation;
}
Result<void> CollateNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  return children[0]->eval(context, selection, out);
}

// --- choices -------------------------------------------------------------------------------------

CaseNode::CaseNode(std::vector<ExprPtr> branches, ExprPtr otherwise)
    : ExprNode(NodeKind::case_when), branches_(branches.size() / 2) {
  children = std::move(branches);
  if (otherwise) children.push_back(std::move(otherwise));
  inherit();
}
bool CaseNode::same(const ExprNode& other) const noexcept {
  return branches_ == static_cast<const CaseNode&>(other).branches_;
}

Result<void> CaseNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  if (!rows_) rows_ = std::make_unique<RowIndex[]>(std::size_t{2} * limits::kBatchRows);
  RowIndex* open = rows_.get();
  RowIndex* hit = open + limits::kBatchRows;
  std::uint32_t open_count = 0;
  for (const RowIndex row : selection) open[open_count++] = row;
  ValueRef* when = when_.get();
  for (std::size_t b = 0; b < branches_ && open_count > 0; ++b) {
    TRY(children[2 * b]->eval(context, {open, open_count}, when));
    std::uint32_t still_open = 0;
    std::uint32_t hits = 0;
    for (std::uint32_t i = 0; i < open_count; ++i) {
      const RowIndex row = open[i];
      if (truth_of(when[row]) == Truth::yes) {
        hit[hits++] = row;
      } else {
        open[still_open++] = row;
      }
    }
    open_count = still_open;
    if (hits > 0) TRY(children[2 * b + 1]->eval(context, {hit, hits}, out));
  }
  if (open_count == 0) return {};
  if (children.size() > 2 * branches_) {
    return children.back()->eval(context, {open, open_count}, out);
  }
  for (std::uint32_t i = 0; i < open_count; ++i) out[open[i]] = ValueRef();
  return {};
}

CoalesceNode::CoalesceNode(std::vector<ExprPtr> arguments) : ExprNode(NodeKind::coalesce) {
  children = std::move(arguments);
  inherit();
}
bool CoalesceNode::same(const ExprNode&) const noexcept { return true; }

Result<void> CoalesceNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  if (!rows_) rows_ = std::make_unique<RowIndex[]>(limits::kBatchRows);
  std::uint32_t open = 0;
  for (const RowIndex row : selection) rows_[open++] = row;
  for (const ExprPtr& child : children) {
    if (open == 0) break;
    TRY(child->eval(context, {rows_.get(), open}, out));
    std::uint32_t still_open = 0;
    for (std::uint32_t i = 0; i < open; ++i) {
      if (out[rows_[i]].is_null()) rows_[still_open++] = rows_[i];
    }
    open = still_open;
  }
  return {};
}

// --- aggregates ----------------------------------------------------------------------------------

AggregateNode::AggregateNode(const Function& f, Parts parts)
    : ExprNode(NodeKind::aggregate),
      function(f),
      distinct(parts.distinct),
      directions(std::move(parts.directions)),
      has_filter(parts.filter != nullptr) {
  const std::size_t arguments = parts.arguments.size();
  children = std::move(parts.arguments);
  for (ExprPtr& term : parts.order) children.push_back(std::move(term));
  if (parts.filter) children.push_back(std::move(parts.filter));
  inherit();
  subtypes |= f.subtypes;
  take_collation(*this, arguments);
  uses_aggregate = true;
}
bool AggregateNode::same(const ExprNode& other) const noexcept {
  const auto& o = static_cast<const AggregateNode&>(other);
  return &function == &o.function && distinct == o.distinct && has_filter == o.has_filter &&
         directions == o.directions;
}
Result<void> AggregateNode::eval(EvalContext&, Selection, ValueRef*) {
  return Error(Code::error, "misuse of aggregate: " + std::string(function.name) + "()");
}

}  // namespace saturn::sql
