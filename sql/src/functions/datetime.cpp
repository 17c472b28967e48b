#include "functions/function.hpp"
#include "value/number.hpp"

#include "base/text.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

// Date and time functions (https://www.sqlite.org/lang_datefunc.html). A moment is a count of
// milliseconds since noon of November 24, 4714 BC (Julian day 0) in the proleptic Gregorian
// calendar; 1970-01-01 00:00 is 210,866,760,000,000.

namespace saturn::sql {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kEpochMs = 210'866'760'000'000;
constexpr std::int64_t kLastMs = 464'269'060'799'999;  ///< the end of 9999-12-31

struct Civil {
  int year = 2000;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  double second = 0;
};

std::int64_t to_ms(const Civil& c) noexcept {
  int year = c.year;
  int month = c.month;
  if (month <= 2) {
    --year;
    month += 12;
  }
  const int century = (year + 4800) / 100;
  const int leap = 38 - century + century / 4;
  const auto days = static_cast<std::int64_t>(36525LL * (year + 4716) / 100);
  const auto month_days = static_cast<std::int64_t>(306001LL * (month + 1) / 10000);
  const double jd = static_cast<double>(days + month_days + c.day + leap) - 1524.5;
  return static_cast<std::int64_t>(jd * static_cast<double>(kDayMs)) + c.hour * 3'600'000LL +
         c.minute * 60'000LL + static_cast<std::int64_t>(c.second * 1000 + 0.5);
}

Civil to_civil(std::int64_t ms) noexcept {
  Civil c;
  const auto z = static_cast<int>((ms + kDayMs / 2) / kDayMs);
  int alpha = static_cast<int>((z + 32044.75) / 36524.25) - 52;
  const int a = z + 1 + alpha - ((alpha + 100) / 4) + 25;
  const int b = a + 1524;
  const int cc = static_cast<int>((b - 122.1) / 365.25);
  const int d = (36525 * (cc & 32767)) / 100;
  const int e = static_cast<int>((b - d) / 30.6001);
  const int x1 = static_cast<int>(30.6001 * e);
  c.day = b - d - x1;
  c.month = e < 14 ? e - 1 : e - 13;
  c.year = c.month > 2 ? cc - 4716 : cc - 4715;
  const auto day_ms = static_cast<int>((ms + kDayMs / 2) % kDayMs);
  c.second = (day_ms % 60'000) / 1000.0;
  c.minute = day_ms / 60'000 % 60;
  c.hour = day_ms / 3'600'000;
  return c;
}

struct Moment {
  std::int64_t ms = 0;
  bool subsecond = false;
  bool raw_number = false;  ///< given as a number, and not yet taken for anything
  double number = 0;
  int day_overflow = 0;  ///< days by which a day of a month was past the month's end
};

bool in_range(std::int64_t ms) noexcept { return ms >= 0 && ms <= kLastMs; }

// --- parsing -------------------------------------------------------------------------------------

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool at_end() const noexcept { return at_ == text_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
  bool accept(char c) noexcept {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() noexcept {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
  }
  /// Exactly `digits` digits, with a value in low..high.
  bool number(int digits, int low, int high, int& out) noexcept {
    out = 0;
    for (int i = 0; i < digits; ++i) {
      if (peek() < '0' || peek() > '9') return false;
      out = out * 10 + (text_[at_++] - '0');
    }
    return out >= low && out <= high;
  }
  /// .SSS
  double fraction() noexcept {
    double value = 0;
    double scale = 1;
    if (peek() != '.' || at_ + 1 >= text_.size() || text_[at_ + 1] < '0' || text_[at_ + 1] > '9') {
      return 0;
    }
    ++at_;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + (text_[at_++] - '0');
      scale *= 10;
    }
    return value / scale;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// HH:MM[:SS[.SSS]] and a time zone; `zone_minutes` is what has to be taken off.
bool scan_time(Scanner& in, Civil& c, int& zone_minutes) {
  if (!in.number(2, 0, 24, c.hour) || !in.accept(':') || !in.number(2, 0, 59, c.minute)) {
    return false;
  }
  c.second = 0;
  if (in.accept(':')) {
    int second = 0;
    if (!in.number(2, 0, 59, second)) return false;
    c.second = second + in.fraction();
  }
  zone_minutes = 0;
  in.skip_blanks();
  if (in.accept('Z') || in.accept('z')) {
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

int days_in_month(int year, int month) noexcept {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool parse_text(std::string_view text, Moment& out) {
  Civil c;
  int zone = 0;
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
  }
  out.ms = to_ms(c) - zone * 60'000LL;
  return true;
}

void set_number(double v, Moment& out) {
  out.raw_number = true;
  out.number = v;
  if (v >= 0 && v < 5373484.5) out.ms = static_cast<std::int64_t>(v * 86400000.0 + 0.5);
}

std::int64_t now_of(const FunctionContext& context) {
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

// --- modifiers -----------------------------------------------------------------------------------

/// Local time minus UTC at a moment of UTC, in ms.
std::int64_t local_offset(std::int64_t ms) {
  auto seconds = static_cast<std::time_t>((ms - kEpochMs) / 1000);
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return 0;
  return static_cast<std::int64_t>(local.tm_gmtoff) * 1000;
}

void add_months(Moment& m, std::int64_t months, std::int64_t years) {
  Civil c = to_civil(m.ms);
  const std::int64_t total = c.year * 12LL + (c.month - 1) + months + years * 12;
  c.year = static_cast<int>(total >= 0 ? total / 12 : -((-total + 11) / 12));
  c.month = static_cast<int>(total - c.year * 12LL) + 1;
  m.day_overflow = std::max(0, c.day - days_in_month(c.year, c.month));
  m.ms = to_ms(c);
}

bool start_of(std::string_view what, Moment& m) {
  Civil c = to_civil(m.ms);
  c.hour = c.minute = 0;
  c.second = 0;
  if (what == "year")
    c.month = c.day = 1;
  else if (what == "month")
    c.day = 1;
  else if (what != "day")
    return false;
  m.ms = to_ms(c);
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
    add_months(m, sign * months, sign * years);
    m.ms += sign * days * kDayMs;
    if (in.at_end()) return true;
    if (!in.accept(' ')) return false;
    rest = rest.substr(11);
  }
  Scanner time(rest);
  Civil c;
  int zone = 0;
  if (!scan_time(time, c, zone) || zone != 0) return false;
  m.ms += sign * (c.hour * 3'600'000LL + c.minute * 60'000LL +
                  static_cast<std::int64_t>(c.second * 1000 + 0.5));
  return true;
}

bool shift_by_unit(double amount, std::string_view unit, Moment& m) {
  if (unit.size() > 1 && unit.back() == 's') unit.remove_suffix(1);
  const double rounder = amount < 0 ? -0.5 : 0.5;
  const auto shift = [&](double unit_ms, double most) {
    if (std::fabs(amount) >= most) return false;
    m.ms += static_cast<std::int64_t>(amount * unit_ms + rounder);
    return true;
  };
  if (unit == "second") return shift(1000, 4.6427e+14);
  if (unit == "minute") return shift(60'000, 7.7379e+12);
  if (unit == "hour") return shift(3'600'000, 1.2897e+11);
  if (unit == "day") return shift(86'400'000, 5373485);
  if (unit == "month") {
    if (std::fabs(amount) >= 176546) return false;
    const auto whole = static_cast<std::int64_t>(amount);
    add_months(m, whole, 0);
    m.ms += static_cast<std::int64_t>((amount - static_cast<double>(whole)) * 30 * 86400000.0 +
                                      rounder);
    return true;
  }
  if (unit == "year") {
    if (std::fabs(amount) >= 14713) return false;
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
  if (day < 0 || day >= 7 || day != std::floor(day)) return false;
  const std::int64_t now = (m.ms + 129'600'000) / kDayMs % 7;
  std::int64_t ahead = static_cast<std::int64_t>(day) - now;
  if (ahead < 0) ahead += 7;
  m.ms += ahead * kDayMs;
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
    if (is("julianday")) return first && m.raw_number && m.number >= 0 && m.number < 5373484.5;
    if (!m.raw_number) return is("auto");
    if (!first) return false;
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
    m.day_overflow = 0;
    return true;
  }
  if (is("floor")) {
    m.ms -= m.day_overflow * kDayMs;
    m.day_overflow = 0;
    return true;
  }
  if (is("localtime")) {
    m.ms += local_offset(m.ms);
    return true;
  }
  if (is("utc")) {
    const std::int64_t guess = m.ms - local_offset(m.ms);
    m.ms -= local_offset(guess);
    return true;
  }
  if (text.starts_with("start of ")) return start_of(std::string_view(text).substr(9), m);
  if (text.starts_with("weekday ")) return weekday(std::string_view(text).substr(8), m);
  if (text.empty()) return false;
  if (text.find(':') != std::string::npos || (text.size() >= 11 && text[5] == '-')) {
    return shift_by_text(text, m);
  }
  const std::size_t digits = text.find_first_not_of("+-0123456789.e", 0);
  std::size_t end = text.find(' ');
  if (end == std::string::npos) end = digits;
  if (end == std::string::npos || end == 0) return false;
  const ParsedReal number = parse_real(std::string_view(text).substr(0, end));
  if (number.form != NumberForm::integer && number.form != NumberForm::real) return false;
  while (end < text.size() && text[end] == ' ') ++end;
  return shift_by_unit(number.value, std::string_view(text).substr(end), m);
}

/// The moment of the arguments from `from` on; nothing where SQLite gives NULL.
std::optional<Moment> moment_of(const FunctionContext& context, Arguments a, std::size_t from) {
  Moment m;
  if (a.size() <= from) {
    m.ms = now_of(context);
    return m;
  }
  if (!parse_moment(context, a[from], m)) return std::nullopt;
  for (std::size_t i = from + 1; i < a.size(); ++i) {
    if (!a[i].is_text() && !a[i].is_blob()) {
      if (a[i].is_null()) return std::nullopt;
      return std::nullopt;
    }
    if (!modify(a[i].bytes(), i == from + 1, m)) return std::nullopt;
  }
  if (m.raw_number && (m.number < 0 || m.number >= 5373484.5)) return std::nullopt;
  if (!in_range(m.ms)) return std::nullopt;
  return m;
}

// --- printing ------------------------------------------------------------------------------------

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
  print_date(out, to_civil(m->ms));
  return text_result(context, out);
}

Result<ValueRef> fn_time(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  std::string out;
  print_time(out, to_civil(m->ms), m->subsecond);
  return text_result(context, out);
}

Result<ValueRef> fn_datetime(FunctionContext& context, Arguments a) {
  const auto m = moment_of(context, a, 0);
  if (!m) return ValueRef();
  std::string out;
  const Civil c = to_civil(m->ms);
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
    case 'F': print_date(out, c); return true;
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
  const Civil c = to_civil(m->ms);
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
    {"strftime", 1, -1, fn_strftime},
    {"time", 0, -1, fn_time},
    {"timediff", 2, 2, fn_timediff},
    {"unixepoch", 0, -1, fn_unixepoch},
};

}  // namespace

std::span<const Function> datetime_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
