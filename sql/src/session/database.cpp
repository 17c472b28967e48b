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

Result<void> Database::close() { return storage_->close(); }

std::shared_ptr<const Schema> Database::Catalog::find(std::uint32_t cookie) const {
  MutexLock lock(mutex_);
  return latest_ != nullptr && latest_->cookie() == cookie ? latest_ : nullptr;
}

void Database::Catalog::publish(std::shared_ptr<const Schema> schema) {
  MutexLock lock(mutex_);
  latest_ = std::move(schema);
}

}  // namespace saturn::sql
