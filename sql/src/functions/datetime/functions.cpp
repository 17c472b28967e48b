#include "base/text.hpp"
#include "functions/datetime/moment.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

// The date and time functions, and the conversions of strftime().

namespace saturn::sql {
namespace {

using namespace datetime;

template <typename... Args>
void print(std::string& out, const char* format, Args... args) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, args...);
  out += buffer;
}

void print_date(std::string& out, const Civil& c) {
  if (c.year < 0) out += '-';
  print(out, "%04d-%02d-%02d", std::abs(c.year), c.month, c.day);
}

void print_time(std::string& out, const Civil& c, bool subsecond) {
  print(out, "%02d:%02d:", c.hour, c.minute);
  if (subsecond) {
    print(out, "%06.3f", c.second);
  } else {
    print(out, "%02d", static_cast<int>(c.second));
  }
}

Result<ValueRef> text_result(FunctionContext& context, const std::string& text) {
  return ValueRef::text(context.arena.copy(text));
}

Result<ValueRef> fn_date(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  std::string out;
  print_date(out, civil_of(*m));
  return text_result(context, out);
}

Result<ValueRef> fn_time(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  std::string out;
  print_time(out, civil_of(*m), m->subsecond);
  return text_result(context, out);
}

Result<ValueRef> fn_datetime(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  std::string out;
  const Civil c = civil_of(*m);
  print_date(out, c);
  out += ' ';
  print_time(out, c, m->subsecond);
  return text_result(context, out);
}

Result<ValueRef> fn_julianday(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  return ValueRef::real(static_cast<double>(m->ms) / static_cast<double>(kDayMs));
}

Result<ValueRef> fn_unixepoch(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  if (m->subsecond) return ValueRef::real(static_cast<double>(m->ms - kEpochMs) / 1000.0);
  return ValueRef::integer(m->ms / 1000 - kEpochMs / 1000);
}

int day_of_year(std::int64_t ms, const Civil& c) {
  Civil first;
  first.year = c.year;
  return static_cast<int>((ms - to_ms(first)) / kDayMs);
}

/// Days since Monday.
int days_after_monday(std::int64_t ms) { return static_cast<int>((ms + kDayMs / 2) / kDayMs % 7); }

bool print_iso_week(std::string& out, char kind, std::int64_t ms) {
  // The week's Thursday decides which year it is of.
  const std::int64_t thursday = ms + (3 - days_after_monday(ms)) * kDayMs;
  const Civil c = to_civil(thursday);
  if (kind == 'V')
    print(out, "%02d", day_of_year(thursday, c) / 7 + 1);
  else if (kind == 'G')
    print(out, "%04d", c.year);
  else
    print(out, "%02d", c.year % 100);
  return true;
}

/// False for a conversion that SQLite does not know.
bool print_conversion(std::string& out, char kind, const Moment& m, const Civil& c) {
  const int hour12 = c.hour % 12 == 0 ? 12 : c.hour % 12;
  switch (kind) {
    case 'd': print(out, "%02d", c.day); return true;
    case 'e': print(out, "%2d", c.day); return true;
    case 'f': print(out, "%06.3f", std::min(c.second, 59.999)); return true;
    case 'F': print(out, "%04d-%02d-%02d", c.year, c.month, c.day); return true;
    case 'G':
    case 'g':
    case 'V': return print_iso_week(out, kind, m.ms);
    case 'H': print(out, "%02d", c.hour); return true;
    case 'k': print(out, "%2d", c.hour); return true;
    case 'I': print(out, "%02d", hour12); return true;
    case 'l': print(out, "%2d", hour12); return true;
    case 'j': print(out, "%03d", day_of_year(m.ms, c) + 1); return true;
    case 'J':
      print(out, "%.16g", static_cast<double>(m.ms) / static_cast<double>(kDayMs));
      return true;
    case 'm': print(out, "%02d", c.month); return true;
    case 'M': print(out, "%02d", c.minute); return true;
    case 'p': out += c.hour >= 12 ? "PM" : "AM"; return true;
    case 'P': out += c.hour >= 12 ? "pm" : "am"; return true;
    case 'R': print(out, "%02d:%02d", c.hour, c.minute); return true;
    case 's':
      if (m.subsecond)
        print(out, "%.3f", static_cast<double>(m.ms - kEpochMs) / 1000.0);
      else
        out += cat(m.ms / 1000 - kEpochMs / 1000);
      return true;
    case 'S': print(out, "%02d", static_cast<int>(c.second)); return true;
    case 'T': print_time(out, c, false); return true;
    case 'u': out += cat(days_after_monday(m.ms) + 1); return true;
    case 'w': out += cat((days_after_monday(m.ms) + 1) % 7); return true;
    case 'U':
      print(out, "%02d", (day_of_year(m.ms, c) + 7 - (days_after_monday(m.ms) + 1) % 7) / 7);
      return true;
    case 'W':
      print(out, "%02d", (day_of_year(m.ms, c) + 7 - days_after_monday(m.ms)) / 7);
      return true;
    case 'Y': print(out, "%04d", c.year); return true;
    case '%': out += '%'; return true;
    default: return false;
  }
}

