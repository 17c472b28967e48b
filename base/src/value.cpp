#include "base/value.hpp"

namespace saturn {

Value::Value(ValueRef v) {
  switch (v.type()) {
    case Type::null: break;
    case Type::integer: state_ = v.as_integer(); break;
    case Type::real: state_ = v.as_real(); break;
    case Type::text: state_ = std::string(v.bytes()); break;
    case Type::blob: state_ = Blob{std::string(v.bytes())}; break;
  }
}

ValueRef Value::ref() const noexcept {
  switch (type()) {
    case Type::null: return {};
    case Type::integer: return ValueRef::integer(*std::get_if<std::int64_t>(&state_));
    case Type::real: return ValueRef::real(*std::get_if<double>(&state_));
    case Type::text: return ValueRef::text(*std::get_if<std::string>(&state_));
    case Type::blob: return ValueRef::blob(std::get_if<Blob>(&state_)->bytes);
  }
  return {};
}

}  // namespace saturn
