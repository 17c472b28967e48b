#include "base/text.hpp"
#include "pragma/integrity.hpp"
#include "plan/compile.hpp"
#include "value/number.hpp"

#include <array>
#include <functional>

// One table of pragmas: a name, the result's columns, and what it does. A pragma that is not in it
// does nothing and returns nothing, as in SQLite.

namespace saturn::sql {
namespace {

struct Call {
  Runtime& runtime;
  const Schema& schema;
  std::string_view argument;  ///< absent when the pragma only asks
  std::vector<Row>& rows;

  SessionState& session() const { return runtime.session; }
  bool asks() const { return !ast::present(argument); }
  bool flag() const {
    for (const std::string_view on : {"on", "yes", "true"}) {
      if (equals_nocase(argument, on)) return true;
    }
    return parse_integer(argument).value != 0;
  }
  std::int64_t number() const { return parse_integer(argument).value; }
  void add(Value v) const { rows.push_back({std::move(v)}); }
};

using Columns = std::vector<std::string_view>;
struct Pragma {
  std::string_view name;
  Columns columns;
  Result<void> (*run)(const Call&);
  Access access = Access::read;
  /// With an argument it changes the database, and needs a write transaction.
  bool argument_writes = false;
  /// With an argument it returns nothing.
  bool argument_is_silent = false;
};

// --- the schema ----------------------------------------------------------------------------------

Value declared_default(const TableColumn& column) {
  return column.default_value == nullptr ? Value() : Value(column.default_text);
}

Result<void> table_info(const Call& call, bool extended) {
  const Table* table = call.schema.find_table(call.argument);
  if (table == nullptr || table->kind == TableKind::virtual_table) return {};
  if (table->kind == TableKind::view) {
    // The columns of a view are those of its query.
    Arena arena;
    CompileContext context{call.schema, call.runtime, arena, 0, call.runtime.transaction};
    const Query query = TRY(plan_select(context, *table->view));
    for (std::size_t i = 0; i < query.columns.size(); ++i) {
      const std::string name = i < table->view_column_names.size() ? table->view_column_names[i]
                                                                    : query.columns[i].name;
      Row row{Value(static_cast<std::int64_t>(i)), Value(name),
              Value(query.columns[i].decltype_text), Value(0), Value(), Value(0)};
      if (extended) row.emplace_back(0);
      call.rows.push_back(std::move(row));
    }
    return {};
  }
  std::int64_t number = 0;
  for (const TableColumn& column : table->columns) {
    Row row{Value(number++),
            Value(column.name),
            Value(column.type),
            Value(column.not_null ? 1 : 0),
            declared_default(column),
            Value(static_cast<std::int64_t>(column.primary_key))};
    if (extended) row.emplace_back(column.generated == nullptr ? 0 : column.generated_stored ? 3 : 2);
    call.rows.push_back(std::move(row));
  }
  return {};
}

Result<void> table_list(const Call& call) {
  const auto add = [&](const Table& table, std::string_view schema) {
    if (!call.asks() && !equals_nocase(table.name, call.argument)) return;
    const std::string_view type = table.kind == TableKind::view    ? "view"
                                  : table.kind == TableKind::table ? "table"
                                                                   : "virtual";
    call.rows.push_back({Value(schema), Value(table.name), Value(type),
                         Value(static_cast<std::int64_t>(table.columns.size())),
                         Value(table.without_rowid ? 1 : 0), Value(table.strict ? 1 : 0)});
  };
  for (const Table* table : call.schema.tables()) add(*table, "main");
  add(*call.schema.find_table("sqlite_schema"), "main");
  return {};
}

Result<void> index_list(const Call& call) {
  const Table* table = call.schema.find_table(call.argument);
  if (table == nullptr) return {};
  std::int64_t number = 0;
  for (std::size_t i = table->indexes.size(); i-- > 0;) {
    const Index& index = *table->indexes[i];
    const std::string_view origin = index.origin == IndexOrigin::create_index  ? "c"
                                    : index.origin == IndexOrigin::primary_key ? "pk"
                                                                               : "u";
    call.rows.push_back({Value(number++), Value(index.name), Value(index.unique ? 1 : 0),
                         Value(origin), Value(index.where != nullptr ? 1 : 0)});
  }
  return {};
}

Result<void> index_info(const Call& call, bool extended) {
  const Index* index = call.schema.find_index(call.argument);
  if (index == nullptr) return {};
  std::int64_t number = 0;
  for (const IndexColumn& column : index->columns) {
    Row row{Value(number++), Value(column.column == index->table->rowid_column && column.column >= 0
                                       ? column.column
                                       : column.column)};
    row.push_back(column.column >= 0
                      ? Value(index->table->columns[static_cast<std::size_t>(column.column)].name)
                      : Value());
    if (extended) {
      row.emplace_back(column.descending ? 1 : 0);
      row.emplace_back(column.collation->name());
      row.emplace_back(1);
    }
    call.rows.push_back(std::move(row));
  }
  if (extended) {
    call.rows.push_back(
        {Value(number), Value(-1), Value(), Value(0), Value("BINARY"), Value(0)});
  }
  return {};
}

std::string_view action_name(ast::Action action) {
  switch (action) {
    case ast::Action::set_null: return "SET NULL";
    case ast::Action::set_default: return "SET DEFAULT";
    case ast::Action::cascade: return "CASCADE";
    case ast::Action::restrict: return "RESTRICT";
    default: return "NO ACTION";
  }
}

Result<void> foreign_key_list(const Call& call) {
  const Table* table = call.schema.find_table(call.argument);
  if (table == nullptr) return {};
  std::int64_t id = 0;
  for (std::size_t k = table->foreign_keys.size(); k-- > 0;) {
    const ForeignKey& key = table->foreign_keys[k];
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
      call.rows.push_back({Value(id), Value(static_cast<std::int64_t>(i)), Value(key.parent),
                           Value(table->columns[key.columns[i]].name),
                           key.parent_columns.empty() ? Value() : Value(key.parent_columns[i]),
                           Value(action_name(key.on_update)), Value(action_name(key.on_delete)),
                           Value("NONE")});
    }
    ++id;
  }
  return {};
}

// --- the header ----------------------------------------------------------------------------------

template <typename Field>
Result<void> header_field(const Call& call, Field field, bool is_signed) {
  storage::DatabaseHeader header = TRY(call.runtime.transaction->header());
  if (call.asks()) {
    const std::uint32_t v = header.*field;
    call.add(is_signed ? Value(static_cast<std::int64_t>(static_cast<std::int32_t>(v)))
                       : Value(static_cast<std::int64_t>(v)));
    return {};
  }
  header.*field = static_cast<std::uint32_t>(call.number());
  return call.runtime.transaction->set_header(header);
}

Result<void> schema_version(const Call& call) {
  return header_field(call, &storage::DatabaseHeader::schema_cookie, false);
}
Result<void> user_version(const Call& call) {
  return header_field(call, &storage::DatabaseHeader::user_version, true);
}
Result<void> application_id(const Call& call) {
  return header_field(call, &storage::DatabaseHeader::application_id, true);
}

Result<void> page_count(const Call& call) {
  call.add(Value(static_cast<std::int64_t>(call.runtime.transaction->page_count())));
  return {};
}
Result<void> freelist_count(const Call& call) {
  const storage::DatabaseHeader header = TRY(call.runtime.transaction->header());
  call.add(Value(static_cast<std::int64_t>(header.freelist_pages)));
  return {};
}
Result<void> auto_vacuum(const Call& call) {
  const storage::DatabaseHeader header = TRY(call.runtime.transaction->header());
  call.add(Value(header.largest_root == 0 ? 0 : header.incremental_vacuum != 0 ? 2 : 1));
  return {};
}
Result<void> page_size(const Call& call) {
  call.add(Value(static_cast<std::int64_t>(call.runtime.transaction->page_size())));
  return {};
}
Result<void> max_page_count(const Call& call) {
  storage::Database& database = call.session().database.storage();
  const auto wanted =
      call.asks() ? 0U : static_cast<std::uint32_t>(std::max<std::int64_t>(call.number(), 0));
  call.add(Value(static_cast<std::int64_t>(database.set_page_count_max(wanted))));
  return {};
}

// --- the session ---------------------------------------------------------------------------------

template <bool SessionState::*Field>
Result<void> session_flag(const Call& call) {
  if (call.asks()) {
    call.add(Value(call.session().*Field ? 1 : 0));
  } else {
    call.session().*Field = call.flag();
  }
  return {};
}

/// Foreign keys are declared and listed, and not enforced yet: the flag says so.
Result<void> foreign_keys(const Call& call) {
  if (call.asks()) call.add(Value(0));
  return {};
}

Result<void> busy_timeout(const Call& call) {
  if (!call.asks()) {
    call.session().options.busy_timeout_ms =
        static_cast<std::uint32_t>(std::max<std::int64_t>(call.number(), 0));
  }
  call.add(Value(static_cast<std::int64_t>(call.session().options.busy_timeout_ms)));
  return {};
}

Result<void> cache_size(const Call& call) {
  if (!call.asks()) {
    call.session().cache_size = call.number();
  } else {
    call.add(Value(call.session().cache_size));
  }
  return {};
}

Result<void> synchronous(const Call& call) {
  storage::Database& database = call.session().database.storage();
  if (call.asks()) {
    call.add(Value(static_cast<std::int64_t>(database.synchronous())));
    return {};
  }
  storage::Synchronous mode = storage::Synchronous::full;
  if (equals_nocase(call.argument, "off") || call.argument == "0") mode = storage::Synchronous::off;
  if (equals_nocase(call.argument, "normal") || call.argument == "1") {
    mode = storage::Synchronous::normal;
  }
  if (call.session().options.allow_files) database.set_synchronous(mode);
  return {};
}

Result<void> journal_mode(const Call& call) {
  call.add(Value("wal"));
  return {};
}

Result<void> wal_checkpoint(const Call& call) {
  storage::CheckpointMode mode = storage::CheckpointMode::passive;
  if (!call.asks()) {
    if (equals_nocase(call.argument, "full")) mode = storage::CheckpointMode::full;
    if (equals_nocase(call.argument, "restart")) mode = storage::CheckpointMode::restart;
    if (equals_nocase(call.argument, "truncate")) mode = storage::CheckpointMode::truncate;
  }
  if (!call.session().autocommit && call.session().transaction &&
      call.session().transaction->writable()) {
    return Error(Code::locked, "database table is locked");
  }
  const storage::CheckpointResult result =
      TRY(call.session().database.storage().checkpoint(mode, call.session().busy_deadline()));
  call.rows.push_back({Value(result.busy ? 1 : 0),
                       Value(static_cast<std::int64_t>(result.log_frames)),
                       Value(static_cast<std::int64_t>(result.checkpointed_frames))});
  return {};
}

Result<void> wal_autocheckpoint(const Call& call) {
  storage::Database& database = call.session().database.storage();
  if (!call.asks() && call.session().options.allow_files) {
    database.set_checkpoint_pages(
        static_cast<std::uint32_t>(std::max<std::int64_t>(call.number(), 0)));
  }
  call.add(Value(static_cast<std::int64_t>(database.checkpoint_pages())));
  return {};
}

template <std::int64_t Number>
Result<void> always(const Call& call) {
  call.add(Value(Number));
  return {};
}

// --- the rest ------------------------------------------------------------------------------------

Result<void> integrity(const Call& call, bool quick) {
  std::size_t problems_max = 100;
  if (!call.asks() && parse_integer(call.argument).whole && call.number() > 0) {
    problems_max = static_cast<std::size_t>(call.number());
  }
  const std::vector<std::string> problems =
      TRY(check_integrity(call.runtime, call.schema, quick, problems_max));
  for (const std::string& problem : problems) call.add(Value(problem));
  if (problems.empty()) call.add(Value("ok"));
  return {};
}

const std::vector<Pragma>& pragmas() {
  static const std::vector<Pragma> kPragmas = {
      {"application_id", {"application_id"}, application_id, Access::read, true, true},
      {"auto_vacuum", {"auto_vacuum"}, auto_vacuum, Access::read, false, true},
      {"automatic_index", {"automatic_index"}, always<1>, Access::none, false, true},
      {"busy_timeout", {"timeout"}, busy_timeout, Access::none},
      {"cache_size", {"cache_size"}, cache_size, Access::none, false, true},
      {"case_sensitive_like", {}, session_flag<&SessionState::case_sensitive_like>, Access::none,
       false, true},
      {"checkpoint_fullfsync", {"checkpoint_fullfsync"}, always<0>, Access::none, false, true},
      {"collation_list", {"seq", "name"},
       [](const Call& call) -> Result<void> {
         std::int64_t number = 0;
         for (const char* name : {"RTRIM", "NOCASE", "BINARY"}) {
           call.rows.push_back({Value(number++), Value(name)});
         }
         return {};
       },
       Access::none},
      {"compile_options", {"compile_options"},
       [](const Call& call) -> Result<void> {
         call.add(Value("THREADSAFE=1"));
         return {};
       },
       Access::none},
      {"data_version", {"data_version"},
       [](const Call& call) -> Result<void> {
         call.add(Value(static_cast<std::int64_t>(call.runtime.transaction->snapshot()) + 1));
         return {};
       }},
      {"database_list", {"seq", "name", "file"},
       [](const Call& call) -> Result<void> {
         call.rows.push_back(
             {Value(0), Value("main"), Value(call.session().database.storage().path())});
         return {};
       },
       Access::none},
      {"defer_foreign_keys", {"defer_foreign_keys"},
       session_flag<&SessionState::defer_foreign_keys>, Access::none, false, true},
      {"encoding", {"encoding"},
       [](const Call& call) -> Result<void> {
         if (call.asks()) call.add(Value("UTF-8"));
         return {};
       },
       Access::none, false, true},
      {"foreign_key_list",
       {"id", "seq", "table", "from", "to", "on_update", "on_delete", "match"},
       foreign_key_list},
      {"foreign_keys", {"foreign_keys"}, foreign_keys, Access::none, false, true},
      {"freelist_count", {"freelist_count"}, freelist_count},
      {"ignore_check_constraints", {"ignore_check_constraints"},
       session_flag<&SessionState::ignore_check_constraints>, Access::none, false, true},
      {"index_info", {"seqno", "cid", "name"},
       [](const Call& call) { return index_info(call, false); }},
      {"index_list", {"seq", "name", "unique", "origin", "partial"}, index_list},
      {"index_xinfo", {"seqno", "cid", "name", "desc", "coll", "key"},
       [](const Call& call) { return index_info(call, true); }},
      {"integrity_check", {"integrity_check"},
       [](const Call& call) { return integrity(call, false); }},
      {"journal_mode", {"journal_mode"}, journal_mode, Access::none},
      {"journal_size_limit", {"journal_size_limit"}, always<-1>, Access::none},
      {"locking_mode", {"locking_mode"},
       [](const Call& call) -> Result<void> {
         call.add(Value("exclusive"));
         return {};
       },
       Access::none},
      {"max_page_count", {"max_page_count"}, max_page_count, Access::none},
      {"mmap_size", {"mmap_size"}, always<0>, Access::none},
      {"optimize", {}, [](const Call&) -> Result<void> { return {}; }, Access::none},
      {"page_count", {"page_count"}, page_count},
      {"page_size", {"page_size"}, page_size, Access::read, false, true},
      {"query_only", {"query_only"}, session_flag<&SessionState::query_only>, Access::none, false,
       true},
      {"quick_check", {"quick_check"}, [](const Call& call) { return integrity(call, true); }},
      {"recursive_triggers", {"recursive_triggers"},
       session_flag<&SessionState::recursive_triggers>, Access::none, false, true},
      {"reverse_unordered_selects", {"reverse_unordered_selects"},
       session_flag<&SessionState::reverse_unordered_selects>, Access::none, false, true},
      {"schema_version", {"schema_version"}, schema_version, Access::read, true, true},
      {"secure_delete", {"secure_delete"}, always<0>, Access::none},
      {"synchronous", {"synchronous"}, synchronous, Access::none, false, true},
      {"table_info", {"cid", "name", "type", "notnull", "dflt_value", "pk"},
       [](const Call& call) { return table_info(call, false); }},
      {"table_list", {"schema", "name", "type", "ncol", "wr", "strict"}, table_list},
      {"table_xinfo", {"cid", "name", "type", "notnull", "dflt_value", "pk", "hidden"},
       [](const Call& call) { return table_info(call, true); }},
      {"temp_store", {"temp_store"}, always<0>, Access::none, false, true},
      {"threads", {"threads"}, always<0>, Access::none},
      {"user_version", {"user_version"}, user_version, Access::read, true, true},
      {"wal_autocheckpoint", {"wal_autocheckpoint"}, wal_autocheckpoint, Access::none},
      {"wal_checkpoint", {"busy", "log", "checkpointed"}, wal_checkpoint, Access::none},
  };
  return kPragmas;
}

Result<void> pragma_list(const Call& call) {
  for (const Pragma& pragma : pragmas()) call.add(Value(pragma.name));
  return {};
}

class PragmaProgram final : public ImmediateProgram {
 public:
  PragmaProgram(const Pragma* pragma, const Schema& schema, std::string_view argument)
      : pragma_(pragma), schema_(schema), argument_(argument) {
    access = Access::none;
    if (pragma == nullptr) return;
    const bool has_argument = ast::present(argument);
    access = pragma->access;
    if (has_argument && pragma->argument_writes) {
      access = Access::write;
      readonly = false;
    }
    if (has_argument && pragma->argument_is_silent) return;
    for (const std::string_view name : pragma->columns) {
      columns.push_back({std::string(name), ""});
    }
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override {
    if (pragma_ == nullptr) return {};
    TRY(pragma_->run(Call{runtime, schema_, argument_, rows}));
    if (columns.empty()) rows.clear();
    return {};
  }

 private:
  const Pragma* pragma_;
  const Schema& schema_;
  const std::string_view argument_;
};

}  // namespace

Result<ProgramPtr> compile_pragma(CompileContext& context, const ast::PragmaStmt& stmt) {
  static const Pragma kList{"pragma_list", {"name"}, pragma_list, Access::none, false, false};
  const Pragma* found = equals_nocase(stmt.name, "pragma_list") ? &kList : nullptr;
  for (const Pragma& pragma : pragmas()) {
    if (equals_nocase(pragma.name, stmt.name)) found = &pragma;
  }
  return ProgramPtr(std::make_unique<PragmaProgram>(found, context.schema, stmt.value));
}

}  // namespace saturn::sql
