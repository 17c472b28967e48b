#include "base/text.hpp"
#include "session/catalog.hpp"
#include "session/session_impl.hpp"

#include <chrono>

namespace saturn::sql {

Statement::Impl::~Impl() { stop(); }

/// Sees to it that a transaction of the database is open for this run.
Result<void> Statement::Impl::open_one(DatabaseNo database, bool writes) {
  SessionState& state = session.state;
  const auto refused = [] { return Error(Code::readonly, "attempt to write a readonly database"); };
  if (writes && state.query_only) return refused();
  storage::Database& storage = *TRY(state.storage(database));
  Part& part = parts_[database];
  if (owns_transactions) {
    if (part.own == nullptr && writes) {
      part.own = TRY(storage.begin_write(state.busy_deadline()));
    } else if (part.own == nullptr) {
      part.own = TRY(storage.begin_read());
    } else if (writes && !part.own->writable()) {
      TRY(part.own->make_writable(state.busy_deadline()));
    }
    set(database, part.own.get(), writes);
    return {};
  }
  if (writes && session.begin_mode == ast::BeginMode::readonly && database != kTempDatabase) {
    return refused();
  }
  std::unique_ptr<storage::Transaction>& shared = state.databases[database].transaction;
  const bool was_writable = shared != nullptr && shared->writable();
  if (shared == nullptr && writes) {
    shared = TRY(storage.begin_write(state.busy_deadline()));
  } else if (shared == nullptr) {
    shared = TRY(storage.begin_read());
  } else if (writes && !was_writable) {
    TRY(shared->make_writable(state.busy_deadline()));
  }
  if (writes && !was_writable) {
    for (std::size_t i = 0; i < session.savepoints.size(); ++i) shared->savepoint();
  }
  set(database, shared.get(), writes);
  if (writes && part.savepoint == 0) part.savepoint = shared->savepoint();
  return {};
}

Result<void> Statement::Impl::open(const DatabaseUse& use) {
  for (std::size_t i = 0; i < session.state.databases.size(); ++i) {
    const auto no = static_cast<DatabaseNo>(i);
    const bool writes = use.writes.has(no);
    if (writes || (use.reads.has(no) && find(no) == nullptr)) TRY(open_one(no, writes));
  }
  return {};
}

/// Opens what the program uses, and compiles it anew when a schema is not the one it was compiled
/// for, a table is not as small any more, or parameters choose many more or fewer rows.
Result<void> Statement::Impl::open_and_compile() {
  SessionState& state = session.state;
  for (;;) {
    DatabaseUse use = compiled->runtime.use;
    use.reads.add(kMainDatabase);
    const bool writes = compiled->program->access == Access::write;
    if (!writes) use.writes = {};
    if (writes && use.writes.empty()) use.writes.add(kMainDatabase);
    for (std::size_t i = 0; i < state.databases.size(); ++i) {
      const auto no = static_cast<DatabaseNo>(i);
      if (state.schema(no) == nullptr) use.reads.add(no);
    }
    TRY(require(use));
    for (std::size_t i = 0; i < state.databases.size(); ++i) {
      const auto no = static_cast<DatabaseNo>(i);
      if (storage::Transaction* transaction = find(no)) {
        TRY(session.refresh_schema(no, *transaction));
      }
    }
    if (compiled->schemas == state.schemas && compiled->compile_rules == state.compile_rules) {
      Runtime& runtime = compiled->runtime;
      const bool outgrown = TRY(runtime.sizes.outgrown(*this));
      if (!outgrown && !runtime.values.outdated(runtime.parameters)) return {};
    }
    TRY(session.compile_now(*compiled, this));
  }
}

Result<void> Statement::Impl::begin() {
  Runtime& runtime = compiled->runtime;
  session.state.interrupted.store(false, std::memory_order_relaxed);
  runtime.rows_read = 0;
  runtime.rows_written = 0;
  runtime.affected_rows = 0;
  runtime.on_error = OnError::abort;
  if (compiled->program->access == Access::write) session.state.immediate_violations = 0;
  violations_before_ = session.state.deferred_violations;
  ++runtime.run;
  runtime.now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  is_running = true;
  owns_transactions = session.state.autocommit && compiled->program->access != Access::none;
  aborted = false;
  batch = nullptr;
  row = 0;
  session.running.insert(this);
  runtime.parameters.resize(compiled->values.size());
  for (std::size_t i = 0; i < compiled->values.size(); ++i) {
    runtime.parameters[i] = compiled->values[i].ref();
  }
  if (compiled->program->access != Access::none) TRY(open_and_compile());
  runtime.transactions = this;
  return compiled->program->start(runtime);
}

Result<void> Statement::Impl::keep_changes() {
  Result<void> result;
  for (std::size_t i = 0; i < session.state.databases.size(); ++i) {
    const auto no = static_cast<DatabaseNo>(i);
    Part& part = parts_[i];
    if (part.own) {
      if (part.own->writable() && result) {
        result = session.state.commit(no, *part.own);
      } else {
        part.own->rollback();
      }
      part.own.reset();
      session.settle_schema(no, static_cast<bool>(result));
    } else if (part.savepoint != 0) {
      session.state.databases[i].transaction->release(part.savepoint);
      part.savepoint = 0;
    }
  }
  return result;
}

Result<void> Statement::Impl::undo_changes() noexcept {
  Result<void> result;
  for (std::size_t i = 0; i < session.state.databases.size(); ++i) {
    const auto no = static_cast<DatabaseNo>(i);
    Part& part = parts_[i];
    SessionDatabase& of = session.state.databases[i];
    if (part.own) {
      part.own->rollback();
      part.own.reset();
      session.forget_private_schema(no);
    } else if (part.savepoint != 0 && of.transaction) {
      Result<void> undone = of.transaction->rollback_to(part.savepoint);
      if (!undone) result = std::move(undone);
      of.transaction->release(part.savepoint);
      if (of.schema_is_private) session.state.set_schema(no, nullptr);
    }
    part.savepoint = 0;
  }
  return result;
}

void Statement::Impl::end_run() noexcept {
  forget();
  is_running = false;
  batch = nullptr;
  compiled->runtime.end_run();
  compiled->runtime.transactions = nullptr;
  session.running.erase(this);
}

/// After an error: takes back what has to be taken back, and hands the error on.
Error Statement::Impl::fail(Error error) {
  OnError action = compiled->runtime.on_error;
  if (primary(error.code()) == Code::constraint) {
    // It tells of rows, which may be of commits that are not durable yet.
    Result<void> durable = wait_durable();
    if (!durable) error = std::move(durable).error();
  }
  const bool breaks_key = session.state.immediate_violations > 0 ||
                          (owns_transactions && !session.check_deferred_keys());
  if (action == OnError::fail && breaks_key) {
    // What FAIL would keep breaks a foreign key.
    action = OnError::abort;
    error = Error(Code::constraint_foreignkey, "FOREIGN KEY constraint failed");
  }
  compiled->program->finish(compiled->runtime);
  // FAIL keeps what was done before; if that cannot be committed, that is the graver error.
  const bool keeps = action == OnError::fail;
  if (!keeps) session.state.deferred_violations = violations_before_;
  if (compiled->program->counts_changes) {
    session.state.counters.changes = keeps ? compiled->runtime.affected_rows : 0;
    session.state.counters.total_changes += session.state.counters.changes;
  }
  Result<void> ended = keeps ? keep_changes() : undo_changes();
  if (!ended) error = std::move(ended).error();
  end_run();
  const Code code = primary(error.code());
  const bool ends_transaction = action == OnError::rollback || code == Code::full ||
                                code == Code::ioerr || code == Code::nomem;
  if (ends_transaction && !session.state.autocommit) session.roll_back();
  return error;
}

/// What foreign keys ask for at the end of a statement, and of a transaction of its own.
Result<void> Statement::Impl::check_keys() const {
  if (compiled->program->access != Access::write) return {};
  if (session.state.immediate_violations > 0) {
    return Error(Code::constraint_foreignkey, "FOREIGN KEY constraint failed");
  }
  return owns_transactions ? session.check_deferred_keys() : Result<void>();
}

/// The program has done its work: commits what is the statement's own to commit.
Result<bool> Statement::Impl::finish_run() {
  Program& program = *compiled->program;
  Runtime& runtime = compiled->runtime;
  SessionState& state = session.state;
  if (program.counts_changes) {
    state.counters.changes = runtime.affected_rows;
    state.counters.total_changes += runtime.affected_rows;
  }
  program.finish(runtime);
  Result<void> kept = keep_changes();
  // How many rows there were, or that there were none, is told of commits that may not be durable
  // yet.
  state.tells_more |= !owns_transactions && program.access != Access::none;
  end_run();
  TRY(std::move(kept));
  return false;
}

/// Rows may be of commits that are not durable yet.
Result<void> Statement::Impl::wait_durable() const {
  for (std::size_t i = 0; i < session.state.databases.size(); ++i) {
    if (storage::Transaction* open = find(static_cast<DatabaseNo>(i))) TRY(open->wait_durable());
  }
  return {};
}

Result<bool> Statement::Impl::advance() {
  left_texts.clear();
  if (batch != nullptr && ++row < batch->selection.count) return true;
  auto next = compiled->program->next(compiled->runtime);
  if (!next) return fail(std::move(next).error());
  if (aborted) {
    aborted = false;
    return Error(Code::abort_rollback, "abort due to ROLLBACK");
  }
  batch = *next;
  row = 0;
  if (batch != nullptr) {
    Result<void> durable = wait_durable();
    if (!durable) return fail(std::move(durable).error());
    return true;
  }
  Result<void> held = check_keys();
  if (!held) return fail(std::move(held).error());
  auto finished = finish_run();
  if (!finished) return std::move(finished).error();
  return false;
}

void Statement::Impl::stop() noexcept {
  if (!is_running) return;
  compiled->program->finish(compiled->runtime);
  static_cast<void>(undo_changes());
  end_run();
}

// --- the public face -----------------------------------------------------------------------------

Statement::Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Statement::~Statement() {
  impl_->stop();
  Session::Impl& session = impl_->session;
  session.keep(std::move(impl_->compiled));
}

std::size_t Statement::column_count() const noexcept {
  return impl_->compiled->program->columns.size();
}
std::string_view Statement::column_name(std::size_t index) const noexcept {
  return impl_->compiled->program->columns[index].name;
}
std::string_view Statement::column_decltype(std::size_t index) const noexcept {
  return impl_->compiled->program->columns[index].decltype_text;
}

std::size_t Statement::parameter_count() const noexcept {
  return impl_->compiled->parsed.parameter_count;
}

std::string_view Statement::parameter_name(std::size_t number) const noexcept {
  for (const ast::Variable* variable : impl_->compiled->parsed.named) {
    if (variable->number == number) return variable->name;
  }
  return {};
}

std::size_t Statement::parameter_number(std::string_view name) const noexcept {
  for (const ast::Variable* variable : impl_->compiled->parsed.named) {
    if (variable->name == name) return variable->number;
  }
  return 0;
}

Result<void> Statement::bind(std::size_t number, ValueRef value) {
  if (number == 0 || number > parameter_count()) {
    return Error(Code::range, "column index out of range");
  }
  Value& bound = impl_->compiled->values[number - 1];
  const bool entering = is_utf16(impl_->session.state.encoding()) && value.is_text();
  bound = entering ? Value(entering_text(value.bytes())) : Value(value);
  return {};
}

void Statement::clear_bindings() noexcept {
  for (std::size_t i = 0; i < parameter_count(); ++i) impl_->compiled->values[i] = Value();
}

Result<bool> Statement::step() {
  if (impl_->aborted) {
    impl_->aborted = false;
    return Error(Code::abort_rollback, "abort due to ROLLBACK");
  }
  if (!impl_->is_running) {
    Result<void> begun = impl_->begin();
    if (!begun) return impl_->fail(std::move(begun).error());
  }
  return impl_->advance();
}

ValueRef Statement::column(std::size_t index) const noexcept {
  const Batch* batch = impl_->batch;
  // The statement may have been compiled again since the caller counted the columns.
  if (batch == nullptr || index >= column_count()) return {};
  const ValueRef v = batch->columns[index][batch->selection.rows[impl_->row]];
  if (!is_utf16(impl_->session.state.encoding()) || !v.is_text()) return v;
  if (leaves_unchanged(v.bytes())) return v;
  return ValueRef::text(impl_->left_texts.emplace_back(leaving_text(v.bytes())));
}

void Statement::reset() noexcept {
  impl_->stop();
  impl_->aborted = false;
}

bool Statement::is_readonly() const noexcept { return impl_->compiled->program->readonly; }
bool Statement::is_explain() const noexcept {
  return impl_->compiled->parsed.stmt->explain != ast::Explain::none;
}
std::uint64_t Statement::rows_read() const noexcept { return impl_->compiled->runtime.rows_read; }
std::uint64_t Statement::rows_written() const noexcept {
  return impl_->compiled->runtime.rows_written;
}
std::int64_t Statement::affected_rows() const noexcept {
  return impl_->compiled->runtime.affected_rows;
}

}  // namespace saturn::sql
