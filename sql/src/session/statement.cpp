#include "base/text.hpp"
#include "session/catalog.hpp"
#include "session/session_impl.hpp"

#include <chrono>

namespace saturn::sql {

Statement::Impl::~Impl() { stop(); }

storage::Transaction* Statement::Impl::transaction() noexcept {
  return own ? own.get() : session.state.transaction.get();
}

/// Sees to it that a transaction is open in which the program may run.
Result<void> Statement::Impl::open_transaction() {
  const Access access = compiled->program->access;
  SessionState& state = session.state;
  storage::Database& database = session.database->storage();
  if (access == Access::write && state.query_only) {
    return Error(Code::readonly, "attempt to write a readonly database");
  }
  if (state.autocommit) {
    if (access == Access::write) {
      own = TRY(database.begin_write(state.busy_deadline()));
    } else {
      own = TRY(database.begin_read());
    }
    return {};
  }
  if (access == Access::write && session.begin_mode == ast::BeginMode::readonly) {
    return Error(Code::readonly, "attempt to write a readonly database");
  }
  if (state.transaction == nullptr) {
    if (access == Access::write) {
      state.transaction = TRY(database.begin_write(state.busy_deadline()));
    } else {
      state.transaction = TRY(database.begin_read());
    }
    for (std::size_t i = 0; i < session.savepoints.size() && access == Access::write; ++i) {
      state.transaction->savepoint();
    }
    return {};
  }
  if (access == Access::write && !state.transaction->writable()) {
    TRY(state.transaction->make_writable(state.busy_deadline()));
    for (std::size_t i = 0; i < session.savepoints.size(); ++i) state.transaction->savepoint();
  }
  return {};
}

Result<void> Statement::Impl::begin() {
  Runtime& runtime = compiled->runtime;
  session.state.interrupted.store(false, std::memory_order_relaxed);
  runtime.rows_read = 0;
  runtime.rows_written = 0;
  runtime.affected_rows = 0;
  runtime.on_error = OnError::abort;
  if (compiled->program->access == Access::write) session.state.immediate_violations = 0;
  violations_before = session.state.deferred_violations;
  ++runtime.run;
  runtime.now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  runtime.parameters.resize(compiled->values.size());
  for (std::size_t i = 0; i < compiled->values.size(); ++i) {
    runtime.parameters[i] = compiled->values[i].ref();
  }
  is_running = true;
  aborted = false;
  batch = nullptr;
  row = 0;
  session.running.insert(this);
  if (compiled->program->access == Access::none) return compiled->program->start(runtime);
  TRY(open_transaction());
  TRY(session.refresh_schema(*transaction()));
  if (compiled->schema != session.state.schema ||
      compiled->compile_rules != session.state.compile_rules) {
    TRY(session.compile_now(*compiled, transaction()));
    runtime.parameters.resize(compiled->values.size());
  }
  runtime.transaction = transaction();
  if (compiled->program->access == Access::write && !own) {
    savepoint = session.state.transaction->savepoint();
  }
  return compiled->program->start(runtime);
}

/// After an error: takes back what has to be taken back, and hands the error on.
Error Statement::Impl::fail(Error error) {
  OnError action = compiled->runtime.on_error;
  if (action == OnError::fail && session.state.immediate_violations > 0) {
    // What FAIL would keep breaks a foreign key.
    action = OnError::abort;
    error = Error(Code::constraint_foreignkey, "FOREIGN KEY constraint failed");
  }
  compiled->program->finish(compiled->runtime);
  storage::Transaction* open = transaction();
  const bool keeps = action == OnError::fail;
  if (!keeps) session.state.deferred_violations = violations_before;
  if (own) {
    if (keeps && own->writable()) {
      // FAIL keeps what was done before; if that cannot be committed, that is the graver error.
      Result<void> committed = own->commit();
      if (!committed) error = std::move(committed).error();
      if (session.state.schema_is_private) session.forget_private_schema();
    } else {
      own->rollback();
      session.forget_private_schema();
    }
    own.reset();
  } else if (open != nullptr && savepoint != 0) {
    if (!keeps) {
      Result<void> undone = open->rollback_to(savepoint);
      if (!undone) error = std::move(undone).error();
      if (session.state.schema_is_private) session.state.schema.reset();
    }
    open->release(savepoint);
  }
  savepoint = 0;
  is_running = false;
  batch = nullptr;
  session.running.erase(this);
  compiled->runtime.transaction = nullptr;
  const Code code = primary(error.code());
  const bool ends_transaction = action == OnError::rollback || code == Code::full ||
                                code == Code::ioerr || code == Code::nomem;
  if (ends_transaction && !session.state.autocommit && savepoint == 0) {
    for (Statement::Impl* other : std::vector(session.running.begin(), session.running.end())) {
      if (other->own) continue;
      other->stop();
      other->aborted = true;
    }
    if (session.state.transaction) session.state.transaction->rollback();
    session.state.transaction.reset();
    session.state.autocommit = true;
    session.savepoints.clear();
    session.savepoint_began = false;
    session.end_deferral();
    session.forget_private_schema();
  }
  return error;
}

/// What foreign keys ask for at the end of a statement, and of a transaction of its own.
Result<void> Statement::Impl::check_keys() const {
  if (compiled->program->access != Access::write) return {};
  if (session.state.immediate_violations > 0) {
    return Error(Code::constraint_foreignkey, "FOREIGN KEY constraint failed");
  }
  if (own && own->writable()) return session.check_deferred_keys();
  return {};
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
  runtime.transaction = nullptr;
  if (own) {
    Result<void> committed;
    if (own->writable()) {
      committed = own->commit();
    } else {
      own->rollback();
    }
    own.reset();
    if (state.schema_is_private) {
      if (committed) {
        session.database->catalog().publish(state.schema);
        state.schema_is_private = false;
      } else {
        session.forget_private_schema();
      }
    }
    is_running = false;
    session.running.erase(this);
    TRY(std::move(committed));
    return false;
  }
  if (savepoint != 0) state.transaction->release(savepoint);
  savepoint = 0;
  is_running = false;
  session.running.erase(this);
  return false;
}

Result<bool> Statement::Impl::advance() {
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
    // Rows may be of a commit that is not durable yet.
    if (storage::Transaction* open = transaction()) {
      Result<void> durable = open->wait_durable();
      if (!durable) return fail(std::move(durable).error());
    }
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
  compiled->runtime.transaction = nullptr;
  if (own) {
    own->rollback();
    own.reset();
    session.forget_private_schema();
  } else if (savepoint != 0 && session.state.transaction) {
    static_cast<void>(session.state.transaction->rollback_to(savepoint));
    session.state.transaction->release(savepoint);
    if (session.state.schema_is_private) session.state.schema.reset();
  }
  savepoint = 0;
  is_running = false;
  batch = nullptr;
  session.running.erase(this);
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

std::size_t Statement::parameter_count() const noexcept { return impl_->compiled->values.size(); }

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
  if (number == 0 || number > impl_->compiled->values.size()) {
    return Error(Code::range, "column index out of range");
  }
  impl_->compiled->values[number - 1] = Value(value);
  return {};
}

void Statement::clear_bindings() noexcept {
  for (Value& value : impl_->compiled->values) value = Value();
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
  return batch->columns[index][batch->selection.rows[impl_->row]];
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
