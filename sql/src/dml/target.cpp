#include "dml/target.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "exec/row_store.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

bool is_rowid_name(std::string_view name) noexcept {
  return equals_nocase(name, "rowid") || equals_nocase(name, "_rowid_") ||
         equals_nocase(name, "oid");
}

}  // namespace

Result<std::unique_ptr<Table>> shape_of_view(CompileContext& context, const Table& view) {
  context.views.push_back(&view);
  auto planned = plan_select(context, *view.view);
  context.views.pop_back();
  Query query = TRY(std::move(planned));
  auto shape = std::make_unique<Table>();
  shape->kind = TableKind::view;
  shape->name = view.name;
  shape->database = view.database;
  const std::vector<std::string> names = names_as_table(query, view.view_column_names);
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    TableColumn column;
    column.name = names[i];
    column.type = query.columns[i].decltype_text;
    column.affinity = query.affinities[i];
    column.collation = query.collations[i];
    shape->columns.push_back(std::move(column));
  }
  return shape;
}

ast::Conflict effective_conflict(const CompileContext& context, ast::Conflict own) noexcept {
  if (context.trigger == nullptr) return own;
  return context.trigger->conflict != ast::Conflict::unspecified ? context.trigger->conflict : own;
}

Result<int> target_column(const CompileContext& context, const Table& table, std::string_view name,
                          std::uint32_t position) {
  const int column = table.find_column(name);
  if (column >= 0 && context.names != nullptr) context.names->column_named(&table, column, name);
  if (column >= 0) return column == table.rowid_column ? kRowidTarget : column;
  if (is_rowid_name(name) && !table.without_rowid) return kRowidTarget;
  return at(position, cat("table ", table.name, " has no column named ", name));
}

Result<DmlTarget> find_target(CompileContext& context, const ast::Target& named,
                              ast::TriggerEvent event) {
  DmlTarget target;
  target.table = context.find_table(named.schema, named.name);
  if (target.table == nullptr) {
    return context.no_such_table(named.schema, named.name, named.at);
  }
  context.writes(target.table->database);
  if (context.names != nullptr) context.names->table_named(target.table, named.name);
  const Table& table = *target.table;
  target.owner = &table;
  target.name = ast::present(named.alias) ? named.alias : std::string_view(table.name);
  if (table.kind == TableKind::view) {
    const auto acts = [&](const auto& trigger) {
      return trigger->definition->time == ast::TriggerTime::instead_of &&
             trigger->definition->event == event;
    };
    const auto temp = context.schemas.temp_triggers(table);
    const bool may = std::any_of(table.triggers.begin(), table.triggers.end(), acts) ||
                     std::any_of(temp.begin(), temp.end(), acts);
    if (!may) return at(named.at, cat("cannot modify ", table.name, " because it is a view"));
    target.view = TRY(shape_of_view(context, table));
    target.table = target.view.get();
    target.is_view = true;
  }
  if (table.kind == TableKind::virtual_table) {
    return at(named.at, "virtual tables are not supported yet");
  }
  if (&table == &context.schemas[table.database].own_table()) {
    return at(named.at, cat("table ", table.shown_name(), " may not be modified"));
  }
  return target;
}

void put(const Table& table, int target, ValueRef value, ValueRef* row) noexcept {
  if (target != kRowidTarget) {
    row[target] = value;
    return;
  }
  row[table.columns.size()] = value;
  if (table.rowid_column >= 0) row[table.rowid_column] = value;
}

void show_reals(const Table& view, ValueRef* row) noexcept {
  for (std::size_t c = 0; c < view.columns.size(); ++c) {
    if (view.columns[c].affinity != Affinity::real || !row[c].is_integer()) continue;
    row[c] = ValueRef::real(static_cast<double>(row[c].as_integer()));
  }
}

Result<Query> plan_target_rows(CompileContext& context, const DmlTarget& target,
                               const ast::Target& named, const List<ast::Source*>& from,
                               const ast::Expr* where, std::span<const ast::Expr* const> exprs,
                               const CteEnv* ctes) {
  return plan_table_rows(context, {.table = target.owner,
                                   .name = target.name,
                                   .indexed = named.indexed,
                                   .index = named.index,
                                   .from = &from,
                                   .where = where,
                                   .exprs = exprs,
                                   .ctes = ctes});
}

