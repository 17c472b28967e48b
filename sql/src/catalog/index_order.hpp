#pragma once

#include "catalog/schema.hpp"

#include <vector>

namespace saturn::sql {

/// A table's indexes in SQLite's order: the latest first, those whose conflicts REPLACE at the end.
std::vector<const Index*> in_list_order(const Table& table);

}  // namespace saturn::sql
