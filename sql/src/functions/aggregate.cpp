#include "functions/function.hpp"

#include "base/limits.hpp"
#include "functions/number_sum.hpp"
#include "value/number.hpp"

#include <deque>
#include <optional>
#include <string>

namespace saturn::sql {

namespace {

/// What a text or blob adds: an integer only where it is one as a whole.
ValueRef number_of(ValueRef v) noexcept {
  if (!v.is_text() && !v.is_blob()) return v;
  const NumberForm form = parse_real(v.bytes()).form;
  const ValueRef number = to_numeric(v);
  const bool integer = form == NumberForm::integer && v.is_text() && number.is_integer();
  return integer ? number : ValueRef::real(to_real(v));
}

}  // namespace

/// After an addition that overflowed too: the wrapped sum that it left behind is taken back.
void NumberSum::add_slowly(ValueRef value) noexcept {
  const ValueRef v = number_of(value);
  if (!approximate_ && v.is_integer()) {
    if (!value.is_integer() && !__builtin_add_overflow(exact_, v.as_integer(), &exact_)) return;
    overflow_ = true;
    exact_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(exact_) -
                                       static_cast<std::uint64_t>(v.as_integer()));
  }
  if (!approximate_) {
    approximate_ = true;
    add_integer(exact_);
  }
  if (v.is_integer()) {
    add_integer(v.as_integer());
  } else {
    overflow_ = false;
    add_real(v.as_real());
  }
}

Result<ValueRef> NumberSum::sum() const {
  if (count_ == 0) return ValueRef();
  if (overflow_) return Error(Code::error, "integer overflow");
  return approximate_ ? ValueRef::real(total_real()) : ValueRef::integer(exact_);
}

namespace {

class Count final : public Aggregate {
 public:
  Result<void> step(FunctionContext&, Arguments a) override {
    a.empty() ? sum_.count_row() : sum_.count(a[0]);
    return {};
  }
  Result<ValueRef> finalize(FunctionContext&) override { return ValueRef::integer(sum_.counted()); }

 private:
  NumberSum sum_;
};

/// sum, total and avg.
class Sum : public Aggregate {
 public:
  Result<void> step(FunctionContext&, Arguments a) override {
    sum_.add(a[0]);
    return {};
  }

 protected:
  NumberSum sum_;
};

class SumResult final : public Sum {
 public:
  Result<ValueRef> finalize(FunctionContext&) override { return sum_.sum(); }
};

class Total final : public Sum {
 public:
  Result<ValueRef> finalize(FunctionContext&) override { return sum_.total(); }
};

class Average final : public Sum {
 public:
  Result<ValueRef> finalize(FunctionContext&) override { return sum_.average(); }
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

/// group_concat() and string_agg(). A row is forgotten as SQLite does it: as many bytes go as its
/// value and the separator behind it have, and when none is left the next row gets no separator,
/// for it counts as a first one. So empty values take separators with them that belong to others.
class GroupConcat final : public Aggregate {
 public:
  Result<void> step(FunctionContext& context, Arguments a) override {
    if (a[0].is_null()) return {};
    const std::string_view separator =
        a.size() == 2 ? to_text(a[1], context.arena) : std::string_view(",");
    if (begun_) {
      text_ += separator;
      note_separator(separator.size());
    } else {
      first_separator_ = separator.size();
    }
    begun_ = true;
    ++rows_;
    const std::string_view value = to_text(a[0], context.arena);
    text_ += value;
    context.kept_bytes += value.size();
    if (text_.size() > limits::kLengthMax) return Error(Code::toobig);
    return {};
  }

  bool can_forget() const noexcept override { return true; }
  void forget(FunctionContext& context, Arguments a) override {
    if (a[0].is_null()) return;
    std::size_t bytes = to_text(a[0], context.arena).size();
    if (rows_ > 0) --rows_;
    if (!separators_) {
      bytes += first_separator_;
    } else if (rows_ > 0 && !separators_->empty()) {
      bytes += separators_->front();
      separators_->pop_front();
    }
    text_.erase(0, bytes);
    if (!text_.empty()) return;
    begun_ = false;
    separators_.reset();
  }

  Result<ValueRef> finalize(FunctionContext&) override {
    return rows_ > 0 ? ValueRef::text(text_) : ValueRef();
  }

 private:
  void note_separator(std::size_t bytes) {
    if (!separators_ && bytes == first_separator_) return;
    if (!separators_) separators_.emplace();
    if (rows_ == 0) return;
    separators_->resize(rows_ - 1, first_separator_);
    separators_->push_back(bytes);
  }

  std::string text_;
  std::size_t rows_ = 0;
  bool begun_ = false;
  std::size_t first_separator_ = 0;  ///< bytes; of the row that came first
  /// Between the rows, in bytes; nothing as long as they have all been as long as the first row's.
  std::optional<std::deque<std::size_t>> separators_;
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
