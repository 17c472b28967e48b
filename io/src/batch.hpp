#pragma once

#include "io/vfs.hpp"

namespace saturn::io {

/// Runs the operations of a batch one after the other through `File`'s own calls: `Vfs::submit` of
/// a backend that gains nothing from batching. // SUSPENDS
Result<void> submit_sequentially(std::span<Op> ops);

/// A copy of the first failure of a finished batch, or success.
Result<void> first_failure(std::span<Op> ops);

/// The outcome of an operation that was not started because an earlier one failed.
Error given_up_error();

}  // namespace saturn::io
