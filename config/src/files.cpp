#include "config/config.hpp"

#include "base/text.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace saturn::config {

namespace {

Error cannot_read(const std::string& path, int sys_errno) {
  const std::error_code why(sys_errno, std::generic_category());
  return Error(Code::cantopen, cat("cannot read ", path, ": ", why.message()), sys_errno);
}

class RealFiles final : public FileReader {
 public:
  Result<std::string> read(const std::string& path) const override {
    std::error_code ec;
    // Opening a directory succeeds; reading it would fail without a reason.
    if (std::filesystem::is_directory(path, ec)) return cannot_read(path, EISDIR);
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    if (!in) return cannot_read(path, errno != 0 ? errno : EIO);
    std::string text(kFileBytesMax + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) return cannot_read(path, EIO);
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kFileBytesMax) {
      return Error(Code::toobig, cat(path, " has more than ", kFileBytesMax, " bytes"));
    }
    return text;
  }

  Result<std::vector<std::string>> list(const std::string& directory) const override {
    std::vector<std::string> names;
    std::error_code ec;
    std::filesystem::directory_iterator it(directory, ec);
    if (ec == std::errc::no_such_file_or_directory) return names;
    while (!ec && it != std::filesystem::directory_iterator()) {
      std::error_code unknown;  // a dangling link is listed, and reading it says what is wrong
      if (!it->is_directory(unknown)) names.push_back(it->path().filename().string());
      it.increment(ec);
    }
    if (ec) return cannot_read(directory, ec.value());
    return names;
  }
};

}  // namespace

const FileReader& real_files() noexcept {
  static const RealFiles files;
  return files;
}

}  // namespace saturn::config
