#include "session/catalog.hpp"

namespace saturn::sql {

Database::Database() : catalog_(std::make_unique<Catalog>()) {}
Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::open(io::Vfs& vfs, std::string path,
                                                 const DatabaseOptions& options) {
  std::shared_ptr<Database> database(new Database());
  database->storage_ = TRY(storage::Database::open(vfs, std::move(path), options.storage));
  return database;
}

Result<std::shared_ptr<Database>> Database::open(std::unique_ptr<io::Vfs> vfs, std::string path,
                                                 const DatabaseOptions& options) {
  std::shared_ptr<Database> database = TRY(open(*vfs, std::move(path), options));
  database->vfs_ = std::move(vfs);
  return database;
}

Result<std::shared_ptr<Database>> Database::open_memory(TextEncoding encoding) {
  DatabaseOptions options;
  options.storage.text_encoding = encoding;
  options.storage.synchronous = storage::Synchronous::off;
  options.storage.cache_bytes = limits::kMemoryDatabaseCacheBytes;
  return open(io::make_memory_vfs(), "memory", options);
}

Result<void> Database::close() { return storage_->close(); }

std::shared_ptr<const Schema> Database::Catalog::find(DatabaseNo database, std::uint32_t cookie,
                                                      TextEncoding encoding) const {
  MutexLock lock(mutex_);
  const std::shared_ptr<const Schema>& latest = latest_[database];
  const bool fits =
      latest != nullptr && latest->cookie() == cookie && latest->encoding() == encoding;
  return fits ? latest : nullptr;
}

void Database::Catalog::publish(DatabaseNo database, std::shared_ptr<const Schema> schema) {
  MutexLock lock(mutex_);
  latest_[database] = std::move(schema);
}

}  // namespace saturn::sql
