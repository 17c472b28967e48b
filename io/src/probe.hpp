#pragma once

#include <string>

namespace saturn::io {

/// What came of making a ring on this thread, for `probe_report`; several lines.
std::string ring_report();

}  // namespace saturn::io
