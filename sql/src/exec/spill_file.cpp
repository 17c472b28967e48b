#include "exec/spill_file.hpp"

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "session/session_state.hpp"
#include "storage/database.hpp"

#include <algorithm>
#include <bit>
#include <random>
#include <string>

// A row is its length in 8 bytes, without those, and then its values: a byte with the type and
// whether there is a subtype; the subtype; an integer or real in 8 bytes, or a text's or blob's
// length in 4 bytes and itself.

namespace saturn::sql {
namespace {

constexpr std::size_t kBufferBytes = 64U << 10;
/// Of a read that goes on where the last one ended; one that does not may be the only one there.
constexpr std::size_t kWindowBytes = 32U << 10;
constexpr std::size_t kFirstWindowBytes = 2U << 10;
constexpr std::size_t kLengthBytes = 8;
constexpr std::uint8_t kTypeMask = 0x07;
constexpr std::uint8_t kHasSubtype = 0x08;

storage::Database& main_storage(const SessionState& session) {
  return session.databases[kMainDatabase].database->storage();
}

/// Sixteen hexadecimal digits that nobody else has chosen.
std::string unique_word() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string word;
  for (int i = 0; i < 16; ++i) word += kDigits[random() % 16];
  return word;
}

Error damaged() { return Error(Code::ioerr_read, "a temporary file ends too early"); }

}  // namespace

bool SpillFile::available(const SessionState& session) {
  return main_storage(session).vfs().name() != "memory";
}

Result<std::unique_ptr<SpillFile>> SpillFile::make(const SessionState& session) {
  const storage::Database& main = main_storage(session);
  // A crash between the two calls leaves an empty file behind, which is in nobody's way.
  const std::string path = cat(main.path(), "-spill-", unique_word());
  auto file = TRY(main.vfs().open(path, {.create = true, .exclusive = true}));
  TRY(main.vfs().remove(path));
  return std::unique_ptr<SpillFile>(new SpillFile(std::move(file)));
}

void SpillFile::put(ValueRef value) {
  const auto type = static_cast<std::uint8_t>(value.type());
  buffer_.push_back(value.subtype() == 0 ? type : static_cast<std::uint8_t>(type | kHasSubtype));
  if (value.subtype() != 0) buffer_.push_back(value.subtype());
  const std::size_t at = buffer_.size();
  switch (value.type()) {
    case Type::null: return;
    case Type::integer:
    case Type::real:
      buffer_.resize(at + 8);
      store_be64(buffer_.data() + at, value.is_integer()
                                          ? static_cast<std::uint64_t>(value.as_integer())
                                          : std::bit_cast<std::uint64_t>(value.as_real()));
      return;
    case Type::text:
    case Type::blob: {
      const std::string_view bytes = value.bytes();
      buffer_.resize(at + 4);
      store_be32(buffer_.data() + at, static_cast<std::uint32_t>(bytes.size()));
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
      return;
    }
  }
}

Result<std::uint64_t> SpillFile::append(std::span<const ValueRef> row) {
  const std::size_t start = buffer_.size();
  const std::uint64_t offset = size();
  buffer_.resize(start + kLengthBytes);
  for (const ValueRef value : row) put(value);
  store_be64(buffer_.data() + start, buffer_.size() - start - kLengthBytes);
  if (buffer_.size() >= kBufferBytes) TRY(flush());
  return offset;
}

Result<void> SpillFile::flush() {
  if (buffer_.empty()) return {};
  TRY(file_->write(written_, buffer_));
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void> SpillFile::clear() {
  buffer_.clear();
  written_ = 0;
  return file_->truncate(0);
}

/// The next `count` bytes, which stay until the next call.
Result<const std::uint8_t*> SpillReader::bytes(std::size_t count) {
  const bool inside = at_ >= window_start_ && at_ + count <= window_start_ + window_.size();
  if (!inside) {
    const bool goes_on = at_ > window_start_ && at_ <= window_start_ + window_.size();
    window_.resize(std::max(count, goes_on ? kWindowBytes : kFirstWindowBytes));
    window_start_ = at_;
    const std::size_t got = TRY(file_.file_->read(at_, window_));
    window_.resize(got);
    if (got < count) return damaged();
  }
  return window_.data() + (at_ - window_start_);
}

Result<void> SpillReader::next(ValueRef* row) {
  const std::uint64_t length = load_be64(TRY(bytes(kLengthBytes)));
  const std::uint8_t* p = TRY(bytes(kLengthBytes + length)) + kLengthBytes;
  for (std::uint32_t i = 0; i < width_; ++i) {
    const std::uint8_t head = *p++;
    const std::uint8_t subtype = (head & kHasSubtype) != 0 ? *p++ : 0;
    const auto type = static_cast<Type>(head & kTypeMask);
    ValueRef value;
    if (type == Type::integer) {
      value = ValueRef::integer(static_cast<std::int64_t>(load_be64(p)));
      p += 8;
    } else if (type == Type::real) {
      value = ValueRef::real(std::bit_cast<double>(load_be64(p)));
      p += 8;
    } else if (type != Type::null) {
      const std::uint32_t size = load_be32(p);
      const std::string_view text(reinterpret_cast<const char*>(p + 4), size);
      value = type == Type::text ? ValueRef::text(text) : ValueRef::blob(text);
      p += 4 + size;
    }
    value.set_subtype(subtype);
    row[i] = value;
  }
  at_ += kLengthBytes + length;
  return {};
}

}  // namespace saturn::sql
