#include "exec/recode_node.hpp"

#include "exec/nodes.hpp"

namespace saturn::sql {
namespace {

/// Where a blob is that SQLite takes for UTF-8 when it has to be a text: what is bound, and zeros.
bool gives_utf8_blobs(const ExprNode& expr) noexcept {
  if (expr.kind == NodeKind::parameter) return true;
  return expr.kind == NodeKind::function &&
         static_cast<const FunctionNode&>(expr).function.name == "zeroblob";
}

}  // namespace

RecodeNode::RecodeNode(ExprPtr operand, Recode m, TextEncoding e)
    : ExprNode(NodeKind::recode), mode(m), encoding(e), utf8_blob_(gives_utf8_blobs(*operand)) {
  affinity = operand->affinity;
  collation = operand->collation;
  explicit_collation = operand->explicit_collation;
  children.push_back(std::move(operand));
  inherit();
}

Result<void> RecodeNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  for (const RowIndex row : selection) {
    out[row] = recoded(out[row], mode, encoding, utf8_blob_, context.arena);
  }
  return {};
}

}  // namespace saturn::sql
