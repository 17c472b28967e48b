#pragma once

#include "functions/function.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

/// Moments and calendar days, for the date and time functions
/// (https://www.sqlite.org/lang_datefunc.html).
///
/// A moment is a count of milliseconds since noon of November 24, 4714 BC (Julian day 0) in the
/// proleptic Gregorian calendar; 1970-01-01 00:00 is 210,866,760,000,000.
namespace saturn::sql::datetime {

inline constexpr std::int64_t kDayMs = 86'400'000;
inline constexpr std::int64_t kEpochMs = 210'866'760'000'000;
inline constexpr std::int64_t kLastMs = 464'269'060'799'999;  ///< the end of 9999-12-31

struct Civil {
  int year = 2000;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  double second = 0;
};

std::int64_t to_ms(const Civil& c) noexcept;
Civil to_civil(std::int64_t ms) noexcept;
int days_in_month(int year, int month) noexcept;

struct Moment {
  std::int64_t ms = 0;
  bool subsecond = false;
  bool raw_number = false;  ///< given as a number, and not yet taken for anything
  double number = 0;
  int day_overflow = 0;  ///< days by which a day of a month was past the month's end
  /// The fields as they were written: February 30 and 24:00 stay until a modifier moves them.
  std::optional<Civil> written;

  void move_to(std::int64_t to) noexcept {
    ms = to;
    written.reset();
  }
};

/// The day and time as they are to be shown.
Civil civil_of(const Moment& m) noexcept;
/// A day behind the month's end goes on in the next month.
void add_months(Moment& m, std::int64_t months, std::int64_t years);

class Scanner;
/// HH:MM[:SS[.SSS]] and a time zone up to the end; `zone_minutes` is what has to be taken off, and
/// nothing where there is none.
bool scan_time(Scanner& in, Civil& c, std::optional<int>& zone_minutes);

std::int64_t now_of(const FunctionContext& context);
/// A text, a number or 'now'; false when it is none.
bool parse_moment(const FunctionContext& context, ValueRef v, Moment& out);
/// The moment of the arguments from `from` on: a moment and its modifiers. Nothing where SQLite
/// gives NULL.
std::optional<Moment> moment_of(const FunctionContext& context, Arguments a, std::size_t from);

}  // namespace saturn::sql::datetime
