#pragma once

#include "storage/page_source.hpp"

#include <functional>

namespace saturn::storage {

/// About how many entries a tree has: the fan-outs along a path down its middle, multiplied. Reads
/// one page a level. `corrupt` as any reading of a tree. // SUSPENDS
Result<std::uint64_t> estimate_entries(PageSource& source, PageNo root);

/// How many entries a tree has: the cells of its leaves, of which nothing but the number is looked
/// at; of an index tree those of the other pages too. `after_page` is asked after each page and may
/// give up with an error. `corrupt` as any reading of a tree. // SUSPENDS
Result<std::uint64_t> count_entries(PageSource& source, PageNo root,
                                    const std::function<Result<void>()>& after_page);

}  // namespace saturn::storage
