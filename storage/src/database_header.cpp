#include "storage/database_header.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <cstring>

namespace saturn::storage {
namespace {

constexpr char kMagic[16] = "SQLite format 3";  // its terminating zero is the sixteenth byte
constexpr std::array<std::uint8_t, 3> kPayloadFractions{64, 32, 32};

static_assert(limits::kPageSizeMin == 512 && limits::kPageSizeMax == 65'536);

}  // namespace

Result<DatabaseHeader> DatabaseHeader::decode(ByteSpan bytes) {
  if (bytes.size() < kBytes) return Error(Code::notadb);
  const std::uint8_t* p = bytes.data();
  if (std::memcmp(p, kMagic, sizeof kMagic) != 0) return Error(Code::notadb);

  DatabaseHeader h;
  const std::uint16_t size_field = load_be16(p + 16);
  h.page_size = size_field == 1 ? 65'536 : size_field;
  h.write_version = p[18];
  h.read_version = p[19];
  h.reserved_bytes = p[20];
  if (h.read_version == 0 || h.read_version > kVersionWal) return Error(Code::notadb);
  if (!std::equal(kPayloadFractions.begin(), kPayloadFractions.end(), p + 21)) {
    return Error(Code::notadb);
  }
  if (!is_valid_page_size(h.page_size)) return Error(Code::notadb);
  if (h.usable_bytes() < kUsableBytesMin) return Error(Code::notadb);

  h.change_counter = load_be32(p + 24);
  h.page_count_field = load_be32(p + 28);
  h.freelist_trunk = load_be32(p + 32);
  h.freelist_pages = load_be32(p + 36);
  h.schema_cookie = load_be32(p + 40);
  h.schema_format = load_be32(p + 44);
  h.default_cache_size = static_cast<std::int32_t>(load_be32(p + 48));
  h.largest_root = load_be32(p + 52);
  h.text_encoding_field = load_be32(p + 56);
  h.user_version = load_be32(p + 60);
  h.incremental_vacuum = load_be32(p + 64);
  h.application_id = load_be32(p + 68);
  std::copy_n(p + 72, h.expansion.size(), h.expansion.begin());
  h.version_valid_for = load_be32(p + 92);
  h.sqlite_version = load_be32(p + 96);
  if (h.schema_format > kSchemaFormatMax) return Error(Code::error, "unsupported file format");
  return h;
}

void DatabaseHeader::encode(MutableByteSpan page) const {
  ASSERT(page.size() >= kBytes);
  ASSERT(is_valid_page_size(page_size));
  ASSERT(usable_bytes() >= kUsableBytesMin);
  std::uint8_t* p = page.data();
  std::memcpy(p, kMagic, sizeof kMagic);
  store_be16(p + 16, page_size == 65'536 ? 1 : static_cast<std::uint16_t>(page_size));
  p[18] = write_version;
  p[19] = read_version;
  p[20] = reserved_bytes;
  std::copy(kPayloadFractions.begin(), kPayloadFractions.end(), p + 21);
  store_be32(p + 24, change_counter);
  store_be32(p + 28, page_count_field);
  store_be32(p + 32, freelist_trunk);
  store_be32(p + 36, freelist_pages);
  store_be32(p + 40, schema_cookie);
  store_be32(p + 44, schema_format);
  store_be32(p + 48, static_cast<std::uint32_t>(default_cache_size));
  store_be32(p + 52, largest_root);
  store_be32(p + 56, text_encoding_field);
  store_be32(p + 60, user_version);
  store_be32(p + 64, incremental_vacuum);
  store_be32(p + 68, application_id);
  std::copy(expansion.begin(), expansion.end(), p + 72);
  store_be32(p + 92, version_valid_for);
  store_be32(p + 96, sqlite_version);
}

Result<std::uint32_t> DatabaseHeader::page_count(std::uint64_t file_bytes) const {
  const std::uint64_t in_file = file_bytes / page_size + (file_bytes % page_size == 0 ? 0U : 1U);
  const std::uint64_t held = std::min<std::uint64_t>(in_file, limits::kPageCountMax);
  if (page_count_field == 0 || change_counter != version_valid_for) {
    return static_cast<std::uint32_t>(held);
  }
  if (page_count_field > held) {
    return corrupt_error(1, 28, "the header counts more pages than the file holds");
  }
  return page_count_field;
}

void DatabaseHeader::stamp(std::uint32_t pages) noexcept {
  page_count_field = pages;
  ++change_counter;
  version_valid_for = change_counter;
  sqlite_version = kSqliteVersion;
}

}  // namespace saturn::storage
