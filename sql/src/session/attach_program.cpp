#include "base/text.hpp"
#include "io/backends.hpp"
#include "session/session_impl.hpp"
#include "value/arena.hpp"
#include "value/number.hpp"

// ATTACH and DETACH.

namespace saturn::sql {
namespace {

/// What ATTACH means by a file, as an URI of SQLite's or as a plain name.
struct FileName {
  std::string path;
  bool memory = false;
  bool read_only = false;
};

FileName file_name(std::string_view text) {
  FileName name;
  if (!text.starts_with("file:")) {
    name.memory = text.empty() || text == ":memory:";
    name.path = std::string(text);
    return name;
  }
  text.remove_prefix(5);
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    text.remove_prefix(std::min(text.find('/'), text.size()));
  }
  const std::size_t end = std::min(text.find_first_of("?#"), text.size());
  const std::string_view query = text.substr(end);
  name.path = std::string(text.substr(0, end));
  name.memory = name.path.empty() || name.path == ":memory:" ||
                query.find("mode=memory") != std::string_view::npos;
  name.read_only = query.find("mode=ro") != std::string_view::npos;
  return name;
}

class AttachProgram final : public ImmediateProgram {
 public:
  AttachProgram(ExprPtr file, ExprPtr name) : file_(std::move(file)), name_(std::move(name)) {
    access = Access::none;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    ValueArena arena;
    const ValueRef name = TRY(eval_one(*name_, runtime, arena, Batch()));
    const std::string_view name_text = to_text(name, arena);
    if (file_ == nullptr) return runtime.session.owner->detach(name_text);
    const ValueRef file = TRY(eval_one(*file_, runtime, arena, Batch()));
    return runtime.session.owner->attach(to_text(file, arena), name_text);
  }

 private:
  const ExprPtr file_;  ///< null: DETACH
  const ExprPtr name_;
};

/// A bare word is a text here.
Result<ExprPtr> bind_name(CompileContext& context, const ast::Expr& expr) {
  const auto* word = ast::as_if<ast::Column>(&expr);
  if (word == nullptr || ast::present(word->table)) return bind_row_expr(context, {}, expr, false);
  auto* text = context.arena.make<ast::Column>(*word);
  text->double_quoted = true;
  return bind_row_expr(context, {}, *text, false);
}

}  // namespace

Result<void> Session::Impl::attach(std::string_view file, std::string_view name) {
  if (state.databases.size() == limits::kSessionDatabasesMax) {
    return Error(Code::error, cat("too many attached databases - max ", limits::kAttachedMax));
  }
  if (state.schemas->find(name)) {
    return Error(Code::error, cat("database ", name, " is already in use"));
  }
  const FileName wanted = file_name(file);
  std::shared_ptr<Database> database;
  if (wanted.memory) {
    database = TRY(Database::open_memory(state.encoding()));
  } else if (state.options.allow_files) {
    // One file is open once in a process: its locks are.
    for (const SessionDatabase& known : state.databases) {
      if (known.database != nullptr && known.database->storage().vfs().name() != "memory" &&
          known.database->storage().path() == wanted.path) {
        database = known.database;
      }
    }
    if (database == nullptr) {
      DatabaseOptions options;
      options.storage.text_encoding = state.encoding();
      options.storage.read_only = wanted.read_only;
      options.storage.create = !wanted.read_only;
      const storage::Database& main = state.databases[kMainDatabase].database->storage();
      options.storage.synchronous = main.synchronous();
      auto opened = main.vfs().name() == "memory"
                        ? Database::open(io::make_posix_vfs(), wanted.path, options)
                        : Database::open(main.vfs(), wanted.path, options);
      if (!opened && primary(opened.error().code()) == Code::cantopen) {
        return Error(Code::cantopen, cat("unable to open database: ", file));
      }
      database = TRY(std::move(opened));
    }
  } else if (state.options.find_database) {
    database = TRY(state.options.find_database(file));
  } else {
    return Error(Code::auth, "not authorized");
  }
  if (Result<void> fits = match_encoding(*database); !fits) {
    TRY(let_go(std::move(database)));
    return std::move(fits).error();
  }
  state.databases.push_back({std::string(name), std::move(database), nullptr, std::nullopt});
  std::vector<Schemas::Entry> entries(state.schemas->entries().begin(),
                                      state.schemas->entries().end());
  entries.push_back({std::string(name), nullptr});
  state.schemas = std::make_shared<const Schemas>(std::move(entries));
  return {};
}

Result<void> Session::Impl::match_encoding(Database& database) const {
  const std::unique_ptr<storage::Transaction> transaction = TRY(database.storage().begin_read());
  storage::DatabaseHeader header = TRY(transaction->header());
  if (header.text_encoding() == state.encoding()) return {};
  if (header.schema_format != 0) {
    return Error(Code::error,
                 "attached databases must use the same text encoding as main database");
  }
  TRY(transaction->make_writable(state.busy_deadline()));
  header.text_encoding_field = static_cast<std::uint32_t>(state.encoding());
  TRY(transaction->set_header(header));
  return transaction->commit();
}

Result<void> Session::Impl::detach(std::string_view name) {
  const std::optional<DatabaseNo> no = state.schemas->find(name);
  if (!no) return Error(Code::error, cat("no such database: ", name));
  if (*no == kMainDatabase || *no == kTempDatabase) {
    return Error(Code::error, cat("cannot detach database ", name));
  }
  bool in_use = state.databases[*no].transaction != nullptr;
  for (const Statement::Impl* statement : running) {
    in_use = in_use || statement->find(*no) != nullptr;
  }
  if (in_use) return Error(Code::error, cat("database ", name, " is locked"));
  std::shared_ptr<Database> database = std::move(state.databases[*no].database);
  state.databases.erase(state.databases.begin() + *no);
  std::vector<Schemas::Entry> entries(state.schemas->entries().begin(),
                                      state.schemas->entries().end());
  entries.erase(entries.begin() + *no);
  // Those behind it have other numbers now, and so their tables.
  for (std::size_t i = *no; i < entries.size(); ++i) entries[i].schema = nullptr;
  state.schemas = std::make_shared<const Schemas>(std::move(entries));
  return let_go(std::move(database));
}

Result<void> Session::Impl::let_go(std::shared_ptr<Database> database) const {
  const bool last = database.use_count() == 1 && database->storage().vfs().name() != "memory";
  return last && state.options.allow_files ? database->close() : Result<void>();
}

Result<ProgramPtr> compile_attach(CompileContext& context, const ast::AttachStmt& stmt) {
  ExprPtr file = TRY(bind_name(context, *stmt.file));
  ExprPtr name = TRY(bind_name(context, *stmt.schema));
  return ProgramPtr(std::make_unique<AttachProgram>(std::move(file), std::move(name)));
}

Result<ProgramPtr> compile_detach(CompileContext& context, const ast::DetachStmt& stmt) {
  ExprPtr name = TRY(bind_name(context, *stmt.schema));
  return ProgramPtr(std::make_unique<AttachProgram>(nullptr, std::move(name)));
}

}  // namespace saturn::sql
