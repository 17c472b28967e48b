#pragma once

#include "base/result.hpp"
#include "base/text.hpp"
#include "parser/arena.hpp"
#include "parser/ast.hpp"
#include "storage/page_source.hpp"
#include "storage/record.hpp"
#include "value/affinity.hpp"
#include "value/compare.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// What a database contains, as its sqlite_schema table says. A `Schema` never changes once it is
/// made: sessions share it, and whoever changes the database makes another.
namespace saturn::sql {

struct Table;

/// The number of a database in its session: main, temp, then the attached ones in their order.
using DatabaseNo = std::uint8_t;
inline constexpr DatabaseNo kMainDatabase = 0;
inline constexpr DatabaseNo kTempDatabase = 1;

struct TableColumn {
  std::string name;
  std::string type;  ///< as declared; empty when it has none
  Affinity affinity = Affinity::blob;
  const Collation* collation = &Collation::binary();  ///< of the table's encoding
  bool not_null = false;
  ast::Conflict not_null_conflict = ast::Conflict::unspecified;
  std::uint32_t primary_key = 0;  ///< its place in the PRIMARY KEY, from 1; 0 = not in it
  const ast::Expr* default_value = nullptr;  ///< null: NULL
  std::string default_text;                  ///< the default as it was written; for table_info
  const ast::Expr* generated = nullptr;
  bool generated_stored = false;
  int record_place = 0;  ///< its place in the table's records; kNotStored for a virtual column

  static constexpr int kNotStored = -1;
  bool is_virtual() const noexcept { return generated != nullptr && !generated_stored; }
};

/// One column of an index: a column of the table, its rowid, or an expression.
struct IndexColumn {
  static constexpr int kRowid = -1;
  static constexpr int kExpression = -2;
  int column = 0;
  const ast::Expr* expr = nullptr;  ///< for kExpression
  const Collation* collation = &Collation::binary();
  bool descending = false;
};

/// A row of sqlite_stat4. The lists are by the number of leading columns, less one, and cover the
/// index's own columns at least.
struct IndexSample {
  std::vector<Value> key;                    ///< the index's own columns
  std::vector<std::uint64_t> equal;          ///< entries with the same leading columns
  std::vector<std::uint64_t> less;           ///< entries before the first of these
  std::vector<std::uint64_t> distinct_less;  ///< distinct leading columns before these
};

enum class IndexOrigin : std::uint8_t { create_index, unique, primary_key };

struct Index {
  std::string name;
  std::string sql;               ///< its CREATE INDEX; empty for an automatic one
  const Table* table = nullptr;  ///< owns this index
  storage::PageNo root = 0;
  bool unique = false;
  IndexOrigin origin = IndexOrigin::create_index;
  ast::Conflict conflict = ast::Conflict::unspecified;
  std::vector<IndexColumn> columns;  ///< the key as it was declared
  /// What follows the key in an entry: the rowid, or what the key lacks of a WITHOUT ROWID table's
  /// primary key. In the clustered index all other columns that are stored.
  std::vector<IndexColumn> tail;
  bool clustered = false;            ///< the tree of a WITHOUT ROWID table itself
  const ast::Expr* where = nullptr;  ///< of a partial index
  storage::KeyInfo key_info;         ///< of the tree, the tail included unless it is clustered
  /// From sqlite_stat1: entries, then entries per distinct prefix of 1, 2, ... columns. Or empty.
  std::vector<std::uint64_t> stat;
  std::vector<IndexSample> samples;  ///< from sqlite_stat4, in the order of the index
  Arena arena;                       ///< of the definition's tree
  bool has_expressions() const noexcept;
  std::size_t entry_width() const noexcept { return columns.size() + tail.size(); }
  const IndexColumn& entry_column(std::size_t place) const noexcept {
    return place < columns.size() ? columns[place] : tail[place - columns.size()];
  }
  /// Where an entry has a column of the table, or IndexColumn::kRowid; -1: nowhere.
  int place_of(int column) const noexcept;
};

struct CheckConstraint {
  std::string name;  ///< empty when it has none
  std::string text;  ///< the expression as it was written
  const ast::Expr* expr = nullptr;
};

struct ForeignKey {
  std::string parent;
  std::vector<std::uint32_t> columns;       ///< of the child table
  std::vector<std::string> parent_columns;  ///< empty: the parent's primary key
  ast::Action on_delete = ast::Action::none;
  ast::Action on_update = ast::Action::none;
  bool deferred = false;
};

struct Trigger {
  std::string name;
  std::string sql;
  DatabaseNo database = kMainDatabase;  ///< that has the trigger; its table may be in another
  const ast::CreateTriggerStmt* definition = nullptr;
  Arena arena;
};

enum class TableKind : std::uint8_t { table, view, virtual_table };

struct Table {
  TableKind kind = TableKind::table;
  DatabaseNo database = kMainDatabase;
  TextEncoding encoding = TextEncoding::utf8;  ///< of its records: that of the database
  std::string name;
  std::string sql;
  storage::PageNo root = 0;  ///< 0 for a view
  std::vector<TableColumn> columns;
  int rowid_column = -1;  ///< the INTEGER PRIMARY KEY, whose value is the rowid
  ast::Conflict primary_key_conflict = ast::Conflict::unspecified;  ///< of the rowid_column
  bool autoincrement = false;
  bool without_rowid = false;
  bool strict = false;
  /// Whether DESC in a key counts: in files of a schema format before 4 all keys are ascending
  /// (https://www.sqlite.org/fileformat2.html, section 1.3.8).
  bool descending_keys = true;
  std::vector<CheckConstraint> checks;
  std::vector<ForeignKey> foreign_keys;
  std::vector<std::unique_ptr<Index>> indexes;  ///< automatic ones first, in the order of creation
  std::vector<std::unique_ptr<Trigger>> triggers;
  /// The clustered index of a WITHOUT ROWID table, one of `indexes`; else null.
  const Index* primary = nullptr;
  /// Generated columns, each behind those that it reads.
  std::vector<std::uint32_t> generated_order;
  std::string generated_loop;         ///< a column whose value needs itself: any use is an error
  const ast::Select* view = nullptr;  ///< of a view
  std::vector<std::string> view_column_names;  ///< CREATE VIEW v(a, b)
  std::uint64_t row_estimate = 0;              ///< from sqlite_stat1; 0 = unknown
  /// What of the definition cannot be executed ("the schema of ..."): any use is an error.
  std::string unsupported;
  Arena arena;  ///< of the definition's tree

