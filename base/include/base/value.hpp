#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace saturn {

/// SQLite's five storage classes.
enum class Type : std::uint8_t { null, integer, real, text, blob };

/// A value that borrows its bytes: 16 bytes, trivially copyable. The executor, the codecs and the
/// record format all speak this type. Text is UTF-8 by convention but is carried byte for byte.
/// A NaN never appears: SQLite turns it into NULL, and so does `real()`.
class ValueRef {
 public:
  constexpr ValueRef() noexcept : integer_(0) {}

  static constexpr ValueRef null() noexcept { return {}; }
  static constexpr ValueRef integer(std::int64_t v) noexcept {
    ValueRef r;
    r.type_ = Type::integer;
    r.integer_ = v;
    return r;
  }
  static constexpr ValueRef real(double v) noexcept {
    ValueRef r;
    if (v == v) {
      r.type_ = Type::real;
      r.real_ = v;
    }
    return r;
  }
  /// Borrows `v`: the caller keeps the bytes alive. At most 2^31-1 bytes.
  static constexpr ValueRef text(std::string_view v) noexcept {
    ValueRef r;
    r.type_ = Type::text;
    r.size_ = static_cast<std::uint32_t>(v.size());
    r.bytes_ = v.data();
    return r;
  }
  static constexpr ValueRef blob(std::string_view v) noexcept {
    ValueRef r = text(v);
    r.type_ = Type::blob;
    return r;
  }

  constexpr Type type() const noexcept { return type_; }
  constexpr bool is_null() const noexcept { return type_ == Type::null; }
  constexpr bool is_integer() const noexcept { return type_ == Type::integer; }
  constexpr bool is_real() const noexcept { return type_ == Type::real; }
  constexpr bool is_text() const noexcept { return type_ == Type::text; }
  constexpr bool is_blob() const noexcept { return type_ == Type::blob; }
  constexpr bool is_numeric() const noexcept { return is_integer() || is_real(); }

  /// Only for the type named; no conversion happens here.
  constexpr std::int64_t as_integer() const noexcept { return integer_; }
  constexpr double as_real() const noexcept { return real_; }
  /// The bytes of a text or blob.
  constexpr std::string_view bytes() const noexcept { return {bytes_, size_}; }

  /// Function results and pointers carry a one-byte subtype ('J' for JSON text); 0 = none.
  constexpr std::uint8_t subtype() const noexcept { return subtype_; }
  constexpr void set_subtype(std::uint8_t s) noexcept { subtype_ = s; }

 private:
  Type type_ = Type::null;
  std::uint8_t subtype_ = 0;
  std::uint32_t size_ = 0;
  union {
    std::int64_t integer_;
    double real_;
    const char* bytes_;
  };
};
static_assert(sizeof(ValueRef) == 16);

/// A value that owns its bytes: parameters, results that outlive their statement, tests.
class Value {
 public:
  struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
  };

  Value() noexcept = default;
  Value(std::int64_t v) : state_(v) {}
  Value(int v) : state_(static_cast<std::int64_t>(v)) {}
  Value(double v) : state_(v) {}
  Value(std::string v) : state_(std::move(v)) {}
  Value(std::string_view v) : state_(std::string(v)) {}
  Value(const char* v) : state_(std::string(v)) {}
  Value(Blob v) : state_(std::move(v)) {}
  explicit Value(ValueRef v);

  /// Borrows from this value; valid until it is changed or destroyed.
  ValueRef ref() const noexcept;
  Type type() const noexcept { return static_cast<Type>(state_.index()); }

  bool operator==(const Value&) const = default;

 private:
  std::variant<std::monostate, std::int64_t, double, std::string, Blob> state_;
};

using Row = std::vector<Value>;

}  // namespace saturn
