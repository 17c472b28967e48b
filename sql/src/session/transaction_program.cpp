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
  const Statement::Impl* other_running(const Session::Impl& session, bool mine) const;

  const ast::Stmt& stmt_;
};

/// The statement of this program (`mine`), or another one in the session's transaction; or null.
const Statement::Impl* TransactionProgram::other_running(const Session::Impl& session,
                                                         bool mine) const {
  for (const Statement::Impl* statement : session.running) {
    const bool is_mine = statement->compiled->program.get() == this;
    if (is_mine == mine && !statement->owns_transactions) return statement;
  }
  return nullptr;
}

Result<void> TransactionProgram::begin(Session::Impl& session) {
  SessionState& state = session.state;
  if (!state.autocommit) {
    return Error(Code::error, "cannot start a transaction within a transaction");
  }
  const ast::BeginMode mode = ast::as<ast::BeginStmt>(stmt_).mode;
  if (mode == ast::BeginMode::immediate || mode == ast::BeginMode::exclusive) {
    for (std::size_t i = 0; i < state.databases.size(); ++i) {
      if (i == kTempDatabase) continue;
      SessionDatabase& of = state.databases[i];
      auto begun = of.database->storage().begin_write(state.busy_deadline());
      if (!begun) {
        session.roll_back(other_running(session, true));
        return std::move(begun).error();
      }
      of.transaction = std::move(*begun);
    }
  }
  session.begin_mode = mode;
  state.autocommit = false;
  return {};
}

Result<void> TransactionProgram::commit(Session::Impl& session) {
  if (session.state.autocommit) {
    return Error(Code::error, "cannot commit - no transaction is active");
  }
  if (other_running(session, false) != nullptr) {
    return Error(Code::busy, "cannot commit transaction - SQL statements in progress");
  }
  TRY(session.check_deferred_keys());
  return session.commit();
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
    return session.roll_back_to(at + 1);
  }
  if (state.autocommit) return Error(Code::error, "cannot rollback - no transaction is active");
  session.roll_back(other_running(session, true));
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
  for (SessionDatabase& of : state.databases) {
    if (of.transaction && of.transaction->writable()) of.transaction->savepoint();
  }
  return {};
}

Result<void> TransactionProgram::release(Session::Impl& session) {
  const std::size_t at = TRY(find(session, ast::as<ast::ReleaseStmt>(stmt_).name));
  if (at == 0 && session.savepoint_began) return commit(session);
  session.savepoints.resize(at);
  session.release(at + 1);
  return {};
}

}  // namespace

Result<ProgramPtr> compile_transaction(CompileContext&, const ast::Stmt& stmt) {
  return ProgramPtr(std::make_unique<TransactionProgram>(stmt));
}

}  // namespace saturn::sql
