#include "base/text.hpp"
#include "functions/function.hpp"
#include "value/number.hpp"

#include <re2/re2.h>

#include <list>

// The operator REGEXP, regexp(pattern, text) and regexpi(), which ignores case: RE2's syntax, and
// its promise of linear time.

namespace saturn::sql {

namespace {

constexpr std::size_t kKeptPatternsMax = 32;

struct Pattern {
  std::string text;
  bool ignore_case;
  std::unique_ptr<re2::RE2> compiled;
};

/// A thread keeps the patterns that it used last: a statement asks for the same one row by row.
const re2::RE2& compile(std::string_view text, bool ignore_case) {
  thread_local std::list<Pattern> patterns;
  for (auto it = patterns.begin(); it != patterns.end(); ++it) {
    if (it->text != text || it->ignore_case != ignore_case) continue;
    patterns.splice(patterns.begin(), patterns, it);
    return *patterns.front().compiled;
  }
  if (patterns.size() == kKeptPatternsMax) patterns.pop_back();
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!ignore_case);
  patterns.push_front(
      {std::string(text), ignore_case,
       std::make_unique<re2::RE2>(re2::StringPiece(text.data(), text.size()), options)});
  return *patterns.front().compiled;
}

template <bool IgnoreCase>
Result<ValueRef> fn_regexp(FunctionContext& context, Arguments a) {
  if (a[0].is_null() || a[1].is_null()) return ValueRef();
  const re2::RE2& pattern = compile(to_text(a[0], context.arena), IgnoreCase);
  if (!pattern.ok()) return Error(Code::error, cat("malformed REGEXP: ", pattern.error()));
  const std::string_view text = to_text(a[1], context.arena);
  const re2::StringPiece piece(text.data(), text.size());
  return ValueRef::integer(re2::RE2::PartialMatch(piece, pattern) ? 1 : 0);
}

constexpr Function kFunctions[] = {
    {"regexp", 2, 2, fn_regexp<false>},
    {"regexpi", 2, 2, fn_regexp<true>},
};

}  // namespace

std::span<const Function> regexp_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
