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

class Binary final : public Collation {
 public:
  std::string_view name() const noexcept override { return "BINARY"; }
  int compare(std::string_view a, std::string_view b) const noexcept override {
    return compare_bytes(a, b);
  }
};

class Nocase final : public Collation {
 public:
  std::string_view name() const noexcept override { return "NOCASE"; }
  int compare(std::string_view a, std::string_view b) const noexcept override {
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
};

class Rtrim final : public Collation {
 public:
  std::string_view name() const noexcept override { return "RTRIM"; }
  int compare(std::string_view a, std::string_view b) const noexcept override {
    return compare_bytes(trimmed(a), trimmed(b));
  }

 private:
  static std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && text.back() == ' ') {
      text.remove_suffix(1);
    }
    return text;
  }
};

/// NULL < numbers < texts < blobs.
int rank(Type type) noexcept {
  constexpr int kRanks[] = {0, 1, 1, 2, 3};
  return kRanks[static_cast<int>(type)];
}

int order_of(auto a, auto b) noexcept { return a < b ? -1 : static_cast<int>(a > b); }

}  // namespace

const Collation& Collation::binary() noexcept {
  static const Binary collation;
  return collation;
}
const Collation& Collation::nocase() noexcept {
  static const Nocase collation;
  return collation;
}
const Collation& Collation::rtrim() noexcept {
  static const Rtrim collation;
  return collation;
}

const Collation* Collation::find(std::string_view name) noexcept {
  for (const Collation* collation : {&binary(), &nocase(), &rtrim()}) {
    if (equals_nocase(name, collation->name())) {
      return collation;
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
