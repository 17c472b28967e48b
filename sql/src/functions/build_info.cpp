#include "base/text.hpp"
#include "functions/function.hpp"
#include "value/number.hpp"

// What SQLite tells about itself: Saturn answers for the SQLite whose behaviour it has.

namespace saturn::sql {

namespace {

constexpr std::string_view kOptions[] = {"DEFAULT_AUTOVACUUM=0",
                                         "DEFAULT_PAGE_SIZE=4096",
                                         "ENABLE_JSON1",
                                         "ENABLE_MATH_FUNCTIONS",
                                         "LIKE_DOESNT_MATCH_BLOBS",
                                         "MAX_COLUMN=2000",
                                         "MAX_COMPOUND_SELECT=500",
                                         "MAX_EXPR_DEPTH=1000",
                                         "MAX_FUNCTION_ARG=1000",
                                         "MAX_LENGTH=1000000000",
                                         "MAX_LIKE_PATTERN_LENGTH=50000",
                                         "MAX_PAGE_COUNT=0xfffffffe",
                                         "MAX_PAGE_SIZE=65536",
                                         "MAX_SQL_LENGTH=1000000000",
                                         "MAX_TRIGGER_DEPTH=1000",
                                         "MAX_VARIABLE_NUMBER=32766",
                                         "SOUNDEX",
                                         "THREADSAFE=1"};

Result<ValueRef> fn_version(FunctionContext&, Arguments) { return ValueRef::text("3.50.4"); }

/// Another program than SQLite has another source.
Result<ValueRef> fn_source_id(FunctionContext&, Arguments) {
  return ValueRef::text("Saturn " SATURN_VERSION);
}

Result<ValueRef> fn_option(FunctionContext&, Arguments a) {
  const std::int64_t number = to_integer(a[0]);
  const auto count = static_cast<std::int64_t>(std::size(kOptions));
  return number < 0 || number >= count ? ValueRef() : ValueRef::text(kOptions[number]);
}

/// Whether an option was used: by its name, or with its value.
Result<ValueRef> fn_option_used(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) return ValueRef();
  std::string_view wanted = to_text(a[0], context.arena);
  if (equals_nocase(wanted.substr(0, 7), "SQLITE_")) wanted.remove_prefix(7);
  for (const std::string_view option : kOptions) {
    if (wanted.empty() || !equals_nocase(option.substr(0, wanted.size()), wanted)) continue;
    if (option.size() == wanted.size() || option[wanted.size()] == '=') {
      return ValueRef::integer(1);
    }
  }
  return ValueRef::integer(0);
}

constexpr Function kFunctions[] = {
    {"sqlite_compileoption_get", 1, 1, fn_option},
    {"sqlite_compileoption_used", 1, 1, fn_option_used},
    {"sqlite_source_id", 0, 0, fn_source_id},
    {"sqlite_version", 0, 0, fn_version},
};

}  // namespace

std::span<const std::string_view> compile_options() noexcept { return kOptions; }

std::span<const Function> build_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
