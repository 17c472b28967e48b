#pragma once

#include "exec/expr.hpp"
#include "value/recode.hpp"

namespace saturn::sql {

/// A conversion that only expressions of UTF-16 databases have. Its child is the operand, whose
/// affinity and collation it has.
class RecodeNode final : public ExprNode {
 public:
  RecodeNode(ExprPtr operand, Recode m, TextEncoding e);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override {
    return mode == static_cast<const RecodeNode&>(other).mode;
  }
  const Recode mode;
  const TextEncoding encoding;

 private:
  const bool utf8_blob_;
};

}  // namespace saturn::sql