  /// The number of a column by name, in any case; -1 when there is none.
  int find_column(std::string_view column) const noexcept;
  /// What identifies a row: the rowid, or the columns of the primary key.
  std::size_t key_width() const noexcept { return without_rowid ? primary->columns.size() : 1; }
  /// The values in a record.
  std::size_t record_width() const noexcept;
  /// sqlite_schema and what else starts with "sqlite_".
  bool is_system() const noexcept;
  /// The name that SQLite's errors give it: sqlite_schema goes by its old name.
  std::string_view shown_name() const noexcept;
};

class Schema {
 public:
  /// Reads sqlite_schema (and the tables of ANALYZE). `corrupt` ("malformed database schema
  /// (NAME)") when a row makes no sense. The schema is for sessions to which the database is number
  /// `database`; `of_empty` is the encoding of a database that nothing was put into, instead of the
  /// file's.
  /// // SUSPENDS
  static Result<std::shared_ptr<const Schema>> load(storage::PageSource& source,
                                                    DatabaseNo database,
                                                    std::optional<TextEncoding> of_empty = {});
  /// That of a temp database which nothing was put into.
  static std::shared_ptr<const Schema> empty_temp();

  /// The tables and views, sqlite_schema by any of its names; null when there is none.
  const Table* find_table(std::string_view name) const noexcept;
  const Index* find_index(std::string_view name) const noexcept;
  const Trigger* find_trigger(std::string_view name) const noexcept;
  /// In the order of sqlite_schema.
  const std::vector<const Table*>& tables() const noexcept { return order_; }
  /// sqlite_schema itself.
  const Table& own_table() const noexcept { return *own_table_; }
  /// Triggers on tables of other databases, in the order of creation: temp has such.
  const std::vector<std::unique_ptr<Trigger>>& outward_triggers() const noexcept {
    return outward_triggers_;
  }
  std::uint32_t cookie() const noexcept { return cookie_; }
  /// Of all texts in the database; an attached database has that of the main one.
  TextEncoding encoding() const noexcept { return encoding_; }

 private:
  friend class SchemaLoader;
  template <typename T>
  using Names = std::unordered_map<std::string, T, NocaseHash, NocaseEqual>;
  Names<std::unique_ptr<Table>> tables_;
  std::vector<const Table*> order_;
  Names<const Index*> indexes_;
  Names<const Trigger*> triggers_;
  std::vector<std::unique_ptr<Trigger>> outward_triggers_;
  const Table* own_table_ = nullptr;
  std::uint32_t cookie_ = 0;
  TextEncoding encoding_ = TextEncoding::utf8;
};

/// Makes a table of a parsed CREATE TABLE, its automatic indexes included (without roots), with
/// SQLite's errors for what the parser lets pass (duplicate columns, unknown columns in keys, two
/// primary keys, ...). `sql` is kept, and the statement must have been parsed from `table.sql` into
/// `table.arena`; `table.encoding` is set already.
Result<void> define_table(Table& table, const ast::CreateTableStmt& stmt);
/// The same for CREATE INDEX on `table`.
Result<void> define_index(Index& index, const Table& table, const ast::CreateIndexStmt& stmt);

/// The order of an index tree's records: `collation` as the B-trees take it, for texts in its
/// encoding.
storage::Collation storage_collation(const Collation& collation) noexcept;

}  // namespace saturn::sql
