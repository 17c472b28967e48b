#include "pragma/pragma.hpp"

#include "pragma/integrity.hpp"
#include "storage/auto_vacuum.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <utility>

// One table of pragmas: a name, the result's columns, and what it does. A pragma that is not in it
// does nothing and returns nothing, as in SQLite.

namespace saturn::sql {
namespace {

Result<void> pragma_list(const PragmaCall& call);

// --- the header ----------------------------------------------------------------------------------

template <typename Field>
Result<void> header_field(const PragmaCall& call, Field field, bool is_signed) {
  storage::DatabaseHeader header = TRY(call.transaction().header());
  if (call.asks()) {
    const std::uint32_t v = header.*field;
    call.add(is_signed ? Value(static_cast<std::int64_t>(static_cast<std::int32_t>(v)))
                       : Value(static_cast<std::int64_t>(v)));
    return {};
  }
  header.*field = static_cast<std::uint32_t>(call.number());
  return call.transaction().set_header(header);
}

Result<void> schema_version(const PragmaCall& call) {
  return header_field(call, &storage::DatabaseHeader::schema_cookie, false);
}
Result<void> user_version(const PragmaCall& call) {
  return header_field(call, &storage::DatabaseHeader::user_version, true);
}
Result<void> application_id(const PragmaCall& call) {
  return header_field(call, &storage::DatabaseHeader::application_id, true);
}

Result<void> page_count(const PragmaCall& call) {
  // SQLite's file has no page before something is written to it.
  const std::int64_t pages = call.transaction().page_count();
  const storage::DatabaseHeader header = TRY(call.transaction().header());
  const bool untouched = pages == 1 && header.schema_cookie == 0 && header.user_version == 0 &&
                         header.application_id == 0;
  call.add(Value(untouched ? 0 : pages));
  return {};
}
Result<void> freelist_count(const PragmaCall& call) {
  const storage::DatabaseHeader header = TRY(call.transaction().header());
  call.add(Value(static_cast<std::int64_t>(header.freelist_pages)));
  return {};
}
/// A database with pointer maps changes between full and incremental at once, and an empty one to
/// anything. Everything else waits for VACUUM.
Result<void> auto_vacuum(const PragmaCall& call) {
  storage::DatabaseHeader header = TRY(call.transaction().header());
  if (call.asks()) {
    call.add(Value(header.largest_root == 0 ? 0 : header.incremental_vacuum != 0 ? 2 : 1));
    return {};
  }
  std::int64_t mode = call.number();
  if (equals_nocase(call.argument, "full")) mode = 1;
  if (equals_nocase(call.argument, "incremental")) mode = 2;
  if (mode < 0 || mode > 2) mode = 0;
  call.session().next_auto_vacuum = static_cast<int>(mode);
  const bool is_new = header.is_empty() && call.transaction().page_count() == 1;
  if (is_new) {
    header.largest_root = mode == 0 ? 0 : 1;
  } else if (mode == 0 || header.largest_root == 0) {
    return {};
  }
  header.incremental_vacuum = mode == 2 ? 1 : 0;
  return call.transaction().set_header(header);
}

Result<void> incremental_vacuum(const PragmaCall& call) {
  storage::Transaction& transaction = call.transaction();
  if (!transaction.auto_vacuum()) return {};
  const std::int64_t limit = call.asks() ? 0 : call.number();
  for (std::int64_t n = 0; limit <= 0 || n < limit; ++n) {
    const bool more = TRY(storage::vacuum_step(transaction));
    if (!more) break;
  }
  return {};
}

/// An empty database is made anew; otherwise VACUUM INTO will have pages of that size.
Result<void> page_size(const PragmaCall& call) {
  storage::Database& database = *TRY(call.storage());
  if (call.asks()) {
    call.add(Value(static_cast<std::int64_t>(database.stats().page_size)));
    return {};
  }
  const std::int64_t bytes = call.number();
  if (bytes < 0 || bytes > limits::kPageSizeMax) return {};
  const auto size = static_cast<std::uint32_t>(bytes);
  if (!storage::is_valid_page_size(size)) return {};
  call.session().next_page_size = size;
  if (call.session().autocommit) TRY(database.set_page_size(size));
  return {};
}
Result<void> max_page_count(const PragmaCall& call) {
  storage::Database& database = *TRY(call.storage());
  auto wanted =
      call.asks() ? 0U : static_cast<std::uint32_t>(std::max<std::int64_t>(call.number(), 0));
  // Not below what is there.
  if (wanted != 0) wanted = std::max(wanted, call.transaction().page_count());
  call.add(Value(static_cast<std::int64_t>(database.set_page_count_max(wanted))));
  return {};
}

// --- the session ---------------------------------------------------------------------------------

template <bool SessionState::*Field>
Result<void> session_flag(const PragmaCall& call) {
  if (call.asks()) {
    call.add(Value(call.session().*Field ? 1 : 0));
  } else {
    call.session().*Field = call.flag();
    ++call.session().compile_rules;
  }
  return {};
}

/// Within a transaction the setting stays as it is.
Result<void> foreign_keys(const PragmaCall& call) {
  SessionState& session = call.session();
  if (call.asks()) {
    call.add(Value(session.options.foreign_keys ? 1 : 0));
  } else if (session.autocommit) {
    session.options.foreign_keys = call.flag();
    ++session.compile_rules;
  }
  return {};
}

Result<void> busy_timeout(const PragmaCall& call) {
  if (!call.asks()) {
    call.session().options.busy_timeout_ms =
        static_cast<std::uint32_t>(std::max<std::int64_t>(call.number(), 0));
  }
  call.add(Value(static_cast<std::int64_t>(call.session().options.busy_timeout_ms)));
  return {};
}

Result<void> cache_size(const PragmaCall& call) {
  if (!call.asks()) {
    call.session().cache_size = call.number();
  } else {
    call.add(Value(call.session().cache_size));
  }
  return {};
}

/// The value that SQLite reads from an argument: any other word is 1, and of numbers three bits
/// count.
std::uint8_t safety_level(const PragmaCall& call) {
  constexpr std::pair<std::string_view, std::uint8_t> kWords[] = {
      {"off", 0}, {"no", 0}, {"false", 0}, {"full", 2}, {"extra", 3}};
  if (call.argument.empty() || call.argument[0] < '0' || call.argument[0] > '9') {
    for (const auto& [word, level] : kWords) {
      if (equals_nocase(call.argument, word)) return level;
    }
    return 1;
  }
  const auto level = static_cast<std::uint8_t>(call.number() & 7);
  return level == 7 ? 0 : level;
}

/// Of this session's commits.
Result<void> synchronous(const PragmaCall& call) {
  SessionState& session = call.session();
  storage::Database& database = *TRY(call.storage());
  std::optional<std::uint8_t>& level = session.databases[call.database()].synchronous;
  if (call.asks()) {
    call.add(
        Value(std::int64_t{level.value_or(static_cast<std::uint8_t>(database.synchronous()))}));
    return {};
  }
  if (!session.autocommit) {
    return Error(Code::error, "Safety level may not be changed inside a transaction");
  }
  if (call.database() == kTempDatabase) return {};
  level = safety_level(call);
  database.expect_synchronous(to_synchronous(*level));
  return {};
}

Result<void> journal_mode(const PragmaCall& call) {
  call.add(Value("wal"));
  return {};
}

Result<void> wal_checkpoint(const PragmaCall& call) {
  storage::CheckpointMode mode = storage::CheckpointMode::passive;
  if (!call.asks()) {
    if (equals_nocase(call.argument, "full")) mode = storage::CheckpointMode::full;
    if (equals_nocase(call.argument, "restart")) mode = storage::CheckpointMode::restart;
    if (equals_nocase(call.argument, "truncate")) mode = storage::CheckpointMode::truncate;
  }
  SessionState& session = call.session();
  for (const SessionDatabase& each : session.databases) {
    if (!session.autocommit && each.transaction) {
      return Error(Code::locked, "database table is locked");
    }
  }
  storage::CheckpointResult total;
  for (std::size_t place = session.databases.size(); place-- > 0;) {
    // The figures are those of the first database that is meant.
    const auto no = static_cast<DatabaseNo>(place);
    if (call.qualifier ? no != *call.qualifier : no == kTempDatabase) continue;
    storage::Database& database = *TRY(session.storage(no));
    total = TRY(database.checkpoint(mode, session.busy_deadline()));
  }
  call.rows.push_back({Value(total.busy ? 1 : 0),
                       Value(static_cast<std::int64_t>(total.log_frames)),
                       Value(static_cast<std::int64_t>(total.checkpointed_frames))});
  return {};
}

Result<void> wal_autocheckpoint(const PragmaCall& call) {
  storage::Database& database = *TRY(call.storage());
  if (!call.asks() && call.session().options.allow_files) {
    database.set_checkpoint_pages(
        static_cast<std::uint32_t>(std::max<std::int64_t>(call.number(), 0)));
  }
  call.add(Value(static_cast<std::int64_t>(database.checkpoint_pages())));
  return {};
}

/// What can be asked for and not changed.
template <std::int64_t Number>
Result<void> always(const PragmaCall& call) {
  call.add(Value(Number));
  return {};
}

// --- the rest ------------------------------------------------------------------------------------

template <bool Quick>
Result<void> integrity(const PragmaCall& call) {
  IntegrityOptions options{Quick};
  if (!call.asks()) {
    const ParsedInteger parsed = parse_integer(call.argument);
    if (!parsed.whole) {
      options.table = call.table();
      if (options.table == nullptr) {
        return Error(Code::error, cat("no such table: ", call.argument));
      }
    } else if (call.number() > 0) {
      options.problems_max = static_cast<std::size_t>(call.number());
    }
  }
  bool sound = true;
  for (std::size_t place = 0; place < call.schemas.size(); ++place) {
    options.database = static_cast<DatabaseNo>(place);
    if (call.qualifier && options.database != *call.qualifier) continue;
    if (options.table != nullptr && options.table->database != options.database) continue;
    for (std::string& problem : TRY(check_integrity(call.runtime, call.schemas, options))) {
      call.add(Value(problem));
      sound = false;
    }
  }
  if (sound) call.add(Value("ok"));
  return {};
}

/// What is kept and answered, and has no other effect: it is for files, memory or plans that are
/// managed otherwise here.
template <std::int64_t Default, bool Flag>
Result<void> remembered(const PragmaCall& call) {
  auto& values = call.session().remembered_pragmas;
  if (!call.asks()) values[call.name] = Flag ? (call.flag() ? 1 : 0) : call.number();
  const auto found = values.find(call.name);
  call.add(Value(found == values.end() ? Default : found->second));
  return {};
}

Result<void> temp_store(const PragmaCall& call) {
  if (call.asks()) return remembered<0, false>(call);
  std::int64_t mode = call.number();
  if (equals_nocase(call.argument, "file")) mode = 1;
  if (equals_nocase(call.argument, "memory")) mode = 2;
  call.session().remembered_pragmas[call.name] = mode >= 1 && mode <= 2 ? mode : 0;
  return {};
}

/// The limit of this session alone. It can only be made lower than what the server gives.
Result<void> hard_heap_limit(const PragmaCall& call) {
  MemoryAccount& memory = call.session().memory;
  const std::int64_t bytes = call.asks() ? 0 : parse_integer(call.argument).value;
  const std::uint64_t given = call.session().options.query_memory;
  if (bytes > 0 && (given == 0 || static_cast<std::uint64_t>(bytes) <= given)) {
    memory.set_limit(static_cast<std::uint64_t>(bytes));
  }
  const bool limited = memory.limit() != MemoryAccount::kNoLimit;
  call.add(Value(limited ? static_cast<std::int64_t>(memory.limit()) : 0));
  return {};
}

Result<void> nothing(const PragmaCall&) { return {}; }

Result<void> collation_list(const PragmaCall& call) {
  std::int64_t place = 0;
  for (const auto kind :
       {Collation::Kind::rtrim, Collation::Kind::nocase, Collation::Kind::binary}) {
    const Collation& collation = Collation::of(kind, TextEncoding::utf8);
    call.rows.push_back({Value(place++), Value(collation.name())});
  }
  return {};
}

/// '-flatten' switches a rule of the planner off, '+flatten' on, '-' and '+' do it with all.
Result<void> optimizer_rules(const PragmaCall& call) {
  RuleSet& rules = call.session().rules;
  if (!call.asks() && !call.argument.empty()) {
    const bool on = call.argument.front() != '-';
    std::string_view name = call.argument;
    if (name.front() == '-' || name.front() == '+') name.remove_prefix(1);
    const std::optional<Rule> rule = find_rule(name);
    if (!name.empty() && !rule) {
      return Error(Code::error, cat("no such optimizer rule: ", name));
    }
    rule ? rules.set(*rule, on) : rules.set_all(on);
    ++call.session().compile_rules;
  }
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    const bool on = rules.has(static_cast<Rule>(i));
    call.rows.push_back({Value(kRules[i].name), Value(on ? 1 : 0), Value(kRules[i].what)});
  }
  return {};
}

Result<void> compile_options(const PragmaCall& call) {
  for (const std::string_view option : sql::compile_options()) call.add(Value(option));
  return {};
}

Result<void> data_version(const PragmaCall& call) {
  call.add(Value(static_cast<std::int64_t>(call.transaction().snapshot()) + 1));
  return {};
}

Result<void> database_list(const PragmaCall& call) {
  const auto& databases = call.session().databases;
  for (std::size_t i = 0; i < databases.size(); ++i) {
    if (databases[i].database == nullptr) continue;
    const storage::Database& database = databases[i].database->storage();
    const bool has_file = database.vfs().name() != "memory";
    call.rows.push_back({Value(static_cast<std::int64_t>(i)), Value(databases[i].name),
                         Value(has_file ? std::string_view(database.path()) : "")});
  }
  return {};
}

/// That of an empty database may be chosen, and is written into it with the first table; later it
/// stays, and what is asked for is not looked at.
Result<void> encoding(const PragmaCall& call) {
  SessionState& session = call.session();
  if (call.asks()) {
    constexpr std::string_view kNames[] = {"UTF-8", "UTF-16le", "UTF-16be"};
    call.add(Value(kNames[static_cast<std::size_t>(session.encoding()) - 1]));
    return {};
  }
  // Temp and the attached databases have that of main.
  const bool alone = session.databases.size() == kTempDatabase + 1U &&
                     session.databases[kTempDatabase].database == nullptr;
  if (!alone || session.encoding_settled || call.database() != kMainDatabase) return {};
  const storage::DatabaseHeader header = TRY(call.transaction().header());
  if (!header.is_empty()) return {};
  constexpr TextEncoding kNative =
      std::endian::native == std::endian::little ? TextEncoding::utf16le : TextEncoding::utf16be;
  constexpr std::pair<std::string_view, TextEncoding> kNames[] = {
      {"UTF8", TextEncoding::utf8},
      {"UTF-8", TextEncoding::utf8},
      {"UTF-16le", TextEncoding::utf16le},
      {"UTF-16be", TextEncoding::utf16be},
      {"UTF16le", TextEncoding::utf16le},
      {"UTF16be", TextEncoding::utf16be},
      {"UTF-16", kNative},
      {"UTF16", kNative}};
  for (const auto& [name, encoding] : kNames) {
    if (!equals_nocase(name, call.argument)) continue;
    session.asked_encoding = encoding;
    session.set_schema(kMainDatabase,
                       TRY(Schema::load(call.transaction(), kMainDatabase, encoding)));
    return {};
  }
  return Error(Code::error, cat("unsupported encoding: ", call.argument));
}

Result<void> locking_mode(const PragmaCall& call) {
  call.add(Value("exclusive"));
  return {};
}

using enum PragmaArgument;
using enum PragmaFunction;

constexpr Pragma kPragmas[] = {
    {"analysis_limit", "analysis_limit", remembered<0, false>, Access::none},
    {"application_id", "application_id", application_id, Access::read, writes},
    {"auto_vacuum", "auto_vacuum", auto_vacuum, Access::read, writes, by_schema},
    {"automatic_index", "automatic_index", remembered<1, true>, Access::none, silent},
    {"busy_timeout", "timeout", busy_timeout, Access::none},
    {"cache_size", "cache_size", cache_size, Access::none, silent, by_schema},
    {"case_sensitive_like", "", session_flag<&SessionState::case_sensitive_like>, Access::none,
     silent, no_function},
    {"cache_spill", "cache_spill", remembered<1, true>, Access::none, silent, by_schema},
    {"cell_size_check", "cell_size_check", remembered<0, true>, Access::none, silent},
    {"checkpoint_fullfsync", "checkpoint_fullfsync", remembered<0, true>, Access::none, silent},
    {"collation_list", "seq name", collation_list, Access::none},
    {"compile_options", "compile_options", compile_options, Access::none},
    {"count_changes", "count_changes", always<0>, Access::none, silent},
    {"data_version", "data_version", data_version},
    {"database_list", "seq name file", database_list, Access::none},
    {"defer_foreign_keys", "defer_foreign_keys", session_flag<&SessionState::defer_foreign_keys>,
     Access::none, silent},
    {"empty_result_callbacks", "empty_result_callbacks", always<0>, Access::none, silent},
    {"encoding", "encoding", encoding, Access::read, silent},
    {"foreign_key_check", "table rowid parent fkid", pragma_foreign_key_check, Access::read,
     answered, by_name_and_schema},
    {"foreign_key_list", "id seq table from to on_update on_delete match", pragma_foreign_key_list,
     Access::read, answered, by_name_and_schema},
    {"foreign_keys", "foreign_keys", foreign_keys, Access::none, silent},
    {"freelist_count", "freelist_count", freelist_count},
    {"full_column_names", "full_column_names", always<0>, Access::none, silent},
    {"fullfsync", "fullfsync", remembered<0, true>, Access::none, silent},
    {"function_list", "name builtin type enc narg flags", pragma_function_list, Access::none},
    {"hard_heap_limit", "hard_heap_limit", hard_heap_limit, Access::none},
    {"ignore_check_constraints", "ignore_check_constraints",
     session_flag<&SessionState::ignore_check_constraints>, Access::none, silent},
    {"incremental_vacuum", "", incremental_vacuum, Access::write, silent, no_function},
    {"index_info", "seqno cid name", pragma_index_info, Access::read, answered, by_name_and_schema},
    {"index_list", "seq name unique origin partial", pragma_index_list, Access::read, answered,
     by_name_and_schema},
    {"index_xinfo", "seqno cid name desc coll key", pragma_index_xinfo, Access::read, answered,
     by_name_and_schema},
    {"integrity_check", "integrity_check", integrity<false>, Access::read, answered,
     by_name_and_schema, true},
    {"journal_mode", "journal_mode", journal_mode, Access::none, answered, by_schema},
    {"journal_size_limit", "journal_size_limit", remembered<-1, false>, Access::none, answered,
     by_schema},
    {"legacy_alter_table", "legacy_alter_table", always<0>, Access::none, silent},
    {"locking_mode", "locking_mode", locking_mode, Access::none, answered, by_schema},
    {"max_page_count", "max_page_count", max_page_count, Access::read, answered, by_schema},
    {"mmap_size", "mmap_size", always<0>, Access::none, answered, no_function},
    {"optimize", "optimize", nothing, Access::none, answered, by_name},
    {"optimizer_rules", "rule enabled what", optimizer_rules, Access::none, answered, no_function},
    {"page_count", "page_count", page_count, Access::read, answered, by_schema},
    {"page_size", "page_size", page_size, Access::none, silent, by_schema},
    {"pragma_list", "name", pragma_list, Access::none},
    {"query_only", "query_only", session_flag<&SessionState::query_only>, Access::none, silent},
    {"quick_check", "quick_check", integrity<true>, Access::read, answered, by_name_and_schema,
     true},
    {"read_uncommitted", "read_uncommitted", remembered<0, true>, Access::none, silent},
    {"recursive_triggers", "recursive_triggers", session_flag<&SessionState::recursive_triggers>,
     Access::none, silent},
    {"reverse_unordered_selects", "reverse_unordered_selects",
     session_flag<&SessionState::reverse_unordered_selects>, Access::none, silent},
    {"schema_version", "schema_version", schema_version, Access::read, writes},
    {"secure_delete", "secure_delete", remembered<0, true>, Access::none},
    {"short_column_names", "short_column_names", always<1>, Access::none, silent},
    {"shrink_memory", "", nothing, Access::none, answered, no_function},
    {"soft_heap_limit", "soft_heap_limit", remembered<0, false>, Access::none},
    {"synchronous", "synchronous", synchronous, Access::none, silent, by_schema},
    {"table_info", "cid name type notnull dflt_value pk", pragma_table_info, Access::read, answered,
     by_name_and_schema},
    {"table_list", "schema name type ncol wr strict", pragma_table_list, Access::read, answered,
     by_name_and_schema},
    {"table_xinfo", "cid name type notnull dflt_value pk hidden", pragma_table_xinfo, Access::read,
     answered, by_name_and_schema},
    {"temp_store", "temp_store", temp_store, Access::none, silent},
    {"threads", "threads", remembered<0, false>, Access::none},
    {"trusted_schema", "trusted_schema", remembered<1, true>, Access::none, silent},
    {"user_version", "user_version", user_version, Access::read, writes},
    {"wal_autocheckpoint", "wal_autocheckpoint", wal_autocheckpoint, Access::none, answered,
     no_function},
    {"wal_checkpoint", "busy log checkpointed", wal_checkpoint, Access::none, answered,
     no_function},
    {"writable_schema", "writable_schema", always<0>, Access::none, silent},
};

}  // namespace

