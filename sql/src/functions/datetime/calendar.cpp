#include "functions/datetime/moment.hpp"

#include <algorithm>

namespace saturn::sql::datetime {

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

int days_in_month(int year, int month) noexcept {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

Civil civil_of(const Moment& m) noexcept { return m.written ? *m.written : to_civil(m.ms); }

void add_months(Moment& m, std::int64_t months, std::int64_t years) {
  Civil c = civil_of(m);
  const std::int64_t total = c.year * 12LL + (c.month - 1) + months + years * 12;
  c.year = static_cast<int>(total >= 0 ? total / 12 : -((-total + 11) / 12));
  c.month = static_cast<int>(total - c.year * 12LL) + 1;
  m.day_overflow = std::max(0, c.day - days_in_month(c.year, c.month));
  m.move_to(to_ms(c));
}

}  // namespace saturn::sql::datetime
