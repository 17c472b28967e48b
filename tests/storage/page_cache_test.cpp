#include "page_cache.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

using namespace saturn;
using namespace saturn::storage;

namespace {

constexpr std::uint32_t kPage = 512;

std::unique_ptr<PageCache> cache_of(std::uint32_t pages) {
  auto cache = PageCache::make({.page_size = kPage, .budget_bytes = pages * kPage, .shards = 4});
  REQUIRE(cache);
  return std::move(*cache);
}

/// Every word of a page's image says which page and version it is.
void stamp(std::uint8_t* data, PageNo page, PageVersion version) {
  const std::uint64_t word = (std::uint64_t{page} << 32) | version;
  for (std::uint32_t at = 0; at < kPage; at += 8) std::memcpy(data + at, &word, 8);
}

bool is_stamped(const std::uint8_t* data, PageNo page, PageVersion version) {
  const std::uint64_t word = (std::uint64_t{page} << 32) | version;
  for (std::uint32_t at = 0; at < kPage; at += 8) {
    if (std::memcmp(data + at, &word, 8) != 0) return false;
  }
  return true;
}

PageRef put(PageCache& cache, PageNo page, PageVersion version) {
  auto image = cache.reserve();
  REQUIRE(image);
  stamp(image->data(), page, version);
  return cache.publish(std::move(*image), page, version);
}

}  // namespace

TEST_CASE("a published version is found, another is not", "[cache]") {
  const auto cache = cache_of(64);
  CHECK_FALSE(cache->find(3, 0));
  put(*cache, 3, 7);
  put(*cache, 3, 9);
  put(*cache, 3, 0);
  for (const PageVersion version : {0U, 7U, 9U}) {
    const PageRef ref = cache->find(3, version);
    REQUIRE(ref);
    CHECK(ref.number() == 3);
    CHECK(is_stamped(ref.data(), 3, version));
  }
  CHECK_FALSE(cache->find(3, 8));
  CHECK_FALSE(cache->find(4, 7));
  cache->assert_state();
  const auto stats = cache->stats();
  CHECK(stats.hits == 3);
  CHECK(stats.misses == 3);
  CHECK(stats.frames_shared == 3);
}

TEST_CASE("of two fibers that read the same page the first one's image stays", "[cache]") {
  const auto cache = cache_of(64);
  auto first = cache->reserve();
  auto second = cache->reserve();
  REQUIRE(first);
  REQUIRE(second);
  stamp(first->data(), 5, 1);
  stamp(second->data(), 5, 1);
  const PageRef a = cache->publish(std::move(*first), 5, 1);
  const PageRef b = cache->publish(std::move(*second), 5, 1);
  CHECK(a.data() == b.data());
  CHECK(cache->stats().frames_shared == 1);
}

TEST_CASE("an abandoned private page is free again", "[cache]") {
  const auto cache = cache_of(16);
  for (int i = 0; i < 100; ++i) REQUIRE(cache->reserve());
  CHECK(cache->stats().evictions == 0);
}

TEST_CASE("a full cache evicts what is not pinned", "[cache]") {
  const auto cache = cache_of(16);
  const PageRef pinned = put(*cache, 1, 1);
  for (PageNo page = 2; page <= 1000; ++page) put(*cache, page, 1);
  CHECK(is_stamped(pinned.data(), 1, 1));
  CHECK(cache->find(1, 1));
  CHECK(cache->find(1000, 1));
  CHECK_FALSE(cache->find(2, 1));
  CHECK(cache->stats().frames_shared == 16);
  CHECK(cache->stats().evictions == 1000 - 16);
  cache->assert_state();
}

TEST_CASE("a page in use survives a scan", "[cache]") {
  const auto cache = cache_of(64);
  put(*cache, 1, 1);
  for (PageNo page = 2; page <= 1000; ++page) {
    put(*cache, page, 1);
    REQUIRE(cache->find(1, 1));
  }
}

TEST_CASE("what was found twice survives a scan that reads ahead", "[cache]") {
  constexpr PageNo kHot = 32;
  const auto cache = cache_of(64);
  for (PageNo page = 1; page <= kHot; ++page) put(*cache, page, 1);
  for (PageNo page = 1; page <= kHot; ++page) REQUIRE(cache->find(page, 1));
  for (PageNo first = 100; first < 1000; first += 8) {
    for (PageNo page = first; page < first + 8; ++page) {
      auto image = cache->reserve();
      REQUIRE(image);
      stamp(image->data(), page, 1);
      cache->publish(std::move(*image), page, 1, true);
      CHECK(cache->contains(page, 1));
    }
    for (PageNo page = first; page < first + 8; ++page) REQUIRE(cache->find(page, 1));
    // Somebody looks at them now and then.
    for (PageNo page = 1; page <= kHot; ++page) REQUIRE(cache->find(page, 1));
  }
  CHECK_FALSE(cache->contains(100, 1));
  cache->assert_state();
}

