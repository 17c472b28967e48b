#include "catalog/load_statistics.hpp"
#include "parser/parser.hpp"
#include "storage/btree.hpp"
#include "storage/database_header.hpp"
#include "value/number.hpp"
#include "value/stored_text.hpp"

// Reading sqlite_schema. Its rows come in the order of creation, so a table's row stands before
// those of its indexes and triggers; for files that were written otherwise two passes are made.

namespace saturn::sql {
namespace {

Error malformed(std::string_view name, std::string_view why) {
  return Error(Code::corrupt,
               cat("malformed database schema (", name, ")", why.empty() ? "" : " - ", why));
}

struct SchemaRow {
  std::string type;
  std::string name;
  std::string table;
  std::int64_t root = 0;
  std::string sql;
};

}  // namespace

class SchemaLoader {
 public:
  SchemaLoader(Schema& schema, DatabaseNo database) : schema_(schema), database_(database) {}

  void begin(TextEncoding encoding) {
    schema_.encoding_ = encoding;
    add_own_table();
  }

  Result<void> run(storage::PageSource& source, std::optional<TextEncoding> of_empty) {
    source_ = &source;
    const storage::PageRef page = TRY(source_->read(1));
    const auto header =
        TRY(storage::DatabaseHeader::decode({page.data(), storage::DatabaseHeader::kBytes}));
    begin(header.is_empty() ? of_empty.value_or(header.text_encoding()) : header.text_encoding());
    schema_.cookie_ = header.schema_cookie;
    // 0: a file without tables, which gets the latest format with the first.
    descending_keys_ = header.schema_format == 0 ||
                       header.schema_format == storage::DatabaseHeader::kSchemaFormatMax;
    TRY(read_rows());
    for (const SchemaRow& row : rows_) {
      if (row.type == "table" || row.type == "view") TRY(add_table(row));
    }
    for (const SchemaRow& row : rows_) {
      if (row.type == "index") TRY(add_index(row));
      if (row.type == "trigger") TRY(add_trigger(row));
    }
    return load_statistics(*source_, schema_.encoding_,
                           [this](std::string_view name) { return find(name); });
  }

 private:
  Result<void> read_rows();
  void add_own_table();
  std::unique_ptr<Table> new_table(std::string_view name) const;
  Result<void> add_table(const SchemaRow& row);
  Result<void> add_view(std::unique_ptr<Table> table, const ast::CreateViewStmt& stmt);
  Result<void> add_index(const SchemaRow& row);
  Result<void> add_trigger(const SchemaRow& row);
  Result<storage::PageNo> root_of(const SchemaRow& row) const;
  Table* find(std::string_view name) {
    const auto found = schema_.tables_.find(name);
    return found == schema_.tables_.end() ? nullptr : found->second.get();
  }

  Schema& schema_;
  const DatabaseNo database_;
  storage::PageSource* source_ = nullptr;
  bool descending_keys_ = true;
  std::vector<SchemaRow> rows_;
};

Result<void> SchemaLoader::read_rows() {
  storage::BTreeCursor cursor(*source_, 1);
  storage::RecordReader reader;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), 1);
    SchemaRow row;
    const auto text = [&](std::uint32_t column) -> Result<std::string> {
      return stored_name(TRY(reader.column(column)), schema_.encoding_);
    };
    row.type = TRY(text(0));
    row.name = TRY(text(1));
    row.table = TRY(text(2));
    const ValueRef root = TRY(reader.column(3));
    row.root = root.is_integer() ? root.as_integer() : 0;
    row.sql = TRY(text(4));
    rows_.push_back(std::move(row));
    more = TRY(cursor.next());
  }
  return {};
}

std::unique_ptr<Table> SchemaLoader::new_table(std::string_view name) const {
  auto table = std::make_unique<Table>();
  table->name = std::string(name);
  table->database = database_;
  table->encoding = schema_.encoding_;
  table->descending_keys = descending_keys_;
  return table;
}

void SchemaLoader::add_own_table() {
  auto table = new_table(database_ == kTempDatabase ? "sqlite_temp_schema" : "sqlite_schema");
  table->root = 1;
  static constexpr std::pair<std::string_view, std::string_view> kColumns[] = {{"type", "TEXT"},
                                                                               {"name", "TEXT"},
                                                                               {"tbl_name", "TEXT"},
                                                                               {"rootpage", "INT"},
                                                                               {"sql", "TEXT"}};
  for (const auto& [column_name, type] : kColumns) {
    TableColumn column;
    column.name = std::string(column_name);
    column.type = std::string(type);
    column.affinity = affinity_of_type(type);
    column.collation = &Collation::binary(table->encoding);
    column.record_place = static_cast<int>(table->columns.size());
    table->columns.push_back(std::move(column));
  }
  schema_.own_table_ = table.get();
  std::string key = table->name;
  schema_.tables_.emplace(std::move(key), std::move(table));
}

