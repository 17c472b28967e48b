#include "functions/function.hpp"

#include "base/limits.hpp"
#include "value/number.hpp"

#include <cmath>
#include <optional>
#include <string>

namespace saturn::sql {

namespace {

class Count final : public Aggregate {
 public:
  Result<void> step(FunctionContext&, Arguments a) override {
    count_ += a.empty() || !a[0].is_null() ? 1 : 0;
    return {};
  }
  Result<ValueRef> finalize(FunctionContext&) override { return ValueRef::integer(count_); }

 private:
  std::int64_t count_ = 0;
};

/// sum, total and avg. Integers add up exactly until a real or an overflow comes; from then on a
/// Kahan-Babuska sum in doubles goes on.
class Sum : public Aggregate {
 public:
  Result<void> step(FunctionContext&, Arguments a) override {
    if (a[0].is_null()) {
      return {};
    }
    ++count_;
    const ValueRef v = number_of(a[0]);
    if (!approximate_ && v.is_integer() &&
        !__builtin_add_overflow(exact_, v.as_integer(), &exact_)) {
      return {};
    }
    if (!approximate_) {
      // The failed addition left the wrapped sum behind: take it back.
      if (v.is_integer()) {
        overflow_ = true;
        exact_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(exact_) -
                                           static_cast<std::uint64_t>(v.as_integer()));
      }
      approximate_ = true;
      add_integer(exact_);
    }
    if (v.is_integer()) {
      add_integer(v.as_integer());
    } else {
      overflow_ = false;
      add(v.as_real());
    }
    return {};
  }

 protected:
  double total() const noexcept {
    if (!approximate_) {
      return static_cast<double>(exact_);
    }
    return std::isfinite(error_) ? sum_ + error_ : sum_;
  }
  static ValueRef number_of(ValueRef v) noexcept {
    if (!v.is_text() && !v.is_blob()) {
      return v;
    }
    const NumberForm form = parse_real(v.bytes()).form;
    const ValueRef number = to_numeric(v);
    const bool integer = form == NumberForm::integer && v.is_text() && number.is_integer();
    return integer ? number : ValueRef::real(to_real(v));
  }

  std::int64_t count_ = 0;
  std::int64_t exact_ = 0;
  bool approximate_ = false;
  bool overflow_ = false;

 private:
  void add(double v) noexcept {
    const double next = sum_ + v;
    error_ += std::fabs(sum_) > std::fabs(v) ? (sum_ - next) + v : (v - next) + sum_;
    sum_ = next;
  }
  /// A large integer goes in as two parts that doubles hold exactly.
  void add_integer(std::int64_t v) noexcept {
    const std::int64_t low = v % 16384;
    add(static_cast<double>(v - low));
    add(static_cast<double>(low));
  }

  double sum_ = 0.0;
  double error_ = 0.0;
};

class SumResult final : public Sum {
 public:
  Result<ValueRef> finalize(FunctionContext&) override {
    if (count_ == 0) {
      return ValueRef();
    }
    if (overflow_) {
      return Error(Code::error, "integer overflow");
    }
    return approximate_ ? ValueRef::real(total()) : ValueRef::integer(exact_);
  }
};

class Total final : public Sum {
 public:
  Result<ValueRef> finalize(FunctionContext&) override { return ValueRef::real(total()); }
};

class Average final : public Sum {
 public:
  Result<ValueRef> finalize(FunctionContext&) override {
    return count_ == 0 ? ValueRef() : ValueRef::real(total() / static_cast<double>(count_));
  }
};

template <int Sign>
class Extreme final : public Aggregate {
 public:
  Result<void> step(FunctionContext& context, Arguments a) override {
    if (!a[0].is_null() && (!best_ || compare(a[0], best_->ref(), *context.collation) * Sign > 0)) {
      best_ = Value(a[0]);
      subtype_ = a[0].subtype();
    }
    return {};
  }
  Result<ValueRef> finalize(FunctionContext&) override {
    ValueRef v = best_ ? best_->ref() : ValueRef();
    v.set_subtype(subtype_);
    return v;
  }

 private:
  std::optional<Value> best_;
  std::uint8_t subtype_ = 0;
};

class GroupConcat final : public Aggregate {
 public:
  Result<void> step(FunctionContext& context, Arguments a) override {
    if (a[0].is_null()) {
      return {};
    }
    if (seen_) {
      text_ += a.size() == 2 ? to_text(a[1], context.arena) : std::string_view(",");
    }
    seen_ = true;
    const std::string_view value = to_text(a[0], context.arena);
    text_ += value;
    context.kept_bytes += value.size();
    if (text_.size() > limits::kLengthMax) {
      return Error(Code::toobig);
    }
    return {};
  }
  Result<ValueRef> finalize(FunctionContext&) override {
    return seen_ ? ValueRef::text(text_) : ValueRef();
  }

 private:
  std::string text_;
  bool seen_ = false;
};

template <typename T>
std::unique_ptr<Aggregate> make() {
  return std::make_unique<T>();
}

constexpr Function kFunctions[] = {
    {"avg", 1, 1, nullptr, make<Average>},
    {"count", 0, 1, nullptr, make<Count>},
    {"group_concat", 1, 2, nullptr, make<GroupConcat>},
    {"max", 1, 1, nullptr, make<Extreme<1>>},
    {"min", 1, 1, nullptr, make<Extreme<-1>>},
    {"string_agg", 2, 2, nullptr, make<GroupConcat>},
    {"sum", 1, 1, nullptr, make<SumResult>},
    {"total", 1, 1, nullptr, make<Total>},
};

}  // namespace

std::span<const Function> aggregate_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
