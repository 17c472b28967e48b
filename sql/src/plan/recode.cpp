#include "plan/recode.hpp"

#include "exec/nodes.hpp"
#include "plan/scope.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

template <std::size_t N>
bool contains(const std::string_view (&names)[N], std::string_view name) noexcept {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Functions that hand on values as they are, or know of encodings themselves.
bool takes_values(const Function& function) noexcept {
  constexpr std::string_view kNames[] = {
      "coalesce",   "count",   "first_value", "hex",        "if",      "ifnull",
      "iif",        "instr",   "lag",         "last_value", "lead",    "likelihood",
      "likely",     "max",     "min",         "nth_value",  "nullif",  "octet_length",
      "randomblob", "subtype", "typeof",      "unlikely",   "zeroblob"};
  return contains(kNames, function.name);
}

/// Functions to which a blob is something else than a text.
bool tells_blobs(const Function& function) noexcept {
  constexpr std::string_view kNames[] = {"glob",         "length",    "like",
                                         "quote",        "substr",    "substring",
                                         "unistr_quote", "uuid_blob", "uuid_str"};
  return function.name.starts_with("json") || function.name.starts_with("->") ||
         contains(kNames, function.name);
}

}  // namespace

ExprPtr recode(const CompileContext& context, ExprPtr operand, Recode mode) {
  const TextEncoding encoding = context.encoding();
  if (!is_utf16(encoding)) return operand;
  if (operand->kind == NodeKind::constant) {
    ValueArena arena;
    const ValueRef before = static_cast<const ConstantNode&>(*operand).value.ref();
    auto node =
        std::make_unique<ConstantNode>(Value(recoded(before, mode, encoding, false, arena)));
    node->affinity = operand->affinity;
    node->collation = operand->collation;
    node->explicit_collation = operand->explicit_collation;
    return node;
  }
  const std::uint8_t kinds = value_kinds(*operand);
  if (kinds == kGivesNumbers && mode != Recode::bytes) return operand;
  return std::make_unique<RecodeNode>(std::move(operand), mode, encoding);
}

std::string literal_text(const CompileContext& context, std::string_view text) {
  if (!is_utf16(context.encoding())) return std::string(text);
  return entering_text(text);
}

void recode_arguments(const CompileContext& context, const Function& function,
                      std::span<ExprPtr> arguments) {
  if (takes_values(function)) return;
  const bool sums = function.name == "sum" || function.name == "total" || function.name == "avg";
  const Recode mode = sums                    ? Recode::number
                      : tells_blobs(function) ? Recode::leaving
                                              : Recode::text;
  for (ExprPtr& argument : arguments) argument = recode(context, std::move(argument), mode);
}

ExprPtr recode_result(const CompileContext& context, const Function& function, ExprPtr call) {
  if (takes_values(function)) return call;
  return recode(context, std::move(call), Recode::entering);
}

}  // namespace saturn::sql
