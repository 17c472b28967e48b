#include "base/text.hpp"
#include "functions/json/argument.hpp"
#include "functions/json/path.hpp"
#include "functions/json/text.hpp"
#include "value/number.hpp"

// The scalar JSON functions (https://www.sqlite.org/json1.html). Those that have a jsonb_ form are
// templates: `Binary` says that the result is JSONB.

namespace saturn::sql {
namespace {

using namespace json;

/// A path's text; nothing for NULL.
std::optional<std::string_view> path_of(ValueRef v, ValueArena& arena) {
  if (v.is_null()) return std::nullopt;
  const std::string_view text = to_text(v, arena);
  return text.substr(0, text.find('\0'));
}

/// The error of a search that failed.
Result<void> check_found(Found found, std::string_view path) {
  if (found == Found::bad_path) return bad_path(path);
  if (found == Found::malformed) return malformed();
  return {};
}

template <bool Binary>
Result<ValueRef> fn_json(FunctionContext& context, Arguments a) {
  Document document;
  const bool present = TRY(document.read(a[0]));
  if (!present) return ValueRef();
  return to_result(context.arena, document.bytes(), Binary);
}

template <bool Binary>
Result<ValueRef> fn_array(FunctionContext& context, Arguments a) {
  std::string document;
  const std::size_t start = begin_container(document, Kind::array);
  for (const ValueRef v : a) TRY(append_value(document, v, context.arena, kLongInfinity));
  end_container(document, start);
  return to_built_result(context.arena, document, Binary);
}

template <bool Binary>
Result<ValueRef> fn_object(FunctionContext& context, Arguments a) {
  if (a.size() % 2 != 0) {
    return Error(Code::error, "json_object() requires an even number of arguments");
  }
  std::string document;
  const std::size_t start = begin_container(document, Kind::object);
  for (std::size_t i = 0; i < a.size(); i += 2) {
    if (!a[i].is_text()) return Error(Code::error, "json_object() labels must be TEXT");
    append_element(document, Kind::text_raw, a[i].bytes());
    TRY(append_value(document, a[i + 1], context.arena, kLongInfinity));
  }
  end_container(document, start);
  return to_built_result(context.arena, document, Binary);
}

/// Several paths: an array of what they lead to.
Result<ValueRef> extract_all(FunctionContext& context, std::string_view document, Arguments paths,
                             bool binary) {
  std::string out;
  const std::size_t start = begin_container(out, Kind::array);
  for (const ValueRef v : paths) {
    const auto path = path_of(v, context.arena);
    if (!path) return ValueRef();
    Place place;
    const Found found = find(document, *path, place);
    TRY(check_found(found, *path));
    if (found == Found::yes) {
      out += document.substr(place.element.at, place.element.header + place.element.size);
    } else {
      append_element(out, Kind::null, "");
    }
  }
  end_container(out, start);
  return to_result(context.arena, out, binary);
}

template <bool Binary>
Result<ValueRef> fn_extract(FunctionContext& context, Arguments a) {
  if (a.size() < 2) return ValueRef();
  Document document;
  const bool present = TRY(document.read(a[0]));
  if (!present) return ValueRef();
  if (a.size() > 2) return extract_all(context, document.bytes(), a.subspan(1), Binary);
  const auto path = path_of(a[1], context.arena);
  if (!path) return ValueRef();
  Place place;
  const Found found = find(document.bytes(), *path, place);
  TRY(check_found(found, *path));
  if (found != Found::yes) return ValueRef();
  return to_value(context.arena, document.bytes(), place.element, Binary);
}

/// The operators -> and ->>; the latter's result is an SQL value.
template <bool AsValue>
Result<ValueRef> fn_arrow(FunctionContext& context, Arguments a) {
  Document document;
  const bool present = TRY(document.read(a[0]));
  const auto given = path_of(a[1], context.arena);
  if (!present || !given) return ValueRef();
  const std::string path =
      given->starts_with('$') ? std::string(*given) : arrow_path(*given, a[1].is_integer());
  Place place;
  const Found found = find(document.bytes(), path, place);
  TRY(check_found(found, *given));
  if (found != Found::yes) return ValueRef();
  if (!AsValue) {
    const Element& element = place.element;
    return to_result(context.arena,
                     document.bytes().substr(element.at, element.header + element.size), false);
  }
  ValueRef v = TRY(to_value(context.arena, document.bytes(), place.element, false));
  v.set_subtype(0);
  return v;
}

template <Change How, bool Binary>
Result<ValueRef> fn_change(FunctionContext& context, Arguments a) {
  if (a.empty()) return ValueRef();
  if (a.size() % 2 == 0) {
    constexpr std::string_view kName = How == Change::replace        ? "replace"
                                       : How == Change::insert       ? "insert"
                                       : How == Change::array_insert ? "array_insert"
                                                                     : "set";
    return Error(Code::error, cat("json_", kName, "() needs an odd number of arguments"));
  }
  Document given;
  const bool present = TRY(given.read(a[0]));
  if (!present) return ValueRef();
  std::string document = std::move(given).take();
  std::string value;
  for (std::size_t i = 1; i < a.size(); i += 2) {
    const auto path = path_of(a[i], context.arena);
    if (!path) continue;
    if (!path->starts_with('$')) return bad_path(*path);
    if (How == Change::array_insert && *path != "$" && !path->ends_with(']')) {
      return Error(Code::error, cat("not an array element: '", *path, "'"));
    }
    value.clear();
    TRY(append_value(value, a[i + 1], context.arena, kShortInfinity));
    TRY(check_found(change(document, *path, How, value), *path));
  }
  return to_result(context.arena, document, Binary);
}

template <bool Binary>
Result<ValueRef> fn_remove(FunctionContext& context, Arguments a) {
  if (a.empty()) return ValueRef();
  Document given;
  const bool present = TRY(given.read(a[0]));
  if (!present) return ValueRef();
  std::string document = std::move(given).take();
  for (const ValueRef v : a.subspan(1)) {
    const auto path = path_of(v, context.arena);
    if (!path || *path == "$") return ValueRef();
    TRY(check_found(change(document, *path, Change::remove, ""), *path));
  }
  return to_result(context.arena, document, Binary);
}

template <bool Binary>
Result<ValueRef> fn_patch(FunctionContext& context, Arguments a) {
  Document target;
  Document patch;
  const bool has_target = TRY(target.read(a[0]));
  if (!has_target) return ValueRef();
  const bool has_patch = TRY(patch.read(a[1]));
  if (!has_patch) return ValueRef();
  std::string document = std::move(target).take();
  if (!merge_patch(document, patch.bytes())) return malformed();
  return to_result(context.arena, document, Binary);
}

/// The element that a function's optional path leads to; nothing where the result is NULL.
Result<std::optional<Element>> element_of(FunctionContext& context, const Document& document,
                                          Arguments a) {
  if (a.size() < 2) return element_at(document.bytes(), 0);
  const auto path = path_of(a[1], context.arena);
  if (!path) return std::optional<Element>();
  Place place;
  const Found found = find(document.bytes(), *path, place);
  TRY(check_found(found, *path));
  return found == Found::yes ? std::optional<Element>(place.element) : std::nullopt;
}

Result<ValueRef> fn_array_length(FunctionContext& context, Arguments a) {
  Document document;
  const bool present = TRY(document.read(a[0]));
  if (!present) return ValueRef();
  const auto element = TRY(element_of(context, document, a));
  if (!element) return ValueRef();
  std::int64_t count = 0;
  if (element->kind == Kind::array) {
    std::size_t at = element->payload_at();
    Member member;
    while (next_member(document.bytes(), *element, at, member) == Walk::member) ++count;
  }
  return ValueRef::integer(count);
}

Result<ValueRef> fn_type(FunctionContext& context, Arguments a) {
  Document document;
  const bool present = TRY(document.read(a[0]));
  if (!present) return ValueRef();
  const auto element = TRY(element_of(context, document, a));
  return element ? ValueRef::text(type_name(element->kind)) : ValueRef();
}

/// json_valid(X, flags): 1 standard text, 2 JSON5 text, 4 what looks like JSONB, 8 what is JSONB.
Result<ValueRef> fn_valid(FunctionContext& context, Arguments a) {
  std::int64_t flags = 1;
  if (a.size() == 2) {
    flags = to_integer(a[1]);
    if (flags < 1 || flags > 15) {
      return Error(Code::error, "FLAGS parameter to json_valid() must be between 1 and 15");
    }
  }
  if (a[0].is_null()) return ValueRef();
  const auto answer = [](bool v) { return ValueRef::integer(v ? 1 : 0); };
  if (a[0].is_blob() && looks_like_jsonb(a[0].bytes())) {
    if ((flags & 4) != 0) return answer(true);
    return answer((flags & 8) != 0 && find_jsonb_error(a[0].bytes()) == 0);
  }
  if ((flags & 3) == 0) return answer(false);
  const Parsed parsed = parse(to_text(a[0], context.arena));
  return answer(parsed.valid && ((flags & 2) != 0 || parsed.standard));
}

/// Where a JSON text breaks, in characters from 1; 0 when it does not.
Result<ValueRef> fn_error_position(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) return ValueRef();
  if (a[0].is_blob() && looks_like_jsonb(a[0].bytes())) {
    return ValueRef::integer(static_cast<std::int64_t>(find_jsonb_error(a[0].bytes())));
  }
  const std::string_view text = to_text(a[0], context.arena);
  const Parsed parsed = parse(text);
  if (parsed.valid) return ValueRef::integer(0);
  std::int64_t position = 1;
  for (const char c : text.substr(0, parsed.error_at)) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++position;
  }
  return ValueRef::integer(position);
}

