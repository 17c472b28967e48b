#pragma once

#include "catalog/schema.hpp"
#include "parser/ast.hpp"
#include "plan/compile.hpp"

#include <string_view>

namespace saturn::sql {

/// The unique key that `ON CONFLICT (target)` names, null being the rowid; the target is not empty.
/// A partial index's key is meant only by a target with the index's own WHERE. `name` is what
/// expressions call the table, `which` ("2nd ", or empty) tells the clause in the error where none
/// fits.
Result<const Index*> find_upsert_key(CompileContext& context, const Table& table,
                                     std::string_view name, const ast::Upsert& upsert,
                                     std::string_view which);

}  // namespace saturn::sql
