#include "value/compare.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstring>

namespace saturn::sql {

namespace {

int compare_bytes(std::string_view a, std::string_view b) noexcept {
  const std::size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order != 0) {
    return order;
  }
  return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

int compare_nocase_bytes(std::string_view a, std::string_view b) noexcept {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    const int order = static_cast<unsigned char>(ascii_lower(a[i])) -
                      static_cast<unsigned char>(ascii_lower(b[i]));
    if (order != 0) {
      return order;
    }
  }
  return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

template <Collation::Kind K>
int compare_utf8(std::string_view a, std::string_view b) noexcept {
  if constexpr (K == Collation::Kind::nocase) return compare_nocase_bytes(a, b);
  if constexpr (K == Collation::Kind::rtrim) return compare_bytes(trimmed(a), trimmed(b));
  return compare_bytes(a, b);
}

template <Collation::Kind K>
class OfUtf8 final : public Collation {
 public:
  constexpr OfUtf8() noexcept : Collation(K, TextEncoding::utf8) {}
  int compare(std::string_view a, std::string_view b) const noexcept override {
    return compare_utf8<K>(a, b);
  }
};

/// Texts are images.
template <Collation::Kind K, TextEncoding Encoding>
class OfUtf16 final : public Collation {
 public:
  constexpr OfUtf16() noexcept : Collation(K, Encoding) {}
  int compare(std::string_view a, std::string_view b) const noexcept override {
    if constexpr (K == Collation::Kind::binary) return compare_utf16(a, b, Encoding);
    if (leaves_unchanged(a) && leaves_unchanged(b)) return compare_utf8<K>(a, b);
    return compare_utf8<K>(leaving_text(a), leaving_text(b));
  }
};

template <Collation::Kind K>
const Collation& of_kind(TextEncoding encoding) noexcept {
  if (!is_utf16(encoding)) {
    static const OfUtf8<K> utf8;
    return utf8;
  }
  if (encoding == TextEncoding::utf16le) {
    static const OfUtf16<K, TextEncoding::utf16le> utf16le;
    return utf16le;
  }
  static const OfUtf16<K, TextEncoding::utf16be> utf16be;
  return utf16be;
}

/// NULL < numbers < texts < blobs.
int rank(Type type) noexcept {
  constexpr int kRanks[] = {0, 1, 1, 2, 3};
  return kRanks[static_cast<int>(type)];
}

int order_of(auto a, auto b) noexcept { return a < b ? -1 : static_cast<int>(a > b); }

}  // namespace

std::string_view Collation::name() const noexcept {
  constexpr std::string_view kNames[] = {"BINARY", "NOCASE", "RTRIM"};
  return kNames[static_cast<std::size_t>(kind)];
}

const Collation& Collation::of(Kind kind, TextEncoding encoding) noexcept {
  switch (kind) {
    case Kind::binary: break;
    case Kind::nocase: return of_kind<Kind::nocase>(encoding);
    case Kind::rtrim: return of_kind<Kind::rtrim>(encoding);
  }
  return of_kind<Kind::binary>(encoding);
}

const Collation* Collation::find(std::string_view name, TextEncoding encoding) noexcept {
  for (const Kind kind : {Kind::binary, Kind::nocase, Kind::rtrim}) {
    const Collation& collation = of(kind, encoding);
    if (equals_nocase(name, collation.name())) {
      return &collation;
    }
  }
  return nullptr;
}

int compare_integer_real(std::int64_t i, double r) noexcept {
  if (r < -9223372036854775808.0) {
    return 1;
  }
  if (r >= 9223372036854775808.0) {
    return -1;
  }
  const auto truncated = static_cast<std::int64_t>(r);
  if (i != truncated) {
    return i < truncated ? -1 : 1;
  }
  return order_of(static_cast<double>(i), r);
}

int compare(ValueRef a, ValueRef b, const Collation& collation) noexcept {
  if (a.is_integer() && b.is_integer()) [[likely]] {
    return order_of(a.as_integer(), b.as_integer());
  }
  if (const int order = rank(a.type()) - rank(b.type()); order != 0) {
    return order;
  }
  switch (a.type()) {
    case Type::null: return 0;
    case Type::integer: return compare_integer_real(a.as_integer(), b.as_real());
    case Type::real:
      return b.is_integer() ? -compare_integer_real(b.as_integer(), a.as_real())
                            : order_of(a.as_real(), b.as_real());
    case Type::text: return collation.compare(a.bytes(), b.bytes());
    case Type::blob: return compare_bytes(a.bytes(), b.bytes());
  }
  return 0;
}

}  // namespace saturn::sql
