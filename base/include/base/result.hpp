#pragma once

#include "base/assert.hpp"
#include "base/error.hpp"

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace saturn {

/// A value or an `Error`, with the interface of `std::expected` that this project uses.
/// Past start-up every function that can fail returns one; exceptions are not used for errors.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  // NOLINTNEXTLINE(google-explicit-constructor): a function says `return value;`
  template <typename U = T>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & {
    ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    ASSERT(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    ASSERT(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  template <typename U>
  T value_or(U&& fallback) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() noexcept = default;
  Result(Error error) noexcept : rep_(std::move(error.rep_)) {}

  bool has_value() const noexcept { return rep_ == nullptr; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const { ASSERT(has_value()); }

  /// The error by value; afterwards this result counts as a success.
  Error error() && {
    ASSERT(!has_value());
    return Error(std::move(rep_));
  }
  Code code() const noexcept { return rep_ ? rep_->code : Code::ok; }
  const std::string& message() const {
    ASSERT(!has_value());
    return rep_->message;
  }

 private:
  std::unique_ptr<Error::Rep> rep_;
};

}  // namespace saturn

/// `auto x = TRY(f());` yields the value of a `Result`, or returns its error from the enclosing
/// function. A statement expression: GCC and Clang both have them.
#define TRY(expression) TRY_UNIQUE_(expression, __COUNTER__)
#define TRY_UNIQUE_(expression, counter) TRY_NAMED_(expression, counter)
#define TRY_NAMED_(expression, counter)               \
  ({                                                  \
    auto try_result_##counter = (expression);         \
    if (!try_result_##counter) [[unlikely]] {         \
      return std::move(try_result_##counter).error(); \
    }                                                 \
    std::move(try_result_##counter).value();          \
  })
