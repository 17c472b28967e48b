#pragma once

#include "catalog/schema.hpp"

#include <span>

/// How many entries of an index a key chooses, by the samples of sqlite_stat4
/// (https://www.sqlite.org/fileformat2.html, section 2.6.6). All answers lie between 0 and the
/// entries that ANALYZE counted, whatever the samples say.
namespace saturn::sql {

/// Whether the index has samples.
bool has_samples(const Index& index) noexcept;

/// Entries whose leading columns are `key`, which has at least one value.
double sampled_equal(const Index& index, std::span<const ValueRef> key) noexcept;

/// Entries that come before those whose leading columns are `key`, in the order of the index; with
/// `inclusive`, these too. An empty key is equal to all entries.
double sampled_before(const Index& index, std::span<const ValueRef> key, bool inclusive) noexcept;

}  // namespace saturn::sql
