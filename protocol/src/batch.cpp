#include "protocol/batch.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

namespace saturn::protocol {
namespace {

struct Evaluation {
  std::span<const StepOutcome> earlier;
  bool is_autocommit;

  Result<bool> has_outcome(std::uint32_t step, StepOutcome outcome) const {
    if (step >= earlier.size()) {
      return Error(Code::protocol, cat("the condition of step ", earlier.size(), " refers to step ",
                                       step, ", which is not an earlier one"));
    }
    return earlier[step] == outcome;
  }

  /// True as soon as an operand is `wanted`.
  Result<bool> any(const BatchCond& cond, bool wanted, unsigned depth) const {
    for (const BatchCond& operand : cond.conds) {
      if (TRY(holds(operand, depth + 1)) == wanted) return true;
    }
    return false;
  }

  Result<bool> holds(const BatchCond& cond, unsigned depth) const {
    if (depth >= limits::kConditionDepthMax) {
      return Error(Code::protocol,
                   cat("conditions nested deeper than ", limits::kConditionDepthMax, " levels"));
    }
    switch (cond.kind) {
      case BatchCond::Kind::ok: return has_outcome(cond.step, StepOutcome::ok);
      case BatchCond::Kind::error: return has_outcome(cond.step, StepOutcome::error);
      case BatchCond::Kind::negation:
        if (cond.conds.size() != 1) {
          return Error(Code::protocol, "the condition \"not\" needs one operand");
        }
        return !TRY(holds(cond.conds[0], depth + 1));
      case BatchCond::Kind::conjunction: return !TRY(any(cond, false, depth));
      case BatchCond::Kind::disjunction: return any(cond, true, depth);
      case BatchCond::Kind::is_autocommit: return is_autocommit;
    }
    return Error(Code::protocol, "unknown type of condition");
  }
};

}  // namespace

Result<bool> evaluate(const BatchCond& cond, std::span<const StepOutcome> earlier,
                      bool is_autocommit) {
  return Evaluation{earlier, is_autocommit}.holds(cond, 0);
}

}  // namespace saturn::protocol
