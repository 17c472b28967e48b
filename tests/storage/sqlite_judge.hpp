#pragma once

#include "storage/byte_source.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// SQLite's library as the judge of the file formats. Where it is not installed, `available()`
/// is false and says so on standard error; each case then returns.
namespace judge {

using Bytes = std::vector<std::uint8_t>;

bool available();

/// A directory of its own under the system's temporary directory, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

Bytes read_file(const std::string& path);
void write_file(const std::string& path, const Bytes& bytes);
saturn::storage::ReadAt reader_of(const Bytes& bytes);

/// An open connection to SQLite; failures throw.
class Connection {
 public:
  explicit Connection(const std::string& path);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  void run(const std::string& sql);
  /// The first column of the first row, as text.
  std::string ask(const std::string& sql);

 private:
  void* handle_ = nullptr;
};

}  // namespace judge
