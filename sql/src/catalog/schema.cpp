#include "catalog/schema.hpp"

#include "catalog/index_order.hpp"

#include <algorithm>

namespace saturn::sql {

bool Index::has_expressions() const noexcept {
  return std::any_of(columns.begin(), columns.end(), [](const IndexColumn& column) {
    return column.column == IndexColumn::kExpression;
  });
}

int Index::place_of(int column) const noexcept {
  for (std::size_t i = 0; i < entry_width(); ++i) {
    if (entry_column(i).column == column) return static_cast<int>(i);
  }
  return -1;
}

std::vector<const Index*> in_list_order(const Table& table) {
  std::vector<const Index*> order;
  for (const auto& index : table.indexes) order.insert(order.begin(), index.get());
  std::stable_partition(order.begin(), order.end(), [](const Index* index) {
    return index->conflict != ast::Conflict::replace;
  });
  return order;
}

std::size_t Table::record_width() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(columns.begin(), columns.end(),
                    [](const TableColumn& column) { return !column.is_virtual(); }));
}

int Table::find_column(std::string_view column) const noexcept {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (equals_nocase(columns[i].name, column)) return static_cast<int>(i);
  }
  return -1;
}

bool Table::is_system() const noexcept {
  return name.size() >= 7 && equals_nocase(std::string_view(name).substr(0, 7), "sqlite_");
}

std::string_view Table::shown_name() const noexcept {
  if (name == "sqlite_schema") return "sqlite_master";
  if (name == "sqlite_temp_schema") return "sqlite_temp_master";
  return name;
}

const Table* Schema::find_table(std::string_view name) const noexcept {
  const bool temp = own_table_ != nullptr && own_table_->database == kTempDatabase;
  if (equals_nocase(name, "sqlite_master") || equals_nocase(name, "sqlite_schema")) {
    return own_table_;
  }
  if (temp && equals_nocase(name, "sqlite_temp_master")) return own_table_;
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second.get();
}

const Index* Schema::find_index(std::string_view name) const noexcept {
  const auto found = indexes_.find(name);
  return found == indexes_.end() ? nullptr : found->second;
}

const Trigger* Schema::find_trigger(std::string_view name) const noexcept {
  const auto found = triggers_.find(name);
  return found == triggers_.end() ? nullptr : found->second;
}

namespace {

template <Collation::Kind Kind>
int compare_utf8(std::string_view a, std::string_view b) noexcept {
  return Collation::of(Kind, TextEncoding::utf8).compare(a, b);
}

template <Collation::Kind Kind, TextEncoding Encoding>
int compare_utf16(std::string_view a, std::string_view b) noexcept {
  return compare_utf8<Kind>(leaving_text(from_utf16(a, Encoding)),
                            leaving_text(from_utf16(b, Encoding)));
}

template <Collation::Kind Kind>
storage::Collation of_records(TextEncoding encoding) noexcept {
  if (!is_utf16(encoding)) return compare_utf8<Kind>;
  return encoding == TextEncoding::utf16le ? compare_utf16<Kind, TextEncoding::utf16le>
                                           : compare_utf16<Kind, TextEncoding::utf16be>;
}

}  // namespace

storage::Collation storage_collation(const Collation& collation) noexcept {
  switch (collation.kind) {
    case Collation::Kind::binary: break;
    case Collation::Kind::nocase: return of_records<Collation::Kind::nocase>(collation.encoding);
    case Collation::Kind::rtrim: return of_records<Collation::Kind::rtrim>(collation.encoding);
  }
  return nullptr;
}

}  // namespace saturn::sql
