#pragma once

#include "base/text_encoding.hpp"
#include "base/value.hpp"
#include "value/arena.hpp"

#include <cstdint>

namespace saturn::sql {

/// What a value becomes on its way into or out of something that depends on the encoding of a
/// UTF-16 database's texts. NULL stays NULL.
enum class Recode : std::uint8_t {
  leaving,   ///< texts in UTF-8 as functions see them; blobs stay
  text,      ///< the same, and blobs are read as texts of the database's encoding
  number,    ///< blobs are reals: of what is read from them as from a text
  cast,      ///< CAST AS TEXT: the image of a blob's bytes, an odd one left out
  image,     ///< the image of a blob's bytes
  bytes,     ///< CAST AS BLOB: the bytes of any value's text in the database's encoding
  entering,  ///< the image of a text that a function has made
  joined,    ///< the image of two images put together, an odd byte left out
};

/// One value's conversion. `utf8_blob`: the bytes of a blob are UTF-8, whatever the encoding.
ValueRef recoded(ValueRef v, Recode mode, TextEncoding encoding, bool utf8_blob, ValueArena& arena);

}  // namespace saturn::sql
