#pragma once

#include "base/result.hpp"
#include "protocol/messages.hpp"

#include <span>

namespace saturn::protocol {

/// What became of a step of a batch. Of a skipped step both `ok` and `error` are false.
enum class StepOutcome : std::uint8_t { skipped, ok, error };

/// Whether the step after those of `earlier` runs ("Batch conditions" of the Hrana specifications):
/// an empty `and` is true, an empty `or` is false. `is_autocommit` says whether the stream is
/// outside of a transaction now. Fails with `Code::protocol` when the condition refers to a step
/// that is not in `earlier`, nests deeper than `limits::kConditionDepthMax`, or is a `negation`
/// without exactly one operand: decoders let none of these through. Pure.
Result<bool> evaluate(const BatchCond& cond, std::span<const StepOutcome> earlier,
                      bool is_autocommit);

}  // namespace saturn::protocol
