#include "base/text.hpp"
#include "session/catalog.hpp"
#include "session/session_impl.hpp"

#include <chrono>

namespace saturn::sql {

io::Clock::time_point SessionState::busy_deadline() const noexcept {
  return io::Clock::now() + std::chrono::milliseconds(options.busy_timeout_ms);
}

Result<void> SessionState::schema_changed(storage::Transaction& changed) {
  storage::DatabaseHeader header = TRY(changed.header());
  ++header.schema_cookie;
  if (header.schema_format == 0) header.schema_format = storage::DatabaseHeader::kSchemaFormatMax;
  TRY(changed.set_header(header));
  schema = TRY(Schema::load(changed));
  schema_is_private = true;
  return {};
}

// --- the schema ----------------------------------------------------------------------------------

Result<void> Session::Impl::refresh_schema(storage::Transaction& transaction) {
  std::uint32_t cookie = 0;
  {
    const storage::PageRef page = TRY(transaction.read(1));
    cookie = load_be32(page.data() + 40);
  }
  if (state.schema != nullptr && state.schema->cookie() == cookie) return {};
  if (!state.schema_is_private) {
    state.schema = database->catalog().find(cookie);
    if (state.schema != nullptr) return {};
  }
  state.schema = TRY(Schema::load(transaction));
  if (!state.schema_is_private) database->catalog().publish(state.schema);
  return {};
}

void Session::Impl::forget_private_schema() noexcept {
  if (state.schema_is_private) state.schema.reset();
  state.schema_is_private = false;
}

Result<void> Session::Impl::check_deferred_keys() const {
  if (state.deferred_violations <= 0) return {};
  return Error(Code::constraint_foreignkey, "FOREIGN KEY constraint failed");
}

void Session::Impl::end_deferral() noexcept {
  state.deferred_violations = 0;
  state.defer_foreign_keys = false;
}

Result<void> Session::Impl::schema_for_prepare(std::unique_ptr<storage::Transaction>& own) {
  storage::Transaction* transaction = state.transaction.get();
  if (transaction == nullptr) {
    own = TRY(database->storage().begin_read());
    transaction = own.get();
  }
  return refresh_schema(*transaction);
}

Result<void> Session::Impl::compile_now(Compiled& compiled, storage::Transaction* source) {
  CompileContext context{*state.schema, compiled.runtime, compiled.arena,
                         compiled.parsed.parameter_count, source};
  compiled.runtime.transaction = source;
  const std::uint64_t columns_before = columns_made();
  auto program = compile(context, *compiled.parsed.stmt);
  compiled.columns = columns_made() - columns_before;
  compiled.runtime.transaction = nullptr;
  compiled.program = TRY(std::move(program));
  compiled.schema = state.schema;
  compiled.compile_rules = state.compile_rules;
  compiled.schema_was_private = state.schema_is_private;
  return {};
}

// --- the statement cache -------------------------------------------------------------------------

std::unique_ptr<Compiled> Session::Impl::take_cached(std::string_view text) {
  const auto found = cache_index.find(text);
  if (found == cache_index.end()) return nullptr;
  const auto place = found->second;
  cache_index.erase(found);
  std::unique_ptr<Compiled> compiled = std::move(*place);
  cache.erase(place);
  return compiled;
}

void Session::Impl::keep(std::unique_ptr<Compiled> compiled) {
  // A cache of large plans would hold more memory than making them anew is worth.
  constexpr std::size_t kTextBytesMax = 64U << 10;
  constexpr std::uint64_t kColumnsMax = 64;
  if (!compiled->program || compiled->text.size() > kTextBytesMax) return;
  if (compiled->columns > kColumnsMax) return;
  const ast::StmtKind kind = compiled->parsed.stmt->kind;
  if (kind > ast::StmtKind::remove) return;
  for (Value& value : compiled->values) value = Value();
  cache.push_front(std::move(compiled));
  cache_index.emplace(cache.front()->text, cache.begin());
  if (cache.size() <= limits::kStatementCacheEntries) return;
  const auto last = std::prev(cache.end());
  const auto [first, end] = cache_index.equal_range((*last)->text);
  for (auto it = first; it != end; ++it) {
    if (it->second != last) continue;
    cache_index.erase(it);
    break;
  }
  cache.erase(last);
}

// --- the session ---------------------------------------------------------------------------------

Session::Session(std::shared_ptr<Database> database, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(std::move(database))) {
  impl_->state.options = options;
  impl_->state.owner = impl_.get();
}

Session::~Session() { rollback(); }

Result<std::unique_ptr<Statement>> Session::prepare(std::string_view sql, std::size_t* consumed) {
  auto cached = impl_->take_cached(sql);
  // Of another schema the columns may be others too. Changes by other sessions show when it runs.
  if (cached && cached->schema != impl_->state.schema) cached.reset();
  if (cached && cached->compile_rules != impl_->state.compile_rules) cached.reset();
  if (cached) {
    if (consumed != nullptr) *consumed = sql.size();
    return std::make_unique<Statement>(
        std::make_unique<Statement::Impl>(*impl_, std::move(cached)));
  }
  auto compiled = std::make_unique<Compiled>(impl_->state);
  std::size_t taken = 0;
  {
    Arena scratch;
    const Parsed first = TRY(parse_next(sql, scratch));
    taken = first.consumed;
    if (consumed != nullptr) *consumed = taken;
    if (first.stmt == nullptr) return std::unique_ptr<Statement>();
    compiled->text = std::string(sql.substr(0, taken));
  }
  compiled->parsed = TRY(parse_next(compiled->text, compiled->arena));
  compiled->values.resize(compiled->parsed.parameter_count);
  std::unique_ptr<storage::Transaction> own;
  if (compiled->parsed.stmt->kind < ast::StmtKind::begin ||
      compiled->parsed.stmt->kind > ast::StmtKind::release) {
    TRY(impl_->schema_for_prepare(own));
  } else {
    static const auto kNoSchema = std::make_shared<const Schema>();
    if (impl_->state.schema == nullptr) {
      CompileContext context{*kNoSchema, compiled->runtime, compiled->arena, 0, nullptr};
      compiled->program = TRY(compile(context, *compiled->parsed.stmt));
      return std::make_unique<Statement>(
          std::make_unique<Statement::Impl>(*impl_, std::move(compiled)));
    }
  }
  TRY(impl_->compile_now(*compiled, own ? own.get() : impl_->state.transaction.get()));
  return std::make_unique<Statement>(
      std::make_unique<Statement::Impl>(*impl_, std::move(compiled)));
}

Result<void> Session::execute(std::string_view sql) {
  while (!sql.empty()) {
    std::size_t consumed = 0;
    std::unique_ptr<Statement> statement = TRY(prepare(sql, &consumed));
    if (!statement) return {};
    bool more = true;
    while (more) more = TRY(statement->step());
    sql.remove_prefix(consumed);
  }
  return {};
}

bool Session::autocommit() const noexcept { return impl_->state.autocommit; }
std::int64_t Session::changes() const noexcept { return impl_->state.counters.changes; }
std::int64_t Session::total_changes() const noexcept { return impl_->state.counters.total_changes; }
std::int64_t Session::last_insert_rowid() const noexcept {
  return impl_->state.counters.last_insert_rowid;
}

void Session::rollback() noexcept {
  for (Statement::Impl* statement : std::vector(impl_->running.begin(), impl_->running.end())) {
    if (statement->own) continue;
    statement->stop();
    statement->aborted = true;
  }
  if (impl_->state.transaction) impl_->state.transaction->rollback();
  impl_->state.transaction.reset();
  impl_->state.autocommit = true;
  impl_->savepoints.clear();
  impl_->savepoint_began = false;
  impl_->end_deferral();
  impl_->forget_private_schema();
}

void Session::interrupt() noexcept { impl_->state.interrupted.store(true); }
void Session::set_deadline(io::Clock::time_point deadline) noexcept {
  impl_->state.deadline = deadline;
}
Database& Session::database() noexcept { return *impl_->database; }

}  // namespace saturn::sql
