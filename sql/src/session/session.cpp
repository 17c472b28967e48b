#include "base/text.hpp"
#include "session/catalog.hpp"
#include "session/session_impl.hpp"

#include <chrono>
#include <utility>

namespace saturn::sql {

SessionState::SessionState(std::shared_ptr<Database> main) {
  databases.push_back({"main", std::move(main), nullptr, std::nullopt});
  databases.push_back({"temp", nullptr, nullptr, std::nullopt});
  schemas = std::make_shared<const Schemas>(
      std::vector<Schemas::Entry>{{"main", nullptr}, {"temp", Schema::empty_temp()}});
}

io::Clock::time_point SessionState::busy_deadline() const noexcept {
  return io::Clock::now() + std::chrono::milliseconds(options.busy_timeout_ms);
}

Result<storage::Database*> SessionState::storage(DatabaseNo database) {
  std::shared_ptr<Database>& known = databases[database].database;
  if (known == nullptr) known = TRY(Database::open_memory(encoding()));
  return &known->storage();
}

storage::Synchronous to_synchronous(std::uint8_t safety_level) noexcept {
  return safety_level == 0   ? storage::Synchronous::off
         : safety_level == 1 ? storage::Synchronous::normal
                             : storage::Synchronous::full;
}

Result<void> SessionState::commit(DatabaseNo database, storage::Transaction& transaction) const {
  const std::optional<std::uint8_t> level = databases[database].synchronous;
  if (level) transaction.set_synchronous(to_synchronous(*level));
  return transaction.commit();
}

// --- schemas -------------------------------------------------------------------------------------

void SessionState::set_schema(DatabaseNo database, std::shared_ptr<const Schema> schema) {
  if (this->schema(database) == schema) return;
  if (database == kMainDatabase && schema != nullptr) encoding_ = schema->encoding();
  std::vector<Schemas::Entry> entries(schemas->entries().begin(), schemas->entries().end());
  entries[database].schema = std::move(schema);
  schemas = std::make_shared<const Schemas>(std::move(entries));
}

Result<void> SessionState::schema_changed(storage::Transaction& changed, DatabaseNo database) {
  storage::DatabaseHeader header = TRY(changed.header());
  if (header.is_empty() && database == kMainDatabase) {
    // Though the database may be empty again after ROLLBACK.
    asked_encoding = encoding_;
    encoding_settled = true;
  }
  ++header.schema_cookie;
  if (header.schema_format == 0) header.schema_format = storage::DatabaseHeader::kSchemaFormatMax;
  TRY(changed.set_header(header));
  set_schema(database, TRY(Schema::load(changed, database)));
  databases[database].schema_is_private = true;
  return {};
}

Result<void> Session::Impl::refresh_schema(DatabaseNo database, storage::Transaction& transaction) {
  std::uint32_t cookie = 0;
  TextEncoding encoding = TextEncoding::utf8;
  const auto of_empty = database == kMainDatabase ? state.asked_encoding : std::nullopt;
  {
    const storage::PageRef page = TRY(transaction.read(1));
    cookie = load_be32(page.data() + 40);
    encoding = storage::text_encoding_of(load_be32(page.data() + 56));
    const bool is_empty = cookie == 0 && load_be32(page.data() + 44) == 0;
    if (is_empty) encoding = of_empty.value_or(encoding);
  }
  const std::shared_ptr<const Schema>& known = state.schema(database);
  if (known != nullptr && known->cookie() == cookie && known->encoding() == encoding) return {};
  SessionDatabase& of = state.databases[database];
  if (!of.schema_is_private) {
    if (auto shared = of.database->catalog().find(database, cookie, encoding)) {
      state.set_schema(database, std::move(shared));
      return {};
    }
  }
  state.set_schema(database, TRY(Schema::load(transaction, database, of_empty)));
  publish_schema(database);
  return {};
}

Result<void> Session::Impl::refresh_schemas(Transactions& transactions) {
  DatabaseUse all;
  for (std::size_t i = 0; i < state.databases.size(); ++i) {
    // Nobody but this session changes temp.
    const bool known = i == kTempDatabase && state.schema(kTempDatabase) != nullptr;
    if (!known) all.reads.add(static_cast<DatabaseNo>(i));
  }
  TRY(transactions.require(all));
  for (std::size_t i = 0; i < state.databases.size(); ++i) {
    const auto no = static_cast<DatabaseNo>(i);
    if (all.reads.has(no)) TRY(refresh_schema(no, *transactions.find(no)));
  }
  return {};
}

void Session::Impl::publish_schema(DatabaseNo database) {
  SessionDatabase& of = state.databases[database];
  if (of.schema_is_private || state.schema(database) == nullptr) return;
  of.database->catalog().publish(database, state.schema(database));
}

void Session::Impl::forget_private_schema(DatabaseNo database) noexcept {
  SessionDatabase& of = state.databases[database];
  if (of.schema_is_private) state.set_schema(database, nullptr);
  of.schema_is_private = false;
}

void Session::Impl::settle_schema(DatabaseNo database, bool committed) {
  SessionDatabase& of = state.databases[database];
  if (!of.schema_is_private) return;
  if (!committed) return forget_private_schema(database);
  of.schema_is_private = false;
  publish_schema(database);
}

Result<void> Session::Impl::compile_now(Compiled& compiled, Transactions* transactions) {
  CompileContext context{*state.schemas, compiled.runtime, compiled.arena};
  compiled.runtime.transactions = transactions;
  compiled.runtime.use = {};
  compiled.runtime.sizes.clear();
  compiled.runtime.values.clear();
  const std::uint64_t columns_before = columns_made();
  auto program = compile(context, *compiled.parsed.stmt);
  compiled.columns = columns_made() - columns_before;
  compiled.runtime.transactions = nullptr;
  compiled.program = TRY(std::move(program));
  compiled.schemas = state.schemas;
  compiled.compile_rules = state.compile_rules;
  return {};
}

// --- the end of transactions ---------------------------------------------------------------------

Result<void> Session::Impl::check_deferred_keys() const {
  if (state.deferred_violations <= 0) return {};
  return Error(Code::constraint_foreignkey, "FOREIGN KEY constraint failed");
}

void Session::Impl::end_transaction() noexcept {
  state.autocommit = true;
  savepoints.clear();
  savepoint_began = false;
  state.deferred_violations = 0;
  state.defer_foreign_keys = false;
}

Result<void> Session::Impl::commit() {
  Result<void> result;
  for (std::size_t i = 0; i < state.databases.size(); ++i) {
    const auto no = static_cast<DatabaseNo>(i);
    SessionDatabase& of = state.databases[no];
    if (of.transaction == nullptr) continue;
    if (!of.transaction->writable() || !result) {
      of.transaction->rollback();
    } else {
      result = state.commit(no, *of.transaction);
    }
    of.transaction.reset();
    settle_schema(no, static_cast<bool>(result));
  }
  end_transaction();
  return result;
}

void Session::Impl::roll_back(const Statement::Impl* but) noexcept {
  for (Statement::Impl* statement : std::vector(running.begin(), running.end())) {
    if (statement->owns_transactions || statement == but) continue;
    statement->stop();
    statement->aborted = true;
  }
  for (std::size_t i = 0; i < state.databases.size(); ++i) {
    SessionDatabase& of = state.databases[i];
    if (of.transaction) of.transaction->rollback();
    of.transaction.reset();
    forget_private_schema(static_cast<DatabaseNo>(i));
  }
  end_transaction();
}

Result<void> Session::Impl::roll_back_to(std::size_t depth) {
  for (std::size_t i = 0; i < state.databases.size(); ++i) {
    SessionDatabase& of = state.databases[i];
    if (of.transaction == nullptr || !of.transaction->writable()) continue;
    TRY(of.transaction->rollback_to(depth));
    if (of.schema_is_private) state.set_schema(static_cast<DatabaseNo>(i), nullptr);
  }
  return {};
}

void Session::Impl::release(std::size_t depth) noexcept {
  for (SessionDatabase& of : state.databases) {
    if (of.transaction && of.transaction->writable()) of.transaction->release(depth);
  }
}

// --- the statement cache -------------------------------------------------------------------------

/// Takes an entry out, unless it is of another schema: then it goes. (Changes of the schema by
/// other sessions show when the statement runs.)
std::unique_ptr<Compiled> Session::Impl::take_from_cache(CacheIndex::iterator found) {
  const auto place = found->second;
  cache_index.erase(found);
  std::unique_ptr<Compiled> compiled = std::move(*place);
  cache.erase(place);
  const bool good =
      compiled->schemas == state.schemas && compiled->compile_rules == state.compile_rules;
  return good ? std::move(compiled) : nullptr;
}

std::unique_ptr<Compiled> Session::Impl::take_cached(std::string_view text) {
  const auto found = cache_index.find(text);
  return found == cache_index.end() ? nullptr : take_from_cache(found);
}

std::unique_ptr<Compiled> Session::Impl::take_shared(const StatementShape& of) {
  const auto [first, end] = cache_index.equal_range(of.key());
  for (auto it = first; it != end; ++it) {
    const Compiled& compiled = **it->second;
    if (!compiled.literals.accepts(of)) continue;
    auto taken = take_from_cache(it);
    if (taken) taken->literals.bind(of, taken->values);
    return taken;
  }
  return nullptr;
}

void Session::Impl::keep(std::unique_ptr<Compiled> compiled) {
  // A cache of large plans would hold more memory than making them anew is worth.
  constexpr std::size_t kTextBytesMax = 64U << 10;
  constexpr std::uint64_t kColumnsMax = 64;
  constexpr std::uint64_t kKeptBytesMax = 4U << 20;
  if (!compiled->program || compiled->text.size() > kTextBytesMax) return;
  if (compiled->columns > kColumnsMax) return;
  const ast::StmtKind kind = compiled->parsed.stmt->kind;
  if (kind > ast::StmtKind::remove) return;
  // Hash tables that were made for one run, and are kept until the next.
  if (running.empty() && state.memory.used() > kKeptBytesMax) return;
  for (Value& value : compiled->values) value = Value();
  cache.push_front(std::move(compiled));
  cache_index.emplace(cache.front()->cache_key(), cache.begin());
  if (cache.size() <= limits::kStatementCacheEntries) return;
  const auto last = std::prev(cache.end());
  const auto [first, end] = cache_index.equal_range((*last)->cache_key());
  for (auto it = first; it != end; ++it) {
    if (it->second != last) continue;
    cache_index.erase(it);
    break;
  }
  cache.erase(last);
}

void Session::Impl::share(Compiled& compiled) const {
  SharedLiterals literals = share_literals(compiled.parsed, shape, *state.schemas, compiled.arena);
  if (literals.count == 0) return;
  compiled.values.resize(literals.count);
  literals.bind(shape, compiled.values);
  // The plan is made for what they are, where an index has samples.
  for (const Value& value : compiled.values) compiled.runtime.parameters.push_back(value.ref());
  compiled.literals = std::move(literals);
  compiled.shape = shape.key();
}

// --- the session ---------------------------------------------------------------------------------

Session::Session(std::shared_ptr<Database> database, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(std::move(database))) {
  impl_->state.options = options;
  if (options.query_memory != 0) impl_->state.memory.set_limit(options.query_memory);
  impl_->state.owner = impl_.get();
}

Session::~Session() { rollback(); }

Result<void> Session::close() {
  rollback();
  Result<void> closed;
  while (impl_->state.databases.size() > kTempDatabase + 1U) {
    const std::string name = impl_->state.databases.back().name;
    Result<void> detached = impl_->detach(name);
    if (closed && !detached) closed = std::move(detached);
  }
  return closed;
}

namespace {

/// Read transactions for compiling outside of a run; the session's own where it has any.
class PrepareTransactions final : public Transactions {
 public:
  explicit PrepareTransactions(SessionState& state) : state_(state) {}

