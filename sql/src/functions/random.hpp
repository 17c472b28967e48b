#pragma once

#include <cstdint>

namespace saturn::sql {

/// 64 random bits, from a generator of this thread's own.
std::uint64_t random_bits();

}  // namespace saturn::sql
