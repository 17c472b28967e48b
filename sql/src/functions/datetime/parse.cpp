#include "base/text.hpp"
#include "functions/datetime/moment.hpp"
#include "functions/datetime/scanner.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <chrono>

namespace saturn::sql::datetime {

bool scan_time(Scanner& in, Civil& c, std::optional<int>& zone_minutes) {
  if (!in.number(2, 0, 24, c.hour) || !in.accept(':') || !in.number(2, 0, 59, c.minute)) {
    return false;
  }
  c.second = 0;
  if (in.accept(':')) {
    int second = 0;
    if (!in.number(2, 0, 59, second)) return false;
    c.second = second + in.fraction();
  }
  zone_minutes.reset();
  in.skip_blanks();
  if (in.accept('Z') || in.accept('z')) {
    zone_minutes = 0;
    in.skip_blanks();
    return in.at_end();
  }
  const char sign = in.peek();
  if (sign == '+' || sign == '-') {
    in.accept(sign);
    int hours = 0;
    int minutes = 0;
    if (!in.number(2, 0, 14, hours) || !in.accept(':') || !in.number(2, 0, 59, minutes)) {
      return false;
    }
    zone_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    in.skip_blanks();
  }
  return in.at_end();
}

namespace {

bool parse_text(std::string_view text, Moment& out) {
  Civil c;
  std::optional<int> zone;
  bool next_day = false;
  Scanner in(text);
  const bool negative = in.accept('-');
  if (in.number(4, 0, 9999, c.year) && in.accept('-') && in.number(2, 1, 12, c.month) &&
      in.accept('-') && in.number(2, 1, 31, c.day)) {
    if (negative) c.year = -c.year;
    while (in.peek() == ' ' || in.peek() == '\t' || in.peek() == 'T') in.accept(in.peek());
    if (!in.at_end() && !scan_time(in, c, zone)) return false;
    out.day_overflow = std::max(0, c.day - days_in_month(c.year, c.month));
  } else {
    c = Civil();
    Scanner time(text);
    if (!scan_time(time, c, zone)) return false;
    next_day = c.hour == 24;
  }
  out.ms = to_ms(c) - zone.value_or(0) * 60'000LL;
  if (next_day) c.day = 2;  // 24:00 alone is the day after 2000-01-01, and 24:00 again
  if (zone.value_or(0) == 0) out.written = c;
  return true;
}

void set_number(double v, Moment& out) {
  out.raw_number = true;
  out.number = v;
  if (v >= 0 && v < 5373484.5) out.ms = static_cast<std::int64_t>(v * 86400000.0 + 0.5);
}

}  // namespace

std::int64_t now_of(const FunctionContext& context) {
  context.used_now = true;
  if (context.now_ms != 0) return context.now_ms + kEpochMs;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
             .count() +
         kEpochMs;
}

bool parse_moment(const FunctionContext& context, ValueRef v, Moment& out) {
  if (v.is_integer() || v.is_real()) {
    set_number(to_real(v), out);
    return true;
  }
  if (!v.is_text() && !v.is_blob()) return false;
  if (parse_text(v.bytes(), out)) return true;
  if (equals_nocase(v.bytes(), "now")) {
    out.ms = now_of(context);
    return true;
  }
  if (equals_nocase(v.bytes(), "subsec") || equals_nocase(v.bytes(), "subsecond")) {
    out.ms = now_of(context);
    out.subsecond = true;
    return true;
  }
  const ParsedReal number = parse_real(v.bytes());
  if (number.form != NumberForm::integer && number.form != NumberForm::real) return false;
  set_number(number.value, out);
  return true;
}

}  // namespace saturn::sql::datetime
