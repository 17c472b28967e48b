#pragma once

#include <cstdlib>
#include <iostream>
#include <random>

/// A number from the environment, or `otherwise`.
inline unsigned number_from(const char* name, unsigned otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : otherwise;
}

/// The seed of a random test: SATURN_TEST_SEED, else a new one. Prints it, so that a failure can be
/// seen again.
inline unsigned chosen_seed() {
  const unsigned seed = number_from("SATURN_TEST_SEED", std::random_device{}());
  std::cout << "SATURN_TEST_SEED=" << seed << "\n";
  return seed;
}
