#include "functions/function.hpp"

namespace saturn::sql {
namespace {

constexpr Function window(std::string_view name, int arguments_min, int arguments_max,
                          WindowFunction function) {
  Function f{name, arguments_min, arguments_max, nullptr};
  f.window = function;
  return f;
}

constexpr Function kFunctions[] = {
    window("row_number", 0, 0, WindowFunction::row_number),
    window("rank", 0, 0, WindowFunction::rank),
    window("dense_rank", 0, 0, WindowFunction::dense_rank),
    window("percent_rank", 0, 0, WindowFunction::percent_rank),
    window("cume_dist", 0, 0, WindowFunction::cume_dist),
    window("ntile", 1, 1, WindowFunction::ntile),
    window("lag", 1, 3, WindowFunction::lag),
    window("lead", 1, 3, WindowFunction::lead),
    window("first_value", 1, 1, WindowFunction::first_value),
    window("last_value", 1, 1, WindowFunction::last_value),
    window("nth_value", 2, 2, WindowFunction::nth_value),
};

}  // namespace

std::span<const Function> window_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
