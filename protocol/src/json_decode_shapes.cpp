#include "json_decode_shapes.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "protocol/base64.hpp"

#include <charconv>

namespace saturn::protocol {
namespace {

Result<Value> decode_integer(const Node& node) { return Value(TRY(node.take_decimal())); }

/// Always a REAL: JavaScript writes 1.0 as the token `1`.
Result<Value> decode_float(const Node& node) {
  if (!node.present()) return node.error("missing, expected a number");
  if (!node.value()->is_number()) {
    return node.error(cat("expected a number, not ", node.value()->type_name()));
  }
  return Value(node.value()->get<double>());
}

Result<Value> decode_blob(const Node& node) {
  const std::string text = TRY(node.take_string());
  auto bytes = decode_base64(text);
  if (!bytes) return node.error(cat("not base64: ", in_quotes(text)));
  return Value(Value::Blob{*std::move(bytes)});
}

Result<BatchCond> decode_cond(const Node& node, std::size_t step, unsigned depth, Version version);

Result<void> decode_conds(const Node& conds, BatchCond& cond, std::size_t step, unsigned depth,
                          Version version) {
  TRY(conds.expect_array());
  cond.conds.reserve(conds.size());
  for (std::size_t i = 0; i < conds.size(); ++i) {
    cond.conds.push_back(TRY(decode_cond(conds.element(i), step, depth + 1, version)));
  }
  return {};
}

Result<BatchCond> decode_cond(const Node& node, std::size_t step, unsigned depth, Version version) {
  if (depth >= limits::kConditionDepthMax) {
    return node.error(cat("conditions nested deeper than ", limits::kConditionDepthMax, " levels"));
  }
  TRY(node.expect_object());
  const Node type_node = node.member("type");
  const std::string type = TRY(type_node.take_string());
  BatchCond cond;
  if (type == "ok" || type == "error") {
    cond.kind = type == "ok" ? BatchCond::Kind::ok : BatchCond::Kind::error;
    const Node step_node = node.member("step");
    cond.step = TRY(step_node.take_u32());
    if (cond.step >= step) {
      return step_node.error(
          cat("step ", step, " may only refer to earlier steps, not to step ", cond.step));
    }
  } else if (type == "not") {
    cond.kind = BatchCond::Kind::negation;
    cond.conds.push_back(TRY(decode_cond(node.member("cond"), step, depth + 1, version)));
  } else if (type == "and" || type == "or") {
    cond.kind = type == "and" ? BatchCond::Kind::conjunction : BatchCond::Kind::disjunction;
    TRY(decode_conds(node.member("conds"), cond, step, depth, version));
  } else if (type == "is_autocommit") {
    if (version < Version::hrana3) {
      return type_node.error("condition \"is_autocommit\" needs version 3 of the protocol");
    }
    cond.kind = BatchCond::Kind::is_autocommit;
  } else {
    return type_node.error(cat("unknown type of condition ", in_quotes(type)));
  }
  return cond;
}

}  // namespace

Result<std::optional<std::uint64_t>> decode_u64(const Node& node) {
  if (!node.present()) return std::optional<std::uint64_t>();
  if (node.value()->is_number_unsigned()) {
    return std::optional<std::uint64_t>(node.value()->get<std::uint64_t>());
  }
  if (node.is_string()) {
    const std::string text = TRY(node.take_string());
    std::uint64_t v = 0;
    const char* end = text.data() + text.size();
    const auto [stop, status] = std::from_chars(text.data(), end, v);
    if (status == std::errc() && stop == end) return std::optional<std::uint64_t>(v);
  }
  return node.error("not an unsigned integer of 64 bits");
}

Result<Value> decode_value(const Node& node) {
  TRY(node.expect_object());
  const Node type_node = node.member("type");
  const std::string type = TRY(type_node.take_string());
  if (type == "null") return Value();
  if (type == "integer") return decode_integer(node.member("value"));
  if (type == "float") return decode_float(node.member("value"));
  if (type == "text") return Value(TRY(node.member("value").take_string()));
  if (type == "blob") return decode_blob(node.member("base64"));
  return type_node.error(cat("unknown type of value ", in_quotes(type)));
}

Result<SqlSource> decode_sql_source(const Node& object, Version version) {
  const Node sql = object.member("sql");
  const Node sql_id = object.member("sql_id");
  if (sql.present() && sql_id.present()) {
    return object.error("both \"sql\" and \"sql_id\" are given, expected one of them");
  }
  if (sql.present()) return SqlSource(TRY(sql.take_string()));
  if (!sql_id.present()) {
    return object.error("neither \"sql\" nor \"sql_id\" is given, expected one of them");
  }
  if (version < Version::hrana2) {
    return sql_id.error("stored SQL texts need version 2 of the protocol");
  }
  return SqlSource(TRY(sql_id.take_id()));
}

Result<Stmt> decode_stmt(const Node& node, Version version) {
  TRY(node.expect_object());
  Stmt stmt;
  stmt.sql = TRY(decode_sql_source(node, version));
  const Node args = node.member("args");
  if (args.present()) {
    TRY(args.expect_array());
    stmt.args.reserve(args.size());
    for (std::size_t i = 0; i < args.size(); ++i) {
      stmt.args.push_back(TRY(decode_value(args.element(i))));
    }
  }
  const Node named_args = node.member("named_args");
  if (named_args.present()) {
    TRY(named_args.expect_array());
    stmt.named_args.reserve(named_args.size());
    for (std::size_t i = 0; i < named_args.size(); ++i) {
      const Node arg = named_args.element(i);
      TRY(arg.expect_object());
      std::string name = TRY(arg.member("name").take_string());
      stmt.named_args.push_back({std::move(name), TRY(decode_value(arg.member("value")))});
    }
  }
  stmt.want_rows = TRY(node.member("want_rows").take_bool(true));
  // Some clients send the index as a number, others as a decimal string.
  stmt.replication_index = TRY(decode_u64(node.member("replication_index")));
  return stmt;
}

Result<Batch> decode_batch(const Node& node, Version version) {
  TRY(node.expect_object());
  const Node steps = node.member("steps");
  TRY(steps.expect_array(limits::kBatchStepsMax));
  Batch batch;
  batch.steps.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Node step_node = steps.element(i);
    TRY(step_node.expect_object());
    BatchStep step;
    const Node condition = step_node.member("condition");
    if (condition.present()) step.condition = TRY(decode_cond(condition, i, 0, version));
    step.stmt = TRY(decode_stmt(step_node.member("stmt"), version));
    batch.steps.push_back(std::move(step));
  }
  batch.replication_index = TRY(decode_u64(node.member("replication_index")));
  return batch;
}

}  // namespace saturn::protocol
