#pragma once

#include <string>

namespace saturn {

/// Appends `v` as SQLite prints a REAL: 15 significant digits, ties rounded up, always with a point
/// ("1.0", "1.0e+20"), "Inf" and "-Inf" for infinities.
void append_real(std::string& out, double v);

}  // namespace saturn
