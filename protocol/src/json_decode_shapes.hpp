#pragma once

#include "json_node.hpp"
#include "protocol/messages.hpp"

namespace saturn::protocol {

/// The shapes that every request is made of.
Result<Value> decode_value(const Node& node);
Result<Stmt> decode_stmt(const Node& node, Version version);
Result<Batch> decode_batch(const Node& node, Version version);
/// `sql` or `sql_id` of `object`: exactly one of the two.
Result<SqlSource> decode_sql_source(const Node& object, Version version);

/// A number, or its decimal text; empty where the member is absent.
Result<std::optional<std::uint64_t>> decode_u64(const Node& node);

}  // namespace saturn::protocol