Result<storage::PageNo> SchemaLoader::root_of(const SchemaRow& row) const {
  if (row.root < 2 || row.root > source_->page_count()) {
    return malformed(row.name, "invalid rootpage");
  }
  return static_cast<storage::PageNo>(row.root);
}

Result<void> SchemaLoader::add_view(std::unique_ptr<Table> table, const ast::CreateViewStmt& stmt) {
  table->kind = TableKind::view;
  table->view = stmt.select;
  for (const std::string_view name : stmt.columns) table->view_column_names.emplace_back(name);
  schema_.order_.push_back(table.get());
  std::string key = table->name;
  schema_.tables_.emplace(std::move(key), std::move(table));
  return {};
}

Result<void> SchemaLoader::add_table(const SchemaRow& row) {
  if (find(row.name) != nullptr) return malformed(row.name, "table already exists");
  auto table = new_table(row.name);
  table->sql = row.sql;
  auto parsed = parse_next(table->sql, table->arena);
  if (!parsed) return malformed(row.name, parsed.error().message());
  const ast::Stmt* stmt = parsed->stmt;
  if (const auto* view = ast::as_if<ast::CreateViewStmt>(stmt)) {
    return add_view(std::move(table), *view);
  }
  if (ast::as_if<ast::CreateVirtualTableStmt>(stmt) != nullptr) {
    table->kind = TableKind::virtual_table;
  } else if (const auto* create = ast::as_if<ast::CreateTableStmt>(stmt)) {
    if (create->select != nullptr) return malformed(row.name, "");
    table->root = TRY(root_of(row));
    Result<void> defined = define_table(*table, *create);
    if (!defined) return malformed(row.name, defined.message());
    for (const auto& index : table->indexes) {
      if (!index->clustered) continue;
      index->root = table->root;
      schema_.indexes_.emplace(index->name, index.get());
    }
  } else {
    return malformed(row.name, "");
  }
  schema_.order_.push_back(table.get());
  schema_.tables_.emplace(row.name, std::move(table));
  return {};
}

Result<void> SchemaLoader::add_index(const SchemaRow& row) {
  Table* table = find(row.table);
  if (table == nullptr || table->kind != TableKind::table) {
    return malformed(row.name, "orphan index");
  }
  if (row.sql.empty()) {
    for (const auto& index : table->indexes) {
      if (!equals_nocase(index->name, row.name)) continue;
      index->root = TRY(root_of(row));
      schema_.indexes_.emplace(row.name, index.get());
      return {};
    }
    return malformed(row.name, "orphan index");
  }
  auto index = std::make_unique<Index>();
  index->name = row.name;
  index->sql = row.sql;
  index->root = TRY(root_of(row));
  auto parsed = parse_next(index->sql, index->arena);
  if (!parsed) return malformed(row.name, parsed.error().message());
  const auto* create = ast::as_if<ast::CreateIndexStmt>(parsed->stmt);
  if (create == nullptr) return malformed(row.name, "");
  Result<void> defined = define_index(*index, *table, *create);
  if (!defined) return malformed(row.name, defined.message());
  if (!schema_.indexes_.emplace(row.name, index.get()).second) {
    return malformed(row.name, "index already exists");
  }
  table->indexes.push_back(std::move(index));
  return {};
}

Result<void> SchemaLoader::add_trigger(const SchemaRow& row) {
  auto trigger = std::make_unique<Trigger>();
  trigger->database = database_;
  trigger->name = row.name;
  trigger->sql = row.sql;
  auto parsed = parse_next(trigger->sql, trigger->arena);
  if (!parsed) return malformed(row.name, parsed.error().message());
  trigger->definition = ast::as_if<ast::CreateTriggerStmt>(parsed->stmt);
  if (trigger->definition == nullptr) return malformed(row.name, "");
  schema_.triggers_.emplace(row.name, trigger.get());
  const std::string_view of = trigger->definition->table_schema;
  const bool may_be_own =
      database_ != kTempDatabase || !ast::present(of) || equals_nocase(of, "temp");
  Table* table = may_be_own ? find(row.table) : nullptr;
  if (table != nullptr) {
    table->triggers.push_back(std::move(trigger));
    return {};
  }
  if (database_ != kTempDatabase) return malformed(row.name, "");
  schema_.outward_triggers_.push_back(std::move(trigger));
  return {};
}

Result<std::shared_ptr<const Schema>> Schema::load(storage::PageSource& source, DatabaseNo database,
                                                   std::optional<TextEncoding> of_empty) {
  auto schema = std::make_shared<Schema>();
  TRY(SchemaLoader(*schema, database).run(source, of_empty));
  return std::shared_ptr<const Schema>(std::move(schema));
}

std::shared_ptr<const Schema> Schema::empty_temp() {
  static const std::shared_ptr<const Schema> kEmpty = [] {
    auto schema = std::make_shared<Schema>();
    SchemaLoader(*schema, kTempDatabase).begin(TextEncoding::utf8);
    return schema;
  }();
  return kEmpty;
}

}  // namespace saturn::sql
