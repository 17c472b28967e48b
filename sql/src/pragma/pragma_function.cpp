#include "pragma/pragma.hpp"
#include "value/number.hpp"

// Pragmas as table-valued functions: pragma_table_info('t').

namespace saturn::sql {
namespace {

class PragmaCursor final : public TableCursor {
 public:
  PragmaCursor(const Pragma& pragma, std::size_t width, Runtime& runtime, const Schemas& schemas)
      : pragma_(pragma), width_(width), runtime_(runtime), schemas_(schemas) {}

  Result<void> start(std::span<const std::optional<ValueRef>> arguments) override {
    rows_.clear();
    arguments_.clear();
    at_ = 0;
    texts_.reset();
    std::string_view name;
    std::string_view schema;
    std::size_t place = 0;
    const auto take = [&](std::string_view& text) {
      const std::optional<ValueRef>& given = arguments[place++];
      arguments_.push_back(given ? Value(*given) : Value());
      if (given && !given->is_null()) text = texts_.copy(to_text(*given, texts_));
    };
    if (pragma_.function != PragmaFunction::by_schema && arguments.size() > 0) take(name);
    if (place < arguments.size()) take(schema);
    std::optional<DatabaseNo> database;
    if (ast::present(schema)) {
      database = schemas_.find(schema);
      if (!database) return Error(Code::error, cat("unknown database '", schema, "'"));
    }
    TRY(runtime_.transactions->require({.reads = pragma_.concerns(schemas_, database)}));
    return pragma_.run(PragmaCall{runtime_, schemas_, pragma_.name, name, database, rows_});
  }
  Result<bool> next() override { return at_++ < rows_.size(); }
  Result<ValueRef> column(std::size_t column, ValueArena& arena) override {
    if (column >= width_) return arena.copy(arguments_[column - width_].ref());
    return arena.copy(rows_[at_ - 1][column].ref());
  }
  std::int64_t rowid() const noexcept override { return static_cast<std::int64_t>(at_) - 1; }

 private:
  const Pragma& pragma_;
  const std::size_t width_;
  Runtime& runtime_;
  const Schemas& schemas_;
  std::vector<Row> rows_;
  std::vector<Value> arguments_;
  ValueArena texts_;
  std::size_t at_ = 0;  ///< of the next row
};

class PragmaTable final : public TableFunction {
 public:
  explicit PragmaTable(const Pragma& pragma) : pragma_(pragma) {
    name = cat("pragma_", pragma.name);
    for (std::string& column : pragma_columns(pragma)) columns.push_back({std::move(column), ""});
    switch (pragma.function) {
      case PragmaFunction::by_name: arguments = {{"arg", ""}}; break;
      case PragmaFunction::by_schema: arguments = {{"schema", ""}}; break;
      case PragmaFunction::by_name_and_schema: arguments = {{"arg", ""}, {"schema", ""}}; break;
      default: break;
    }
  }
  std::unique_ptr<TableCursor> make_cursor(Runtime& runtime,
                                           const Schemas& schemas) const override {
    return std::make_unique<PragmaCursor>(pragma_, columns.size(), runtime, schemas);
  }

 private:
  const Pragma& pragma_;
};

}  // namespace

std::span<const std::unique_ptr<const TableFunction>> pragma_functions() noexcept {
  static const std::vector<std::unique_ptr<const TableFunction>> kFunctions = [] {
    std::vector<std::unique_ptr<const TableFunction>> functions;
    for (const Pragma& pragma : pragmas()) {
      if (pragma.function == PragmaFunction::no_function) continue;
      functions.push_back(std::make_unique<PragmaTable>(pragma));
    }
    return functions;
  }();
  return kFunctions;
}

}  // namespace saturn::sql
