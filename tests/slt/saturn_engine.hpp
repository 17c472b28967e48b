#pragma once

#include "script.hpp"

#include <memory>

namespace saturn::slt {

/// Saturn's engine in this process, on a database in memory.
std::unique_ptr<Engine> make_saturn_engine();

}  // namespace saturn::slt
