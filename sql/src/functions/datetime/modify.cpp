#include "base/text.hpp"
#include "functions/datetime/moment.hpp"
#include "functions/datetime/scanner.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>

namespace saturn::sql::datetime {
namespace {

bool in_range(std::int64_t ms) noexcept { return ms >= 0 && ms <= kLastMs; }
/// What is out of range on the way may come back, unless its date is asked for.
bool has_date(const Moment& m) noexcept { return m.written || in_range(m.ms); }

/// Local time minus UTC at a moment of UTC, in ms.
std::int64_t local_offset(std::int64_t ms) {
  auto seconds = static_cast<std::time_t>((ms - kEpochMs) / 1000);
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return 0;
  return static_cast<std::int64_t>(local.tm_gmtoff) * 1000;
}

bool start_of(std::string_view what, Moment& m) {
  if (!has_date(m)) return false;
  Civil c = civil_of(m);
  c.hour = c.minute = 0;
  c.second = 0;
  if (what == "year") {
    c.month = c.day = 1;
  } else if (what == "month") {
    c.day = 1;
  } else if (what != "day") {
    return false;
  }
  m.ms = to_ms(c);
  m.written = c;
  return true;
}

/// ±YYYY-MM-DD [HH:MM[:SS[.SSS]]] and ±HH:MM[:SS[.SSS]].
bool shift_by_text(std::string_view text, Moment& m) {
  const bool negative = text[0] == '-';
  const bool has_sign = negative || text[0] == '+';
  std::string_view rest = has_sign ? text.substr(1) : text;
  const std::int64_t sign = negative ? -1 : 1;
  int years = 0;
  int months = 0;
  int days = 0;
  Scanner in(rest);
  if (has_sign && in.number(4, 0, 9999, years) && in.accept('-') && in.number(2, 0, 11, months) &&
      in.accept('-') && in.number(2, 0, 30, days)) {
    if (!has_date(m)) return false;
    add_months(m, sign * months, sign * years);
    m.move_to(m.ms + sign * days * kDayMs);
    if (in.at_end()) return true;
    if (!in.accept(' ')) return false;
    rest = rest.substr(11);
  }
  Scanner time(rest);
  Civil c;
  std::optional<int> zone;
  if (!scan_time(time, c, zone)) return false;
  // Of a day and more only the time of the day counts.
  std::int64_t by = c.hour * 3'600'000LL + (c.minute - zone.value_or(0)) * 60'000LL +
                    static_cast<std::int64_t>(c.second * 1000 + 0.5);
  by = (by % kDayMs + kDayMs) % kDayMs;
  m.move_to(m.ms + sign * by);
  return true;
}

bool shift_by_unit(double amount, std::string_view unit, Moment& m) {
  if (unit.size() > 1 && unit.back() == 's') unit.remove_suffix(1);
  const double rounder = amount < 0 ? -0.5 : 0.5;
  const auto shift = [&](double unit_ms, double most) {
    if (std::fabs(amount) >= most) return false;
    m.move_to(m.ms + static_cast<std::int64_t>(amount * unit_ms + rounder));
    m.day_overflow = 0;
    return true;
  };
  if (unit == "second") return shift(1000, 4.6427e+14);
  if (unit == "minute") return shift(60'000, 7.7379e+12);
  if (unit == "hour") return shift(3'600'000, 1.2897e+11);
  if (unit == "day") return shift(86'400'000, 5373485);
  if (unit == "month") {
    if (std::fabs(amount) >= 176546 || !has_date(m)) return false;
    const auto whole = static_cast<std::int64_t>(amount);
    add_months(m, whole, 0);
    m.ms += static_cast<std::int64_t>((amount - static_cast<double>(whole)) * 30 * 86400000.0 +
                                      rounder);
    return true;
  }
  if (unit == "year") {
    if (std::fabs(amount) >= 14713 || !has_date(m)) return false;
    const auto whole = static_cast<std::int64_t>(amount);
    add_months(m, 0, whole);
    m.ms += static_cast<std::int64_t>((amount - static_cast<double>(whole)) * 365 * 86400000.0 +
                                      rounder);
    return true;
  }
  return false;
}

bool weekday(std::string_view text, Moment& m) {
  const ParsedReal number = parse_real(text);
  const double day = number.value;
  if (number.form != NumberForm::integer && number.form != NumberForm::real) return false;
  if (day < 0 || day >= 7 || day != std::floor(day) || !has_date(m)) return false;
  const std::int64_t now = (m.ms + 129'600'000) / kDayMs % 7;
  std::int64_t ahead = static_cast<std::int64_t>(day) - now;
  if (ahead < 0) ahead += 7;
  m.move_to(m.ms + ahead * kDayMs);
  return true;
}

bool modify(std::string_view given, bool first, Moment& m) {
  const std::string text = to_lower(given);
  const auto is = [&](std::string_view word) { return text == word; };
  if (is("subsec") || is("subsecond")) {
    m.subsecond = true;
    return true;
  }
  if (is("unixepoch") || is("auto") || is("julianday")) {
    if (!first) return false;
    if (is("julianday")) return m.raw_number && m.number >= 0 && m.number < 5373484.5;
    if (!m.raw_number) return is("auto");
    if (is("auto") && m.number >= 0 && m.number < 5373484.5) {
      m.raw_number = false;
      return true;
    }
    if (m.number < -210866760000.0 || m.number > 253402300799.999) return false;
    m.ms = static_cast<std::int64_t>(m.number * 1000 + (m.number < 0 ? -0.5 : 0.5)) + kEpochMs;
    m.raw_number = false;
    return true;
  }
  if (m.raw_number) {
    if (m.number < 0 || m.number >= 5373484.5) return false;
    m.raw_number = false;
  }
  if (is("ceiling")) {
    m.move_to(m.ms);
    m.day_overflow = 0;
    return true;
  }
  if (is("floor")) {
    m.move_to(m.ms - m.day_overflow * kDayMs);
    m.day_overflow = 0;
    return true;
  }
  if (is("localtime")) {
    m.move_to(m.ms + local_offset(m.ms));
    return true;
  }
  if (is("utc")) {
    const std::int64_t guess = m.ms - local_offset(m.ms);
    m.move_to(m.ms - local_offset(guess));
    return true;
  }
  if (text.starts_with("start of ")) return start_of(std::string_view(text).substr(9), m);
  if (text.starts_with("weekday ")) return weekday(std::string_view(text).substr(8), m);
  if (text.empty()) return false;
  if (text.find(':') != std::string::npos || (text.size() >= 11 && text[5] == '-')) {
    return shift_by_text(text, m);
  }
  std::size_t end = text.find(' ');
  if (end == std::string::npos || end == 0) return false;
  const ParsedReal number = parse_real(std::string_view(text).substr(0, end));
  if (number.form != NumberForm::integer && number.form != NumberForm::real) return false;
  while (end < text.size() && text[end] == ' ') ++end;
  return shift_by_unit(number.value, std::string_view(text).substr(end), m);
}

}  // namespace

std::optional<Moment> moment_of(const FunctionContext& context, Arguments a, std::size_t from) {
  Moment m;
  if (a.size() <= from) {
    m.ms = now_of(context);
    return m;
  }
  if (!parse_moment(context, a[from], m)) return std::nullopt;
  for (std::size_t i = from + 1; i < a.size(); ++i) {
    if (!a[i].is_text() && !a[i].is_blob()) return std::nullopt;
    if (!modify(a[i].bytes(), i == from + 1, m)) return std::nullopt;
    // The place's time is no more the same for ever than the time that it is now.
    if (equals_nocase(a[i].bytes(), "localtime") || equals_nocase(a[i].bytes(), "utc")) {
      context.used_now = true;
    }
  }
  if (m.raw_number && (m.number < 0 || m.number >= 5373484.5)) return std::nullopt;
  if (!in_range(m.ms)) return std::nullopt;
  if (a.size() == from + 1 && m.written && m.written->day > 28) {
    // A lone date is put right; its time is not.
    const Civil date = to_civil(m.ms);
    m.written->year = date.year;
    m.written->month = date.month;
    m.written->day = date.day;
  }
  return m;
}

}  // namespace saturn::sql::datetime
