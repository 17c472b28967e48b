#pragma once

#include "base/limits.hpp"
#include "base/mutex.hpp"
#include "catalog/schema.hpp"
#include "sql/session.hpp"

#include <array>
#include <memory>

namespace saturn::sql {

/// The schemas that the sessions of a database share, by their cookies: whoever is the first to
/// need one reads it, the others take it from here. One for each number that sessions give the
/// database, since a schema has it in its tables. Any thread.
struct Database::Catalog {
 public:
  /// Null when the latest schema known is of another cookie, or of texts in another encoding: that
  /// of an empty database may change without a new cookie.
  std::shared_ptr<const Schema> find(DatabaseNo database, std::uint32_t cookie,
                                     TextEncoding encoding) const;
  void publish(DatabaseNo database, std::shared_ptr<const Schema> schema);

 private:
  mutable Mutex mutex_;
  std::array<std::shared_ptr<const Schema>, limits::kSessionDatabasesMax> latest_
      GUARDED_BY(mutex_);
};

}  // namespace saturn::sql
