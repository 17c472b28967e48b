#include "functions/table_function.hpp"

#include "base/text.hpp"
#include "pragma/pragma.hpp"

#include <unordered_map>

namespace saturn::sql {

const TableFunction* find_table_function(std::string_view name) noexcept {
  using ByName =
      std::unordered_map<std::string_view, const TableFunction*, NocaseHash, NocaseEqual>;
  static const ByName kFunctions = [] {
    ByName functions;
    const auto add = [&](const TableFunction& f) { functions[f.name] = &f; };
    add(series_function());
    for (const TableFunction* function : json_table_functions()) add(*function);
    for (const auto& function : pragma_functions()) add(*function);
    return functions;
  }();
  const auto found = kFunctions.find(name);
  return found == kFunctions.end() ? nullptr : found->second;
}

}  // namespace saturn::sql