// --- SET -----------------------------------------------------------------------------------------

Result<std::vector<SetColumn>> resolve_set(CompileContext& context, const Table& table,
                                           const List<ast::Assignment>& assignments) {
  std::size_t named = 0;
  for (const ast::Assignment& assignment : assignments) named += assignment.columns.size();
  if (named > limits::kColumnsMax) return Error(Code::error, "too many columns in set list");
  std::vector<SetColumn> columns;
  const auto add = [&](const ast::Assignment& assignment, std::string_view name,
                       const ast::Expr* value) -> Result<void> {
    auto target = target_column(context, table, name, assignment.at);
    if (!target) return at(assignment.at, cat("no such column: ", name));
    if (*target >= 0 && table.columns[static_cast<std::size_t>(*target)].generated != nullptr) {
      return at(assignment.at, cat("cannot UPDATE generated column \"",
                                   table.columns[static_cast<std::size_t>(*target)].name, "\""));
    }
    columns.push_back({*target, value});
    return {};
  };
  for (const ast::Assignment& assignment : assignments) {
    const auto* row = ast::as_if<ast::Row>(assignment.value);
    const auto* subquery = ast::as_if<ast::Subquery>(assignment.value);
    const std::size_t n = assignment.columns.size();
    if (n == 1 && row == nullptr) {
      TRY(add(assignment, assignment.columns[0], assignment.value));
      continue;
    }
    if (row != nullptr && !assignment.is_row) return at(row->at, "row value misused");
    const std::size_t given = row != nullptr ? row->items.size() : subquery != nullptr ? n : 1;
    if (given != n) {
      return at(assignment.at, cat(n, " columns assigned ", given, " values"));
    }
    for (std::size_t i = 0; i < n; ++i) {
      const ast::Expr* value = row != nullptr ? row->items[i] : nullptr;
      if (value == nullptr) {
        auto* part = context.arena.make<ast::Subquery>(*subquery);
        part->column = static_cast<std::uint32_t>(i);
        part->width = static_cast<std::uint32_t>(n);
        part->assigned = true;
        value = part;
      }
      TRY(add(assignment, assignment.columns[i], value));
    }
  }
  return columns;
}

std::vector<int> set_targets(std::span<const SetColumn> columns) {
  std::vector<int> targets;
  for (const SetColumn& column : columns) targets.push_back(column.target);
  return targets;
}

// --- RETURNING -----------------------------------------------------------------------------------

Result<void> Returning::compile(CompileContext& context, const Table& table,
                                const List<ast::ResultColumn>& columns, const CteEnv* ctes) {
  if (columns.empty()) return {};
  RowScope scope;
  scope.relations.push_back({&table, table.name, 0});
  bound_ = TRY(bind_returning(context, scope, columns, ctes));
  rows_ = std::make_unique<RowStore>(static_cast<std::uint32_t>(bound_.exprs.size()),
                                     context.runtime.session.memory);
  values_.resize(bound_.exprs.size());
  in_.columns.resize(table.columns.size() + 1);
  in_.selection = first_rows(1);
  return {};
}

void Returning::clear() {
  if (rows_) rows_->clear();
  shown_ = 0;
}

Result<void> Returning::add(Runtime& runtime, const ValueRef* row) {
  if (!wanted()) return {};
  arena_.reset();
  for (std::size_t i = 0; i < in_.columns.size(); ++i) {
    in_.columns[i] = const_cast<ValueRef*>(row) + i;
  }
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] = TRY(eval_one(*bound_.exprs[i], runtime, arena_, in_));
  }
  rows_->append(values_);
  return {};
}

const Batch* Returning::next() {
  if (!rows_ || shown_ == rows_->size()) return nullptr;
  while (buffers_.size() < values_.size()) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, rows_->size() - shown_));
  for (std::uint32_t r = 0; r < count; ++r) {
    const ValueRef* row = rows_->row(shown_ + r);
    for (std::size_t c = 0; c < values_.size(); ++c) out_.columns[c][r] = row[c];
  }
  shown_ += count;
  out_.selection = first_rows(count);
  return &out_;
}

}  // namespace saturn::sql
