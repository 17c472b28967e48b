#include "base/text.hpp"
#include "functions/function.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

// median(), percentile(), percentile_cont() and percentile_disc().

namespace saturn::sql {

namespace {

enum class Kind : std::uint8_t { median, percentile, continuous, discrete };

constexpr std::string_view name_of(Kind kind) {
  constexpr std::string_view kNames[] = {"median", "percentile", "percentile_cont",
                                         "percentile_disc"};
  return kNames[static_cast<std::size_t>(kind)];
}

template <Kind K>
class Percentile final : public Aggregate {
 public:
  Result<void> step(FunctionContext& context, Arguments a) override {
    const double fraction = K == Kind::median ? 0.5 : TRY(fraction_of(a[1]));
    if (!fraction_) fraction_ = fraction;
    // Within a thousandth they count as the same.
    if (std::fabs(*fraction_ - fraction) > 0.001) {
      return Error(Code::error, cat("the fraction argument to ", name_of(K),
                                    "() is not the same for all input rows"));
    }
    if (a[0].is_null()) return {};
    if (!a[0].is_numeric()) {
      return Error(Code::error, cat("input to ", name_of(K), "() is not numeric"));
    }
    const double v = to_real(a[0]);
    if (std::isinf(v)) return Error(Code::error, cat("Inf input to ", name_of(K), "()"));
    values_.push_back(v);
    context.kept_bytes += sizeof v;
    sorted_ = false;
    return {};
  }

  Result<ValueRef> finalize(FunctionContext&) override {
    if (values_.empty()) return ValueRef();
    if (!sorted_) std::sort(values_.begin(), values_.end());
    sorted_ = true;
    const double place = *fraction_ * static_cast<double>(values_.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    if (K == Kind::discrete) return ValueRef::real(values_[low]);
    const std::size_t high = std::min(low + 1, values_.size() - 1);
    const double between = place - static_cast<double>(low);
    return ValueRef::real(values_[low] + (values_[high] - values_[low]) * between);
  }

 private:
  static Result<double> fraction_of(ValueRef v) {
    constexpr double kMost = K == Kind::percentile ? 100.0 : 1.0;
    const NumberForm form = v.is_text() ? parse_real(v.bytes()).form : NumberForm::none;
    const bool number = v.is_numeric() || form == NumberForm::integer || form == NumberForm::real;
    const double fraction = number ? to_real(v) / kMost : -1;
    if (fraction >= 0 && fraction <= 1) return fraction;
    return Error(Code::error,
                 cat("the fraction argument to ", name_of(K), "() is not between 0.0 and ",
                     K == Kind::percentile ? "100.0" : "1.0"));
  }

  std::optional<double> fraction_;
  std::vector<double> values_;
  bool sorted_ = true;
};

template <Kind K>
std::unique_ptr<Aggregate> make() {
  return std::make_unique<Percentile<K>>();
}

constexpr Function kFunctions[] = {
    {"median", 1, 1, nullptr, make<Kind::median>},
    {"percentile", 2, 2, nullptr, make<Kind::percentile>},
    {"percentile_cont", 2, 2, nullptr, make<Kind::continuous>},
    {"percentile_disc", 2, 2, nullptr, make<Kind::discrete>},
};

}  // namespace

std::span<const Function> percentile_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
