#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// The encodings that a database's texts may have, and how texts of UTF-16 are held as UTF-8.
///
/// The engine works on UTF-8. A text of a UTF-16 database becomes its *image*: each code point in
/// UTF-8, a surrogate without a partner in three bytes of its own, and the last byte of an odd
/// number in three bytes that are no UTF-8 (E0 80 80 to E0 83 BF). So every sequence of bytes has
/// one image and comes back from it unchanged, whatever is in it; of valid UTF-16 the image is
/// valid UTF-8. SQLite holds UTF-16 itself in such a database and converts, without complaint,
/// where a function or the caller asks for UTF-8: `entering_text` and `leaving_text` are what its
/// conversions make of bad input.
namespace saturn {

/// With the numbers of the database header (file format, section 1.3.13).
enum class TextEncoding : std::uint8_t { utf8 = 1, utf16le = 2, utf16be = 3 };

constexpr bool is_utf16(TextEncoding encoding) noexcept { return encoding != TextEncoding::utf8; }

/// Bytes of an image in UTF-16.
std::size_t utf16_size(std::string_view image) noexcept;
/// Writes them to `out`, which has room for `utf16_size(image)`.
void write_utf16(std::string_view image, TextEncoding to, char* out) noexcept;
std::string to_utf16(std::string_view image, TextEncoding to);

/// Bytes of the image of `bytes`, which are UTF-16 or any others.
std::size_t image_size(std::string_view bytes, TextEncoding from) noexcept;
/// Writes the image to `out`, which has room for `image_size(bytes, from)`.
void write_image(std::string_view bytes, TextEncoding from, char* out) noexcept;
std::string from_utf16(std::string_view bytes, TextEncoding from);

/// Whether UTF-8 from outside is its own image.
bool enters_unchanged(std::string_view utf8) noexcept;
/// The image of the UTF-16 that SQLite makes of UTF-8 from outside: U+FFFD for surrogates, overlong
/// forms, U+FFFE and U+FFFF.
std::string entering_text(std::string_view utf8);

/// Whether an image is the UTF-8 that SQLite makes of the text.
bool leaves_unchanged(std::string_view image) noexcept;
/// The UTF-8 that SQLite makes of an image's UTF-16: an odd byte goes, and a surrogate takes
/// whatever comes after it for its partner.
std::string leaving_text(std::string_view image);

/// Negative, 0 or positive: the order of two images' bytes in `encoding`.
int compare_utf16(std::string_view a, std::string_view b, TextEncoding encoding) noexcept;

}  // namespace saturn