TEST_CASE("a cache full of pins says so", "[cache]") {
  const auto cache = cache_of(16);
  std::vector<PageRef> pins;
  for (PageNo page = 1; page <= 16; ++page) pins.push_back(put(*cache, page, 1));
  const auto refused = cache->reserve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::nomem);
  pins.pop_back();
  CHECK(cache->reserve());
}

TEST_CASE("a discarded version stays readable under its pins", "[cache]") {
  const auto cache = cache_of(16);
  PageRef first = put(*cache, 1, 1);
  PageRef second = cache->find(1, 1);
  cache->discard(1, 1);
  cache->discard(1, 1);
  CHECK_FALSE(cache->find(1, 1));
  for (PageNo page = 2; page <= 100; ++page) put(*cache, page, 1);
  CHECK(is_stamped(first.data(), 1, 1));
  first.reset();
  CHECK(is_stamped(second.data(), 1, 1));
  second.reset();
  // All sixteen frames can be had again.
  std::vector<PrivatePage> all;
  for (int i = 0; i < 16; ++i) {
    auto page = cache->reserve();
    REQUIRE(page);
    all.push_back(std::move(*page));
  }
}

TEST_CASE("trim drops what no snapshot can see", "[cache]") {
  const auto cache = cache_of(64);
  for (const PageVersion version : {0U, 3U, 5U, 8U}) put(*cache, 7, version);
  put(*cache, 8, 1);
  cache->trim(7, 6);  // a snapshot at 6 sees version 5
  CHECK_FALSE(cache->find(7, 0));
  CHECK_FALSE(cache->find(7, 3));
  CHECK(cache->find(7, 5));
  CHECK(cache->find(7, 8));
  CHECK(cache->find(8, 1));
  cache->trim(7, 4);  // nothing is as old as that: nothing goes
  CHECK(cache->find(7, 5));
  cache->clear();
  CHECK(cache->stats().frames_shared == 0);
  cache->assert_state();
}

TEST_CASE("memory comes into use a slab at a time", "[cache]") {
  auto made = PageCache::make({.page_size = 65'536, .budget_bytes = 64ULL << 20, .shards = 16});
  REQUIRE(made);
  PageCache& cache = **made;
  CHECK(cache.stats().frames_in_use == 0);
  CHECK(cache.reserve());
  CHECK(cache.stats().frames_in_use == 64);
  CHECK(cache.stats().frames_max == 1024);
  CHECK(cache.arena().size() == 64U << 20);
}

TEST_CASE("threads that find, publish, discard and trim see whole pages", "[cache][threads]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  const auto cache = cache_of(64);
  std::atomic<int> torn{0};
  std::atomic<int> hits{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + t);
      std::vector<std::pair<PageRef, PageVersion>> held;
      for (int i = 0; i < 40'000; ++i) {
        const PageNo page = 1 + random() % 60;
        const PageVersion version = random() % 3;
        const auto what = random() % 16;
        if (what == 0) {
          cache->discard(page, version);
        } else if (what == 1) {
          cache->trim(page, version);
        } else if (PageRef ref = cache->find(page, version)) {
          hits.fetch_add(1, std::memory_order_relaxed);
          if (!is_stamped(ref.data(), page, version)) ++torn;
          held.emplace_back(std::move(ref), version);
        } else if (auto image = cache->reserve()) {
          stamp(image->data(), page, version);
          held.emplace_back(cache->publish(std::move(*image), page, version), version);
        }
        if (held.size() > 8) {
          const auto victim = random() % held.size();
          const auto& [pinned, pinned_version] = held[victim];
          if (!is_stamped(pinned.data(), pinned.number(), pinned_version)) ++torn;
          held.erase(held.begin() + static_cast<std::ptrdiff_t>(victim));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(torn == 0);
  CHECK(hits > 0);
  cache->assert_state();
  // No pin is left and no frame is lost: all of them can be taken at once.
  std::vector<PrivatePage> all;
  for (int i = 0; i < 64; ++i) {
    auto page = cache->reserve();
    REQUIRE(page);
    all.push_back(std::move(*page));
  }
}
