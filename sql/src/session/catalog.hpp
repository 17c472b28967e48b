#pragma once

#include "base/mutex.hpp"
#include "catalog/schema.hpp"
#include "sql/session.hpp"

#include <memory>

namespace saturn::sql {

/// The schema that the sessions of a database share, by its cookie: whoever is the first to need
/// one reads it, the others take it from here. Any thread.
struct Database::Catalog {
 public:
  /// Null when the latest schema known is of another cookie.
  std::shared_ptr<const Schema> find(std::uint32_t cookie) const;
  void publish(std::shared_ptr<const Schema> schema);

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Schema> latest_ GUARDED_BY(mutex_);
};

}  // namespace saturn::sql
