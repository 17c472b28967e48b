#include "functions/table_function.hpp"
#include "value/number.hpp"

// generate_series(start, stop, step): the integers from `start` to `stop`.

namespace saturn::sql {
namespace {

constexpr std::int64_t kDefaultStop = 0xffff'ffff;

class SeriesCursor final : public TableCursor {
 public:
  Result<void> start(std::span<const std::optional<ValueRef>> arguments) override {
    bool any_null = false;
    const auto number = [&](std::size_t i, std::int64_t otherwise) {
      if (!arguments[i]) return otherwise;
      any_null = any_null || arguments[i]->is_null();
      return to_integer(*arguments[i]);
    };
    start_ = number(0, 0);
    stop_ = number(1, kDefaultStop);
    step_ = number(2, 1);
    if (step_ == 0) step_ = 1;
    row_ = 0;
    rows_ = 0;
    if (any_null || (step_ > 0 ? start_ > stop_ : start_ < stop_)) return {};
    // 64-bit distances have no sign of their own: -2^63 to 2^63-1 is 2^64-1.
    const std::uint64_t from = static_cast<std::uint64_t>(step_ > 0 ? start_ : stop_);
    const std::uint64_t to = static_cast<std::uint64_t>(step_ > 0 ? stop_ : start_);
    const std::uint64_t by = step_ > 0 ? static_cast<std::uint64_t>(step_)
                                       : std::uint64_t{0} - static_cast<std::uint64_t>(step_);
    last_ = (to - from) / by;
    rows_ = 1;
    return {};
  }
  Result<bool> next() override {
    if (rows_ == 0 || (row_ > 0 && row_ - 1 == last_)) return false;
    ++row_;
    return true;
  }
  Result<ValueRef> column(std::size_t column, ValueArena&) override {
    switch (column) {
      case 0: {
        const std::uint64_t ahead = (row_ - 1) * static_cast<std::uint64_t>(step_);
        return ValueRef::integer(
            static_cast<std::int64_t>(static_cast<std::uint64_t>(start_) + ahead));
      }
      case 1: return ValueRef::integer(start_);
      case 2: return ValueRef::integer(stop_);
      default: return ValueRef::integer(step_);
    }
  }
  std::int64_t rowid() const noexcept override { return static_cast<std::int64_t>(row_); }

 private:
  std::int64_t start_ = 0;
  std::int64_t stop_ = 0;
  std::int64_t step_ = 1;
  std::uint64_t row_ = 0;   ///< from 1; 0 before the first
  std::uint64_t last_ = 0;  ///< of the last row, from 0
  std::uint64_t rows_ = 0;  ///< 0 when there are none at all
};

class SeriesFunction final : public TableFunction {
 public:
  SeriesFunction() {
    name = "generate_series";
    columns = {{"value", ""}};
    arguments = {{"start", ""}, {"stop", ""}, {"step", ""}};
    rows_guess = 1000;
  }
  std::unique_ptr<TableCursor> make_cursor(Runtime&, const Schemas&) const override {
    return std::make_unique<SeriesCursor>();
  }
  Result<void> check_arguments(const std::vector<bool>& given) const override {
    if (given[0]) return {};
    return Error(Code::error, "first argument to \"generate_series()\" missing or unusable");
  }
};

}  // namespace

const TableFunction& series_function() noexcept {
  static const SeriesFunction kFunction;
  return kFunction;
}

}  // namespace saturn::sql
