#pragma once

#include "exec/operator.hpp"

#include <cstdint>
#include <vector>

namespace saturn::sql {

/// Hands every row that `input`, which is open, has yet to give to `add`: its first `width` values,
/// good until `add` returns a Result. // SUSPENDS
template <typename Add>
Result<void> add_rows(Runtime& runtime, Operator& input, std::uint32_t width, Add add) {
  std::vector<ValueRef> values(width);
  for (;;) {
    const Batch* batch = TRY(input.next());
    if (batch == nullptr) return {};
    TRY(runtime.poll());
    for (const RowIndex row : batch->selection) {
      for (std::uint32_t i = 0; i < width; ++i) values[i] = batch->columns[i][row];
      TRY(add(values.data()));
    }
  }
}

/// Runs `input` from its start to its end, and hands its rows to `add`. // SUSPENDS
template <typename Add>
Result<void> take_rows(Runtime& runtime, Operator& input, std::uint32_t width, Add add) {
  TRY(input.open());
  TRY(add_rows(runtime, input, width, std::move(add)));
  input.close();
  return {};
}

}  // namespace saturn::sql