 private:
  Result<void> open(const DatabaseUse& use) override {
    for (std::size_t i = 0; i < state_.databases.size(); ++i) {
      const auto no = static_cast<DatabaseNo>(i);
      if (!use.reads.has(no) || find(no) != nullptr) continue;
      storage::Transaction* transaction = state_.databases[i].transaction.get();
      if (transaction == nullptr) {
        storage::Database& storage = *TRY(state_.storage(no));
        own_[i] = TRY(storage.begin_read());
        transaction = own_[i].get();
      }
      set(no, transaction, false);
    }
    return {};
  }

  SessionState& state_;
  std::array<std::unique_ptr<storage::Transaction>, limits::kSessionDatabasesMax> own_;
};

}  // namespace

namespace {

/// Whether nothing comes behind the first semicolon; false for some that are one statement too.
bool is_one_statement(std::string_view sql) noexcept {
  const std::size_t end = sql.find(';');
  return end == std::string_view::npos ||
         sql.find_first_not_of(" \t\r\n", end + 1) == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<Statement>> Session::prepare(std::string_view sql, std::size_t* consumed) {
  auto cached = impl_->take_cached(sql);
  StatementShape& shape = impl_->shape;
  const bool shareable = !cached && !is_utf16(impl_->state.encoding()) && impl_->shape.read(sql);
  if (shareable) cached = impl_->take_shared(shape);
  if (cached) {
    if (consumed != nullptr) *consumed = sql.size();
    return std::make_unique<Statement>(
        std::make_unique<Statement::Impl>(*impl_, std::move(cached)));
  }
  auto compiled = std::make_unique<Compiled>(impl_->state);
  if (is_one_statement(sql)) {
    compiled->text = std::string(sql);
  } else {
    // Only the first is copied, and for that its end has to be known.
    Arena scratch;
    const Parsed first = TRY(parse_next(sql, scratch));
    compiled->text = std::string(sql.substr(0, first.consumed));
  }
  compiled->parsed = TRY(parse_next(compiled->text, compiled->arena));
  if (consumed != nullptr) *consumed = compiled->parsed.consumed;
  if (compiled->parsed.stmt == nullptr) return std::unique_ptr<Statement>();
  compiled->text.resize(compiled->parsed.consumed);
  compiled->values.resize(compiled->parsed.parameter_count);
  PrepareTransactions transactions(impl_->state);
  const ast::StmtKind kind = compiled->parsed.stmt->kind;
  // BEGIN and the like need no schema.
  const bool reads = kind < ast::StmtKind::begin || kind > ast::StmtKind::release;
  if (reads) TRY(impl_->refresh_schemas(transactions));
  if (shareable) impl_->share(*compiled);
  TRY(impl_->compile_now(*compiled, &transactions));
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

Result<void> Session::wait_durable() {
  if (!std::exchange(impl_->state.tells_more, false)) return {};
  for (const SessionDatabase& of : impl_->state.databases) {
    Result<void> durable = of.transaction ? of.transaction->wait_durable() : Result<void>();
    if (durable) continue;
    rollback();
    return durable;
  }
  return {};
}

bool Session::autocommit() const noexcept { return impl_->state.autocommit; }
std::int64_t Session::changes() const noexcept { return impl_->state.counters.changes; }
std::int64_t Session::total_changes() const noexcept { return impl_->state.counters.total_changes; }
std::int64_t Session::last_insert_rowid() const noexcept {
  return impl_->state.counters.last_insert_rowid;
}

void Session::rollback() noexcept { impl_->roll_back(); }

void Session::interrupt() noexcept { impl_->state.interrupted.store(true); }
void Session::set_deadline(io::Clock::time_point deadline) noexcept {
  impl_->state.deadline = deadline;
}
bool Session::double_quoted_texts() const noexcept { return impl_->state.double_quoted_texts; }
void Session::set_double_quoted_texts(bool on) noexcept {
  impl_->state.double_quoted_texts = on;
  ++impl_->state.compile_rules;
}

Database& Session::database() noexcept { return *impl_->state.databases[kMainDatabase].database; }

}  // namespace saturn::sql
