#include "sqlite_judge.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#ifdef SATURN_HAVE_SQLITE
#include <sqlite3.h>
#endif

namespace judge {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "saturn-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

void write_file(const std::string& path, const Bytes& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out) throw std::runtime_error("cannot write " + path);
}

saturn::storage::ReadAt reader_of(const Bytes& bytes) {
  return
      [&bytes](std::uint64_t offset, saturn::MutableByteSpan out) -> saturn::Result<std::size_t> {
        if (offset >= bytes.size()) return std::size_t{0};
        const std::size_t count = std::min<std::size_t>(out.size(), bytes.size() - offset);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
        return count;
      };
}

#ifdef SATURN_HAVE_SQLITE

namespace {
sqlite3* db(void* handle) { return static_cast<sqlite3*>(handle); }
}  // namespace

bool available() { return true; }

Connection::Connection(const std::string& path) {
  sqlite3* opened = nullptr;
  const int rc = sqlite3_open(path.c_str(), &opened);
  handle_ = opened;
  if (rc != SQLITE_OK) throw std::runtime_error("sqlite3_open: " + path);
}

Connection::~Connection() { sqlite3_close(db(handle_)); }

void Connection::run(const std::string& sql) {
  if (sqlite3_exec(db(handle_), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db(handle_)));
  }
}

std::string Connection::ask(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db(handle_), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db(handle_)));
  }
  std::string answer;
  const int rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (text != nullptr) answer = text;
  }
  sqlite3_finalize(statement);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db(handle_)));
  }
  return answer;
}

#else

bool available() {
  std::cerr << "WARNING: no SQLite library: formats are not checked against it\n";
  return false;
}
Connection::Connection(const std::string&) { throw std::runtime_error("no SQLite library"); }
Connection::~Connection() = default;
void Connection::run(const std::string&) {}
std::string Connection::ask(const std::string&) { return {}; }

#endif

}  // namespace judge
