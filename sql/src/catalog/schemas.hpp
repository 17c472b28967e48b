#pragma once

#include "catalog/schema.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace saturn::sql {

/// A set of a session's databases.
class DatabaseSet {
 public:
  constexpr DatabaseSet() noexcept = default;
  constexpr void add(DatabaseNo database) noexcept { bits_ |= 1U << database; }
  constexpr bool has(DatabaseNo database) const noexcept { return (bits_ >> database & 1U) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr bool contains(DatabaseSet other) const noexcept { return (other.bits_ & ~bits_) == 0; }
  constexpr DatabaseSet& operator|=(DatabaseSet other) noexcept {
    bits_ |= other.bits_;
    return *this;
  }

 private:
  std::uint32_t bits_ = 0;
};

/// The databases of a session with their schemas, as a statement is compiled against them. Never
/// changes: a session makes another when one of its schemas or the list is another.
class Schemas {
 public:
  struct Entry {
    std::string name;  ///< "main", "temp", or as ATTACH says
    std::shared_ptr<const Schema> schema;
  };
  /// At least main and temp, in the order of their numbers.
  explicit Schemas(std::vector<Entry> entries);

  std::size_t size() const noexcept { return entries_.size(); }
  std::span<const Entry> entries() const noexcept { return entries_; }
  const Schema& operator[](DatabaseNo database) const noexcept {
    return *entries_[database].schema;
  }
  std::string_view name(DatabaseNo database) const noexcept { return entries_[database].name; }
  /// Nothing for an absent name too.
  std::optional<DatabaseNo> find(std::string_view name) const noexcept;
  /// In which order an unqualified name is looked up: temp, main, the attached ones.
  static DatabaseNo search_order(std::size_t place) noexcept {
    return static_cast<DatabaseNo>(place == 0 ? kTempDatabase : place == 1 ? kMainDatabase : place);
  }

  // Each in one database, or without one in the first that has the name; null when none has.
  const Table* find_table(std::optional<DatabaseNo> database, std::string_view name) const noexcept;
  const Index* find_index(std::optional<DatabaseNo> database, std::string_view name) const noexcept;
  const Trigger* find_trigger(std::optional<DatabaseNo> database,
                              std::string_view name) const noexcept;

  /// Triggers of temp on a table of another database, in the order of creation.
  std::span<const Trigger* const> temp_triggers(const Table& table) const noexcept;

 private:
  void attach_temp_triggers();

  std::vector<Entry> entries_;
  std::unordered_map<const Table*, std::vector<const Trigger*>> temp_triggers_;
};

}  // namespace saturn::sql
