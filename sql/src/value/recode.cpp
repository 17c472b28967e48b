#include "value/recode.hpp"

#include "value/number.hpp"
#include "value/stored_text.hpp"

namespace saturn::sql {
namespace {

ValueRef with_bytes(ValueRef v, std::string_view bytes, ValueArena& arena) {
  ValueRef text = ValueRef::text(arena.copy(bytes));
  text.set_subtype(v.subtype());
  return text;
}

std::string_view whole_units(std::string_view bytes) noexcept {
  return bytes.substr(0, bytes.size() & ~std::size_t{1});
}

ValueRef entering(ValueRef v, ValueArena& arena) {
  if (enters_unchanged(v.bytes())) return v;
  return with_bytes(v, entering_text(v.bytes()), arena);
}

ValueRef leaving(ValueRef v, ValueArena& arena) {
  if (leaves_unchanged(v.bytes())) return v;
  return with_bytes(v, leaving_text(v.bytes()), arena);
}

ValueRef joined(ValueRef v, TextEncoding encoding, ValueArena& arena) {
  if (leaves_unchanged(v.bytes())) return v;
  const std::string bytes = to_utf16(v.bytes(), encoding);
  return with_bytes(v, from_utf16(whole_units(bytes), encoding), arena);
}

/// A blob as a text.
ValueRef text_of(ValueRef blob, Recode mode, TextEncoding encoding, bool utf8_blob,
                 ValueArena& arena) {
  std::string_view bytes = blob.bytes();
  if (mode == Recode::cast) bytes = whole_units(bytes);
  if (utf8_blob && mode != Recode::image) return entering(ValueRef::text(bytes), arena);
  const ValueRef image = from_stored(ValueRef::text(bytes), encoding, arena);
  return mode == Recode::cast || mode == Recode::image ? image : leaving(image, arena);
}

}  // namespace

ValueRef recoded(ValueRef v, Recode mode, TextEncoding encoding, bool utf8_blob,
                 ValueArena& arena) {
  if (v.is_null()) return v;
  switch (mode) {
    case Recode::leaving: return v.is_text() ? leaving(v, arena) : v;
    case Recode::text:
      if (v.is_text()) return leaving(v, arena);
      return v.is_blob() ? text_of(v, mode, encoding, utf8_blob, arena) : v;
    case Recode::number:
      if (!v.is_blob()) return v;
      return ValueRef::real(to_real(text_of(v, mode, encoding, utf8_blob, arena)));
    case Recode::cast:
    case Recode::image: return v.is_blob() ? text_of(v, mode, encoding, utf8_blob, arena) : v;
    case Recode::bytes:
      if (v.is_blob()) return v;
      return ValueRef::blob(stored_bytes(to_text(v, arena), encoding, arena));
    case Recode::entering: return v.is_text() ? entering(v, arena) : v;
    case Recode::joined: return v.is_text() ? joined(v, encoding, arena) : v;
  }
  return v;
}

}  // namespace saturn::sql