std::span<const Pragma> pragmas() noexcept { return kPragmas; }

std::vector<std::string> pragma_columns(const Pragma& pragma) {
  std::vector<std::string> columns;
  std::string_view names = pragma.columns;
  while (!names.empty()) {
    const std::size_t size = std::min(names.find(' '), names.size());
    columns.emplace_back(names.substr(0, size));
    names.remove_prefix(std::min(size + 1, names.size()));
  }
  return columns;
}

namespace {

Result<void> pragma_list(const PragmaCall& call) {
  for (const Pragma& pragma : kPragmas) call.add(Value(pragma.name));
  return {};
}

class PragmaProgram final : public ImmediateProgram {
 public:
  PragmaProgram(const Pragma* pragma, const Schemas& schemas, std::optional<DatabaseNo> qualifier,
                std::string_view argument)
      : pragma_(pragma), schemas_(schemas), qualifier_(qualifier), argument_(argument) {
    access = Access::none;
    if (pragma == nullptr) return;
    const bool has_argument = ast::present(argument);
    access = pragma->access;
    if (access == Access::write) readonly = false;
    if (has_argument && pragma->argument == writes) {
      access = Access::write;
      readonly = false;
    }
    if (has_argument && pragma->argument != answered) return;
    for (std::string& name : pragma_columns(*pragma)) columns.push_back({std::move(name), ""});
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override {
    if (pragma_ == nullptr) return {};
    TRY(pragma_->run(PragmaCall{runtime, schemas_, pragma_->name, argument_, qualifier_, rows}));
    if (columns.empty()) rows.clear();
    return {};
  }

 private:
  const Pragma* pragma_;
  const Schemas& schemas_;
  const std::optional<DatabaseNo> qualifier_;
  const std::string_view argument_;
};

}  // namespace

bool PragmaCall::flag() const {
  for (const std::string_view on : {"on", "yes", "true"}) {
    if (equals_nocase(argument, on)) return true;
  }
  return number() != 0;
}

std::int64_t PragmaCall::number() const {
  std::string_view digits = argument;
  if (digits.size() > 2 && digits[0] == '0' && ascii_lower(digits[1]) == 'x') {
    std::uint32_t hex = 0;
    std::from_chars(digits.data() + 2, digits.data() + digits.size(), hex, 16);
    return hex;
  }
  const std::int64_t v = parse_integer(digits).value;
  return v >= -2147483648LL && v <= 2147483647LL ? v : 0;
}

DatabaseSet Pragma::concerns(const Schemas& schemas, std::optional<DatabaseNo> qualifier) const {
  DatabaseSet set;
  if (access == Access::none) return set;
  set.add(qualifier.value_or(kMainDatabase));
  for (std::size_t i = 0; i < schemas.size() && everywhere && !qualifier; ++i) {
    set.add(static_cast<DatabaseNo>(i));
  }
  return set;
}

Result<ProgramPtr> compile_pragma(CompileContext& context, const ast::PragmaStmt& stmt) {
  const std::optional<DatabaseNo> database = TRY(context.database(stmt.schema, stmt.at));
  const Pragma* found = nullptr;
  for (const Pragma& pragma : kPragmas) {
    if (equals_nocase(pragma.name, stmt.name)) found = &pragma;
  }
  auto program = std::make_unique<PragmaProgram>(found, context.schemas, database, stmt.value);
  if (found != nullptr) {
    context.runtime.use.reads |= found->concerns(context.schemas, database);
    if (program->access == Access::write) context.writes(database.value_or(kMainDatabase));
  }
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