Result<ValueRef> fn_strftime(FunctionContext& context, Arguments a) {
  if (a.empty() || a[0].is_null()) return ValueRef();
  const auto m = moment_of(context, a, 1);
  if (!m) return ValueRef();
  const Civil c = civil_of(*m);
  const std::string_view format = to_text(a[0], context.arena);
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    if (++i == format.size() || !print_conversion(out, format[i], *m, c)) return ValueRef();
  }
  return text_result(context, out);
}

/// timediff(A, B): what has to be added to B to get A, as ±YYYY-MM-DD HH:MM:SS.SSS.
Result<ValueRef> fn_timediff(FunctionContext& context, Arguments a) {
  auto to = moment_of(context, a.subspan(0, 1), 0);
  auto from = moment_of(context, a.subspan(1, 1), 0);
  if (!to || !from) return ValueRef();
  const bool negative = to->ms < from->ms;
  const Moment& later = negative ? *from : *to;
  Moment at = negative ? *to : *from;
  Civil end = to_civil(later.ms);
  const Civil start = to_civil(at.ms);
  int months = (end.year - start.year) * 12 + end.month - start.month;
  const std::int64_t base = at.ms;
  const auto moved = [&](int by) {
    Moment copy;
    copy.ms = base;
    add_months(copy, by, 0);
    return copy.ms;
  };
  if (negative) {
    // Counted back from the later one.
    const std::int64_t late = later.ms;
    const auto back = [&](int by) {
      Moment copy;
      copy.ms = late;
      add_months(copy, -by, 0);
      return copy.ms;
    };
    while (months > 0 && back(months) < base) --months;
    at.ms = base;
    const std::int64_t rest = back(months) - base;
    std::string out = "-";
    print(out, "%04d-%02d-", months / 12, months % 12);
    print(out, "%02d %02d:%02d:%06.3f", static_cast<int>(rest / kDayMs),
          static_cast<int>(rest / 3'600'000 % 24), static_cast<int>(rest / 60'000 % 60),
          static_cast<double>(rest % 60'000) / 1000.0);
    return text_result(context, out);
  }
  while (months > 0 && moved(months) > later.ms) --months;
  const std::int64_t rest = later.ms - moved(months);
  std::string out = "+";
  print(out, "%04d-%02d-", months / 12, months % 12);
  print(out, "%02d %02d:%02d:%06.3f", static_cast<int>(rest / kDayMs),
        static_cast<int>(rest / 3'600'000 % 24), static_cast<int>(rest / 60'000 % 60),
        static_cast<double>(rest % 60'000) / 1000.0);
  return text_result(context, out);
}

constexpr Function kFunctions[] = {
    {"current_date", 0, 0, fn_date, nullptr, false},
    {"current_time", 0, 0, fn_time, nullptr, false},
    {"current_timestamp", 0, 0, fn_datetime, nullptr, false},
    {"date", 0, -1, fn_date},
    {"datetime", 0, -1, fn_datetime},
    {"julianday", 0, -1, fn_julianday},
    {"strftime", 0, -1, fn_strftime},
    {"time", 0, -1, fn_time},
    {"timediff", 2, 2, fn_timediff},
    {"unixepoch", 0, -1, fn_unixepoch},
};

}  // namespace

std::span<const Function> datetime_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql