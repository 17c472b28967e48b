#include "base/text.hpp"
#include "ddl/schema_writer.hpp"
#include "io/backends.hpp"
#include "plan/compile.hpp"
#include "session/session_impl.hpp"
#include "storage/image.hpp"
#include "storage/tree_builder.hpp"
#include "value/arena.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <utility>

// VACUUM and VACUUM INTO: the database is built anew in memory, one tree after the other, and takes
// the old one's place in one transaction, or goes to a file of its own.

namespace saturn::sql {
namespace {

/// One object of the schema, on its way to the new database.
struct MovedRow {
  SchemaRow row;
  storage::PageNo old_root = 0;
};

Result<std::vector<MovedRow>> read_schema(storage::Transaction& transaction) {
  std::vector<MovedRow> rows;
  TRY(change_schema_rows(transaction, [&](SchemaRow& row) -> Result<bool> {
    if (row.root < 0 || row.root > transaction.page_count()) {
      return Error(Code::corrupt, cat("malformed database schema (", row.name, ")"));
    }
    rows.push_back({row, static_cast<storage::PageNo>(row.root)});
    return false;
  }));
  return rows;
}

/// SQLite's order: each table with its automatic indexes, and sqlite_sequence behind the first that
/// needs it (it goes when none does); the indexes; what has no tree of its own.
std::vector<MovedRow> in_new_order(std::vector<MovedRow> rows, const Schema& schema) {
  std::vector<MovedRow> ordered;
  const auto take_if = [&](auto wanted) {
    for (MovedRow& moved : rows) {
      if (!moved.row.type.empty() && wanted(moved.row)) {
        ordered.push_back(std::exchange(moved, {}));
      }
    }
  };
  const auto is_sequence = [](const SchemaRow& row) {
    return equals_nocase(row.name, "sqlite_sequence");
  };
  bool has_sequence = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SchemaRow& row = rows[i].row;
    if (row.type != "table" || rows[i].old_root == 0 || is_sequence(row)) continue;
    const std::string name = row.name;
    const Table* table = schema.find_table(name);
    ordered.push_back(std::exchange(rows[i], {}));
    take_if([&](const SchemaRow& other) {
      return other.type == "index" && other.sql.empty() && equals_nocase(other.table, name);
    });
    if (table == nullptr || !table->autoincrement || has_sequence) continue;
    has_sequence = true;
    take_if(is_sequence);
  }
  take_if([](const SchemaRow& row) { return row.type == "index"; });
  take_if([&](const SchemaRow& row) { return !is_sequence(row); });
  return ordered;
}

/// Copies the entries of one tree into an empty one. // SUSPENDS
Result<void> copy_tree(Runtime& runtime, storage::Transaction& transaction, storage::PageNo from,
                       storage::PageSource& image, storage::PageNo to, storage::TreeKind kind) {
  static const storage::KeyInfo kAnyOrder;
  const bool table = kind == storage::TreeKind::table;
  storage::BTreeCursor cursor(transaction, from, table ? nullptr : &kAnyOrder);
  storage::TreeBuilder builder(image, to, kind);
  bool more = TRY(cursor.first());
  for (std::uint64_t n = 0; more; ++n) {
    const ByteSpan record = TRY(cursor.payload());
    TRY(builder.append(table ? cursor.rowid() : 0, record));
    if (n % limits::kBatchRows == 0) TRY(runtime.poll());
    more = TRY(cursor.next());
  }
  return builder.finish();
}

/// What a tree of the new database is a copy of.
struct CopiedTree {
  storage::PageNo from = 0;
  storage::PageNo to = 0;
  storage::TreeKind kind = storage::TreeKind::table;
};

/// Builds `image`, which is empty, from the transaction's database. // SUSPENDS
Result<void> rebuild(Runtime& runtime, storage::Transaction& transaction, const Schema& schema,
                     storage::Image& image) {
  const std::vector<MovedRow> rows = in_new_order(TRY(read_schema(transaction)), schema);
  std::vector<CopiedTree> trees;
  storage::BTreeCursor entries(image, 1);
  std::int64_t rowid = 0;
  std::string record;
  for (const MovedRow& moved : rows) {
    CopiedTree tree{moved.old_root, 0, storage::TreeKind::table};
    if (moved.old_root != 0) {
      tree.kind = TRY(storage::kind_of_tree(transaction, moved.old_root));
      tree.to = TRY(storage::create_tree(image, tree.kind));
      trees.push_back(tree);
    }
    const ValueRef values[] = {ValueRef::text(moved.row.type), ValueRef::text(moved.row.name),
                               ValueRef::text(moved.row.table), ValueRef::integer(tree.to),
                               moved.row.sql.empty() ? ValueRef() : ValueRef::text(moved.row.sql)};
    record.clear();
    TRY(encode_record(values, schema.encoding(), record));
    TRY(entries.insert(++rowid,
                       {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()}));
  }
  for (const CopiedTree& tree : trees) {
    TRY(copy_tree(runtime, transaction, tree.from, image, tree.to, tree.kind));
  }
  image.finish();
  return {};
}

/// The header of the new database.
Result<storage::DatabaseHeader> new_header(Runtime& runtime, storage::Transaction& transaction) {
  storage::DatabaseHeader header = TRY(transaction.header());
  if (const std::optional<int>& mode = runtime.session.next_auto_vacuum) {
    header.largest_root = *mode == 0 ? 0 : 1;
    header.incremental_vacuum = *mode == 2 ? 1 : 0;
  }
  return header;
}

/// Writes the image to a new file, durably; a file that could not be written whole goes.
Result<void> write_file(io::Vfs& vfs, const std::string& path, storage::Image& image) {
  constexpr storage::PageNo kPagesAtOnce = 64;
  const bool known = TRY(vfs.exists(path));
  std::unique_ptr<io::File> file = TRY(vfs.open(path, {.create = true}));
  const std::uint64_t size = TRY(file->size());
  if (size != 0) return Error(Code::error, "output file already exists");
  const auto write = [&]() -> Result<void> {
    for (storage::PageNo first = 1; first <= image.page_count(); first += kPagesAtOnce) {
      std::vector<storage::PageRef> pins;
      std::vector<ByteSpan> pages;
      const storage::PageNo end = std::min(first + kPagesAtOnce, image.page_count() + 1);
      for (storage::PageNo page = first; page < end; ++page) {
        pins.push_back(TRY(image.read(page)));
        pages.emplace_back(pins.back().data(), image.page_size());
      }
      TRY(file->writev(std::uint64_t{first - 1} * image.page_size(), pages));
    }
    TRY(file->sync(io::SyncMode::full));
    return vfs.sync_directory(path);
  };
  Result<void> written = write();
  if (!written && !known) {
    file.reset();
    static_cast<void>(vfs.remove(path));
  }
  return written;
}

class VacuumProgram final : public ImmediateProgram {
 public:
  VacuumProgram(const Schema& schema, DatabaseNo database, ExprPtr into)
      : schema_(schema), database_(database), into_(std::move(into)) {
    access = into_ == nullptr ? Access::write : Access::read;
    readonly = false;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    SessionState& session = runtime.session;
    if (!session.autocommit) {
      return Error(Code::error, "cannot VACUUM from within a transaction");
    }
    if (session.owner->running.size() > 1) {
      return Error(Code::error, "cannot VACUUM - SQL statements in progress");
    }
    return into_ == nullptr ? vacuum(runtime) : vacuum_into(runtime);
  }

