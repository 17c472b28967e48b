#include "storage/freelist.hpp"

#include <cstring>

namespace saturn::storage {
namespace {

constexpr std::uint32_t kFirstTrunkAt = 32;
constexpr std::uint32_t kCountAt = 36;

/// Where a trunk has its leaf `index`.
constexpr std::size_t leaf_at(std::uint32_t index) noexcept { return 8 + std::size_t{4} * index; }

}  // namespace

PageNo pointer_map_page(PageNo page, std::uint32_t page_size, std::uint32_t usable_size) noexcept {
  const std::uint32_t span = usable_size / 5 + 1;
  const PageNo map = (page - 2) / span * span + 2;
  return map == lock_byte_page(page_size) ? map + 1 : map;
}

Result<void> write_pointer_map(PageSource& source, PageNo page, PointerType type, PageNo parent) {
  const PageNo map = pointer_map_page(page, source.page_size(), source.usable_size());
  const std::uint32_t at = 5 * (page - map - 1);
  if (page <= map || at + 5 > source.usable_size()) return corrupt_error(page, 0, "pointer map");
  std::uint8_t* entry = TRY(source.write(map)) + at;
  entry[0] = static_cast<std::uint8_t>(type);
  store_be32(entry + 1, parent);
  return {};
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
    if (leaves > 0) taken = load_be32(page.data() + leaf_at(leaves - 1));
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

namespace {

/// A place in the list: a trunk, what points at it, and one of its leaves or itself.
struct FreelistPlace {
  PageNo trunk = 0;
  PageNo before = 0;  ///< the trunk before it, 0 = page 1
  std::uint32_t leaves = 0;
  std::uint32_t leaf = 0;  ///< `leaves`: the trunk itself
};

/// The first place whose page is in [page_min, page_max].
Result<FreelistPlace> find_free(PageSource& source, PageNo page_min, PageNo page_max) {
  FreelistPlace place;
  PageNo next = 0;
  std::uint32_t total = 0;
  {
    const PageRef header = TRY(source.read(1));
    next = load_be32(header.data() + kFirstTrunkAt);
    total = load_be32(header.data() + kCountAt);
  }
  // Each trunk counts, so that a list that bites its tail ends too.
  for (; total > 0; --total) {
    place.before = place.trunk;
    place.trunk = next;
    if (next < 2 || next > source.page_count()) {
      return corrupt_error(place.before == 0 ? 1 : place.before, 0, "freelist trunk number");
    }
    const PageRef ref = TRY(source.read(next));
    place.leaves = load_be32(ref.data() + 4);
    if (place.leaves > source.usable_size() / 4 - 2) {
      return corrupt_error(next, 4, "freelist leaf count");
    }
    place.leaf = place.leaves;
    if (next >= page_min && next <= page_max) return place;
    for (place.leaf = 0; place.leaf < place.leaves; ++place.leaf) {
      const PageNo leaf = load_be32(ref.data() + leaf_at(place.leaf));
      if (leaf >= page_min && leaf <= page_max) return place;
    }
    next = load_be32(ref.data());
  }
  return corrupt_error(1, kFirstTrunkAt, "a free page is not on the freelist");
}

/// Takes the page at `place` out and returns it.
Result<PageNo> take_out(PageSource& source, const FreelistPlace& place) {
  std::uint8_t* header = TRY(source.write(1));
  store_be32(header + kCountAt, load_be32(header + kCountAt) - 1);
  std::uint8_t* trunk = TRY(source.write(place.trunk));
  if (place.leaf < place.leaves) {
    const PageNo taken = load_be32(trunk + leaf_at(place.leaf));
    store_be32(trunk + leaf_at(place.leaf), load_be32(trunk + leaf_at(place.leaves - 1)));
    store_be32(trunk + 4, place.leaves - 1);
    return taken;
  }
  // The trunk goes; its first leaf, if any, is the trunk for the others.
  PageNo heir = load_be32(trunk);
  if (place.leaves > 0) {
    heir = load_be32(trunk + leaf_at(0));
    if (heir < 2 || heir == place.trunk) return corrupt_error(place.trunk, 8, "freelist leaf");
    std::uint8_t* bytes = TRY(source.write(heir));
    std::memcpy(bytes, trunk, 4);
    store_be32(bytes + 4, place.leaves - 1);
    std::memcpy(bytes + leaf_at(0), trunk + leaf_at(1), leaf_at(place.leaves - 1) - leaf_at(0));
  }
  if (place.before == 0) {
    store_be32(header + kFirstTrunkAt, heir);
  } else {
    std::uint8_t* link = TRY(source.write(place.before));
    store_be32(link, heir);
  }
  return place.trunk;
}

}  // namespace

Result<void> freelist_take_page(PageSource& source, PageNo page) {
  const FreelistPlace place = TRY(find_free(source, page, page));
  TRY(take_out(source, place));
  return {};
}

Result<PageNo> freelist_take_up_to(PageSource& source, PageNo page_max) {
  const FreelistPlace place = TRY(find_free(source, 2, page_max));
  return take_out(source, place);
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
      store_be32(bytes + leaf_at(leaves), page);
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
