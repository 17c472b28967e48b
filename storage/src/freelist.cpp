#include "storage/freelist.hpp"

namespace saturn::storage {
namespace {

constexpr std::uint32_t kFirstTrunkAt = 32;
constexpr std::uint32_t kCountAt = 36;

}  // namespace

PageNo pointer_map_page(PageNo page, std::uint32_t page_size, std::uint32_t usable_size) noexcept {
  const std::uint32_t span = usable_size / 5 + 1;
  const PageNo map = (page - 2) / span * span + 2;
  return map == lock_byte_page(page_size) ? map + 1 : map;
}

PageNo next_page_past_end(PageNo page_count, std::uint32_t page_size, std::uint32_t usable_size,
                          bool auto_vacuum) noexcept {
  PageNo next = page_count + 1;
  for (;;) {
    const bool is_map =
        auto_vacuum && next >= 2 && pointer_map_page(next, page_size, usable_size) == next;
    if (!is_map && next != lock_byte_page(page_size)) return next;
    ++next;
  }
}

Result<std::uint32_t> freelist_count(PageSource& source) {
  const PageRef header = TRY(source.read(1));
  return load_be32(header.data() + kCountAt);
}

Result<PageNo> freelist_take(PageSource& source) {
  PageNo trunk = 0;
  std::uint32_t total = 0;
  {
    const PageRef header = TRY(source.read(1));
    trunk = load_be32(header.data() + kFirstTrunkAt);
    total = load_be32(header.data() + kCountAt);
  }
  if (total == 0) return PageNo{0};
  if (total >= source.page_count()) return corrupt_error(1, kCountAt, "freelist count");
  if (trunk < 2 || trunk > source.page_count()) {
    return corrupt_error(1, kFirstTrunkAt, "freelist trunk number");
  }
  PageNo next = 0;
  std::uint32_t leaves = 0;
  PageNo taken = trunk;
  {
    const PageRef page = TRY(source.read(trunk));
    next = load_be32(page.data());
    leaves = load_be32(page.data() + 4);
    if (leaves > source.usable_size() / 4 - 2) {
      return corrupt_error(trunk, 4, "freelist leaf count");
    }
    if (leaves > 0) taken = load_be32(page.data() + 8 + 4 * (leaves - 1));
  }
  if (taken < 2 || taken > source.page_count() || (leaves > 0 && taken == trunk)) {
    return corrupt_error(trunk, 8 + 4 * (leaves - 1), "freelist leaf number");
  }
  std::uint8_t* header = TRY(source.write(1));
  store_be32(header + kCountAt, total - 1);
  if (leaves == 0) {
    store_be32(header + kFirstTrunkAt, next);
  } else {
    std::uint8_t* page = TRY(source.write(trunk));
    store_be32(page + 4, leaves - 1);
  }
  return taken;
}

Result<void> freelist_put(PageSource& source, PageNo page) {
  if (page < 2 || page > source.page_count()) return corrupt_error(page, 0, "freed page number");
  std::uint8_t* header = TRY(source.write(1));
  const PageNo trunk = load_be32(header + kFirstTrunkAt);
  const std::uint32_t total = load_be32(header + kCountAt);
  if (total >= source.page_count()) return corrupt_error(1, kCountAt, "freelist count");
  if (total > 0) {
    if (trunk < 2 || trunk > source.page_count() || trunk == page) {
      return corrupt_error(1, kFirstTrunkAt, "freelist trunk number");
    }
    std::uint32_t leaves = 0;
    {
      const PageRef ref = TRY(source.read(trunk));
      leaves = load_be32(ref.data() + 4);
    }
    if (leaves > source.usable_size() / 4 - 2) {
      return corrupt_error(trunk, 4, "freelist leaf count");
    }
    // Six slots stay empty, as SQLite leaves them for readers older than 3.6.0.
    if (leaves < source.usable_size() / 4 - 8) {
      std::uint8_t* bytes = TRY(source.write(trunk));
      store_be32(bytes + 8 + 4 * leaves, page);
      store_be32(bytes + 4, leaves + 1);
      store_be32(header + kCountAt, total + 1);
      return {};
    }
  }
  std::uint8_t* bytes = TRY(source.write(page));
  store_be32(bytes, total > 0 ? trunk : 0);
  store_be32(bytes + 4, 0);
  store_be32(header + kFirstTrunkAt, page);
  store_be32(header + kCountAt, total + 1);
  return {};
}

}  // namespace saturn::storage