 private:
  Result<void> vacuum(Runtime& runtime) {
    storage::Transaction& transaction = runtime.transaction(database_);
    const storage::DatabaseHeader header = TRY(new_header(runtime, transaction));
    // Nothing to rebuild, and SQLite does not make a schema of it either.
    if (header.schema_format == 0) return {};
    storage::Image image(header);
    TRY(rebuild(runtime, transaction, schema_, image));
    TRY(transaction.replace(image));
    return runtime.session.schema_changed(transaction, database_);
  }

  Result<void> vacuum_into(Runtime& runtime) {
    if (!runtime.session.options.allow_files) return Error(Code::auth, "not authorized");
    ValueArena arena;
    const ValueRef name = TRY(eval_one(*into_, runtime, arena, Batch()));
    if (!name.is_text()) return Error(Code::error, "non-text filename");
    const std::string path(name.bytes());
    storage::Transaction& transaction = runtime.transaction(database_);
    storage::DatabaseHeader header = TRY(new_header(runtime, transaction));
    ++header.schema_cookie;
    header.write_version = header.read_version = storage::DatabaseHeader::kVersionRollback;
    header.sqlite_version = storage::DatabaseHeader::kSqliteVersion;
    if (header.schema_format == 0) header.schema_format = storage::DatabaseHeader::kSchemaFormatMax;
    const std::uint32_t page_size = runtime.session.next_page_size;
    if (page_size >= header.reserved_bytes + storage::DatabaseHeader::kUsableBytesMin) {
      header.page_size = page_size;
    }
    storage::Image image(header);
    TRY(rebuild(runtime, transaction, schema_, image));
    io::Vfs& vfs = TRY(runtime.session.storage(kMainDatabase))->vfs();
    if (vfs.name() != "memory") return write_file(vfs, path, image);
    return write_file(*io::make_posix_vfs(), path, image);
  }

  const Schema& schema_;
  const DatabaseNo database_;
  const ExprPtr into_;
};

}  // namespace

Result<ProgramPtr> compile_vacuum(CompileContext& context, const ast::VacuumStmt& stmt) {
  const DatabaseNo database = TRY(context.database(stmt.schema, stmt.at)).value_or(kMainDatabase);
  ExprPtr into;
  if (stmt.into != nullptr) into = TRY(bind_row_expr(context, {}, *stmt.into, false));
  if (into == nullptr) {
    context.writes(database);
  } else {
    context.reads(database);
  }
  return ProgramPtr(
      std::make_unique<VacuumProgram>(context.schemas[database], database, std::move(into)));
}

}  // namespace saturn::sql
