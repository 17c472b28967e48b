#pragma once

#include "storage/page_source.hpp"

namespace saturn::storage {

/// About how many entries a tree has: the fan-outs along a path down its middle, multiplied. Reads
/// one page a level. `corrupt` as any reading of a tree. // SUSPENDS
Result<std::uint64_t> estimate_entries(PageSource& source, PageNo root);

}  // namespace saturn::storage
