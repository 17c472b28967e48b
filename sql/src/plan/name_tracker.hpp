#pragma once

#include "catalog/schema.hpp"

#include <set>
#include <string_view>

namespace saturn::sql {

/// Notes where the text of a view or trigger that is being compiled names one table, or one column
/// of it: what ALTER TABLE ... RENAME has to change. A place is where the name begins in the text
/// that was parsed.
class NameTracker {
 public:
  static constexpr int kTableItself = -2;

  /// `column`: its number, or kTableItself.
  NameTracker(const Table& table, int column) noexcept : table_(table), column_(column) {}

  void table_named(const Table* table, std::string_view name) {
    if (column_ == kTableItself && table == &table_) places_.insert(name.data());
  }
  /// `column`: negative for the rowid.
  void column_named(const Table* table, int column, std::string_view name) {
    if (column < 0 && table != nullptr) column = table->rowid_column;
    if (column_ != kTableItself && table == &table_ && column == column_) {
      places_.insert(name.data());
    }
  }
  const std::set<const char*>& places() const noexcept { return places_; }

 private:
  const Table& table_;
  const int column_;
  std::set<const char*> places_;
};

}  // namespace saturn::sql
