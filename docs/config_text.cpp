#include "config/options.hpp"

#include <cstdio>
#include <string>
#include <string_view>

/// Prints the text that the build installs: `config-text sample` or `config-text manual`.
int main(int argc, char** argv) {
  const std::string_view which = argc == 2 ? argv[1] : "";
  std::string text;
  if (which == "sample") {
    text = saturn::config::sample_text();
  } else if (which == "manual") {
    text = saturn::config::manual_text();
  } else {
    std::fputs("usage: config-text sample|manual\n", stderr);
    return 2;
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}
