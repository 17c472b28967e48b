#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace saturn::storage {

/// How the codecs of the log and the journal read: bytes from `offset` of a file into `out`.
/// Returns the number of bytes read, fewer than `out.size()` only where the file ends. The callee
/// keeps nothing of `out`. An error of the medium is passed on as it is. May suspend if the
/// caller's function does; the codecs hold no lock while they call it.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, MutableByteSpan out)>;

}  // namespace saturn::storage
