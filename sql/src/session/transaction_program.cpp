#include "base/text.hpp"
#include "session/catalog.hpp"
#include "session/session_impl.hpp"

// BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE.

namespace saturn::sql {
namespace {

class TransactionProgram final : public ImmediateProgram {
 public:
  explicit TransactionProgram(const ast::Stmt& stmt) : stmt_(stmt) { access = Access::none; }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    Session::Impl& session = *runtime.session.owner;
    switch (stmt_.kind) {
      case ast::StmtKind::begin: return begin(session);
      case ast::StmtKind::commit: return commit(session);
      case ast::StmtKind::rollback: return rollback(session);
      case ast::StmtKind::savepoint: return savepoint(session);
      case ast::StmtKind::release: return release(session);
      default: return Error(Code::internal);
    }
  }

 private:
  Result<void> begin(Session::Impl& session);
  Result<void> commit(Session::Impl& session);
  Result<void> rollback(Session::Impl& session);
  Result<void> savepoint(Session::Impl& session);
  Result<void> release(Session::Impl& session);
  static Result<std::size_t> find(const Session::Impl& session, std::string_view name);
  static void end(Session::Impl& session);
  bool others_run(const Session::Impl& session) const;

  const ast::Stmt& stmt_;
};

/// Whether a statement other than this one is in the session's transaction.
bool TransactionProgram::others_run(const Session::Impl& session) const {
  for (const Statement::Impl* statement : session.running) {
    if (!statement->own && statement->compiled->program.get() != this) return true;
  }
  return false;
}

void TransactionProgram::end(Session::Impl& session) {
  session.state.transaction.reset();
  session.state.autocommit = true;
  session.savepoints.clear();
  session.savepoint_began = false;
  session.end_deferral();
}

Result<void> TransactionProgram::begin(Session::Impl& session) {
  SessionState& state = session.state;
  if (!state.autocommit) {
    return Error(Code::error, "cannot start a transaction within a transaction");
  }
  const ast::BeginMode mode = ast::as<ast::BeginStmt>(stmt_).mode;
  if (mode == ast::BeginMode::immediate || mode == ast::BeginMode::exclusive) {
    state.transaction = TRY(session.database->storage().begin_write(state.busy_deadline()));
  }
  session.begin_mode = mode;
  state.autocommit = false;
  return {};
}

Result<void> TransactionProgram::commit(Session::Impl& session) {
  SessionState& state = session.state;
  if (state.autocommit) return Error(Code::error, "cannot commit - no transaction is active");
  if (others_run(session)) {
    return Error(Code::busy, "cannot commit transaction - SQL statements in progress");
  }
  TRY(session.check_deferred_keys());
  Result<void> committed;
  if (state.transaction) {
    if (state.transaction->writable()) {
      committed = state.transaction->commit();
    } else {
      state.transaction->rollback();
    }
  }
  end(session);
  if (!committed) {
    session.forget_private_schema();
    return committed;
  }
  if (state.schema_is_private && state.schema != nullptr) {
    session.database->catalog().publish(state.schema);
  }
  state.schema_is_private = false;
  return {};
}

Result<std::size_t> TransactionProgram::find(const Session::Impl& session, std::string_view name) {
  for (std::size_t i = session.savepoints.size(); i-- > 0;) {
    if (equals_nocase(session.savepoints[i].name, name)) return i;
  }
  return Error(Code::error, cat("no such savepoint: ", name));
}

Result<void> TransactionProgram::rollback(Session::Impl& session) {
  SessionState& state = session.state;
  const std::string_view name = ast::as<ast::RollbackStmt>(stmt_).savepoint;
  if (ast::present(name)) {
    const std::size_t at = TRY(find(session, name));
    session.savepoints.resize(at + 1);
    state.deferred_violations = session.savepoints.back().violations;
    if (state.transaction && state.transaction->writable()) {
      TRY(state.transaction->rollback_to(at + 1));
      if (state.schema_is_private) state.schema.reset();
    }
    return {};
  }
  if (state.autocommit) return Error(Code::error, "cannot rollback - no transaction is active");
  for (Statement::Impl* statement : std::vector(session.running.begin(), session.running.end())) {
    if (statement->own || statement->compiled->program.get() == this) continue;
    statement->stop();
    statement->aborted = true;
  }
  if (state.transaction) state.transaction->rollback();
  end(session);
  session.forget_private_schema();
  return {};
}

Result<void> TransactionProgram::savepoint(Session::Impl& session) {
  SessionState& state = session.state;
  if (state.autocommit) {
    state.autocommit = false;
    session.savepoint_began = true;
    session.begin_mode = ast::BeginMode::deferred;
  }
  session.savepoints.push_back(
      {std::string(ast::as<ast::SavepointStmt>(stmt_).name), state.deferred_violations});
  if (state.transaction && state.transaction->writable()) state.transaction->savepoint();
  return {};
}

Result<void> TransactionProgram::release(Session::Impl& session) {
  SessionState& state = session.state;
  const std::size_t at = TRY(find(session, ast::as<ast::ReleaseStmt>(stmt_).name));
  if (at == 0 && session.savepoint_began) return commit(session);
  session.savepoints.resize(at);
  if (state.transaction && state.transaction->writable()) state.transaction->release(at + 1);
  return {};
}

}  // namespace

Result<ProgramPtr> compile_transaction(CompileContext&, const ast::Stmt& stmt) {
  return ProgramPtr(std::make_unique<TransactionProgram>(stmt));
}

}  // namespace saturn::sql