Result<ValueRef> fn_quote(FunctionContext& context, Arguments a) {
  std::string document;
  TRY(append_value(document, a[0], context.arena, kLongInfinity));
  return to_result(context.arena, document, false);
}

Result<ValueRef> fn_pretty(FunctionContext& context, Arguments a) {
  Document document;
  const bool present = TRY(document.read(a[0]));
  if (!present) return ValueRef();
  const bool has_indent = a.size() == 2 && !a[1].is_null();
  std::string text;
  TRY(print_pretty(text, document.bytes(), has_indent ? to_text(a[1], context.arena) : "    "));
  return ValueRef::text(context.arena.copy(text));
}

constexpr Function json_function(std::string_view name, int arguments_min, int arguments_max,
                                 Function::Scalar scalar) {
  return {name, arguments_min, arguments_max, scalar, nullptr, true, true};
}

constexpr Function kFunctions[] = {
    json_function("->", 2, 2, fn_arrow<false>),
    json_function("->>", 2, 2, fn_arrow<true>),
    json_function("json", 1, 1, fn_json<false>),
    json_function("json_array", 0, -1, fn_array<false>),
    json_function("json_array_insert", 0, -1, fn_change<Change::array_insert, false>),
    json_function("json_array_length", 1, 2, fn_array_length),
    json_function("json_error_position", 1, 1, fn_error_position),
    json_function("json_extract", 0, -1, fn_extract<false>),
    json_function("json_insert", 0, -1, fn_change<Change::insert, false>),
    json_function("json_object", 0, -1, fn_object<false>),
    json_function("json_patch", 2, 2, fn_patch<false>),
    json_function("json_pretty", 1, 2, fn_pretty),
    json_function("json_quote", 1, 1, fn_quote),
    json_function("json_remove", 0, -1, fn_remove<false>),
    json_function("json_replace", 0, -1, fn_change<Change::replace, false>),
    json_function("json_set", 0, -1, fn_change<Change::set, false>),
    json_function("json_type", 1, 2, fn_type),
    json_function("json_valid", 1, 2, fn_valid),
    json_function("jsonb", 1, 1, fn_json<true>),
    json_function("jsonb_array", 0, -1, fn_array<true>),
    json_function("jsonb_array_insert", 0, -1, fn_change<Change::array_insert, true>),
    json_function("jsonb_extract", 0, -1, fn_extract<true>),
    json_function("jsonb_insert", 0, -1, fn_change<Change::insert, true>),
    json_function("jsonb_object", 0, -1, fn_object<true>),
    json_function("jsonb_patch", 2, 2, fn_patch<true>),
    json_function("jsonb_remove", 0, -1, fn_remove<true>),
    json_function("jsonb_replace", 0, -1, fn_change<Change::replace, true>),
    json_function("jsonb_set", 0, -1, fn_change<Change::set, true>),
};

}  // namespace

std::span<const Function> json_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
