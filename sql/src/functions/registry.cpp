#include "base/limits.hpp"
#include "base/text.hpp"
#include "functions/function.hpp"

#include <unordered_map>
#include <vector>

namespace saturn::sql {

namespace {

using Index =
    std::unordered_map<std::string_view, std::vector<const Function*>, NocaseHash, NocaseEqual>;

Index make_index() {
  Index index;
  for (const auto functions : all_functions()) {
    for (const Function& function : functions) {
      index[function.name].push_back(&function);
    }
  }
  return index;
}

}  // namespace

std::span<const std::span<const Function>> all_functions() noexcept {
  static const std::span<const Function> kAreas[] = {
      core_functions(),   datetime_functions(), format_functions(),    text_functions(),
      window_functions(), math_functions(),     aggregate_functions(), json_functions(),
      json_aggregates(),  build_functions(),    escape_functions(),    percentile_functions(),
      regexp_functions(), uuid_functions()};
  return kAreas;
}

Result<const Function*> FunctionRegistry::find(std::string_view name, int argument_count) {
  static const Index kIndex = make_index();
  const auto found = kIndex.find(name);
  if (found == kIndex.end()) {
    return Error(Code::error, cat("no such function: ", name));
  }
  if (argument_count > static_cast<int>(limits::kFunctionArgumentsMax)) {
    return Error(Code::error, cat("too many arguments on function ", name));
  }
  for (const Function* function : found->second) {
    if (function->takes(argument_count)) {
      return function;
    }
  }
  return Error(Code::error, cat("wrong number of arguments to function ", name, "()"));
}

}  // namespace saturn::sql
