#include "value/strict.hpp"

#include "base/text.hpp"

namespace saturn::sql {

bool fits_strict_type(ValueRef v, std::string_view type) noexcept {
  if (v.is_null() || equals_nocase(type, "ANY")) return true;
  if (equals_nocase(type, "INT") || equals_nocase(type, "INTEGER")) return v.is_integer();
  if (equals_nocase(type, "REAL")) return v.is_real();
  return equals_nocase(type, "TEXT") ? v.is_text() : v.is_blob();
}

std::string strict_type_name(std::string_view type) {
  std::string name(type);
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

}  // namespace saturn::sql
