#pragma once

#include "base/error.hpp"

#include <string_view>

namespace saturn::io {

/// "cannot <verb> <path>: <what errno means>". No space left (ENOSPC, EDQUOT) is `Code::full`,
/// whatever `code` says.
Error posix_error(Code code, std::string_view verb, std::string_view path, int sys_errno);

}  // namespace saturn::io
