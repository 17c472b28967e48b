#pragma once

#include "base/result.hpp"
#include "base/value.hpp"

#include <cmath>
#include <cstdint>

namespace saturn::sql {

/// The running state of sum(), total(), avg() and count(). Integers add up exactly until a real or
/// an overflow comes; from then on a Kahan-Babuska sum in doubles goes on.
class NumberSum {
 public:
  /// Adds a value as its number; NULL adds nothing.
  void add(ValueRef v) noexcept {
    if (v.is_null()) return;
    ++count_;
    if (v.is_real() && approximate_) {
      overflow_ = false;
      add_real(v.as_real());
    } else if (!v.is_integer() || approximate_ ||
               __builtin_add_overflow(exact_, v.as_integer(), &exact_)) {
      add_slowly(v);
    }
  }
  /// For count(): counts what is not NULL, or any row.
  void count(ValueRef v) noexcept { count_ += v.is_null() ? 0 : 1; }
  void count_row() noexcept { ++count_; }

  std::int64_t counted() const noexcept { return count_; }
  /// NULL without a number; "integer overflow".
  Result<ValueRef> sum() const;
  ValueRef total() const noexcept { return ValueRef::real(total_real()); }
  /// NULL without a number.
  ValueRef average() const noexcept {
    return count_ == 0 ? ValueRef() : ValueRef::real(total_real() / static_cast<double>(count_));
  }

 private:
  void add_slowly(ValueRef v) noexcept;
  void add_real(double v) noexcept {
    const double next = sum_ + v;
    error_ += std::fabs(sum_) > std::fabs(v) ? (sum_ - next) + v : (v - next) + sum_;
    sum_ = next;
  }
  /// A large integer goes in as two parts that doubles hold exactly.
  void add_integer(std::int64_t v) noexcept {
    const std::int64_t low = v % 16384;
    add_real(static_cast<double>(v - low));
    add_real(static_cast<double>(low));
  }
  double total_real() const noexcept {
    if (!approximate_) return static_cast<double>(exact_);
    return std::isfinite(error_) ? sum_ + error_ : sum_;
  }

  std::int64_t count_ = 0;
  std::int64_t exact_ = 0;
  double sum_ = 0.0;
  double error_ = 0.0;
  bool approximate_ = false;
  bool overflow_ = false;
};

}  // namespace saturn::sql
