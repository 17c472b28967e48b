#pragma once

#include "base/value.hpp"

#include <string>
#include <string_view>

namespace saturn::sql {

/// Whether a column of a STRICT table with this type takes the value, affinity having been applied
/// (https://www.sqlite.org/stricttables.html, section 2). NULL fits every type.
bool fits_strict_type(ValueRef v, std::string_view type) noexcept;

/// The type as SQLite's messages show it.
std::string strict_type_name(std::string_view type);

}  // namespace saturn::sql
