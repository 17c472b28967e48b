#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "dml/table_writer.hpp"
#include "value/number.hpp"
#include "value/strict.hpp"

// What a row must be before it is written: its columns' affinities, its generated columns, NOT
// NULL, the types of a STRICT table, CHECK.

namespace saturn::sql {
namespace {

std::string_view type_name(ValueRef v) noexcept {
  if (v.is_integer()) return "INT";
  if (v.is_real()) return "REAL";
  return v.is_text() ? "TEXT" : "BLOB";
}

/// What the error calls it: its name, else its text; of a text that begins with something in quotes
/// SQLite shows that alone.
std::string check_name(const CheckConstraint& check) {
  if (!check.name.empty()) return check.name;
  const std::string& text = check.text;
  const char open = text.empty() ? '\0' : text[0];
  if (open != '"' && open != '\'' && open != '`' && open != '[') return text;
  const char close = open == '[' ? ']' : open;
  std::string name;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == close) {
      if (i + 1 >= text.size() || text[i + 1] != close) break;
      ++i;
    }
    name += text[i];
  }
  return name;
}

}  // namespace

/// Affinities, and the generated columns.
Result<void> TableWriter::convert(ValueRef* row) {
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    if (static_cast<int>(i) == table_.rowid_column) continue;
    if (table_.columns[i].generated != nullptr) continue;
    row[i] = apply_affinity(row[i], table_.columns[i].affinity, arena_);
  }
  // What columns are generated from is of the right type.
  if (!generated_.empty()) TRY(check_types(row, false));
  return generate(row);
}

Result<void> TableWriter::generate(ValueRef* row) {
  if (generated_.empty()) return {};
  const Batch& batch = batch_of(row);
  for (const GeneratedColumn& column : generated_) {
    row[column.column] = TRY(column.value(runtime_, arena_, batch));
  }
  return {};
}

/// `replaced`: a default has taken the place of a NULL.
Result<TableWriter::Stopped> TableWriter::check_not_null(ValueRef* row, bool& replaced) {
  Stopped stopped = TRY(check_not_null(row, false, replaced));
  if (stopped || generated_.empty()) return stopped;
  if (replaced) TRY(generate(row));
  return check_not_null(row, true, replaced);
}

/// Of the columns that are generated, or of the others.
Result<TableWriter::Stopped> TableWriter::check_not_null(ValueRef* row, bool generated,
                                                         bool& replaced) {
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const TableColumn& column = table_.columns[i];
    if (!column.not_null || (column.generated != nullptr) != generated) continue;
    if (!row[i].is_null() || static_cast<int>(i) == table_.rowid_column) continue;
    ast::Conflict what = action(column.not_null_conflict);
    if (what == ast::Conflict::replace) {
      if (!defaults_[i].is_null() && !generated) {
        row[i] = defaults_[i];
        replaced = true;
        continue;
      }
      what = ast::Conflict::abort;
    }
    return Stopped(
        TRY(constraint_failed(what, Code::constraint_notnull,
                              cat("NOT NULL constraint failed: ", table_.name, ".", column.name))));
  }
  return Stopped();
}

Result<void> TableWriter::check_types(const ValueRef* row, bool generated) const {
  if (!table_.strict) return {};
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const TableColumn& column = table_.columns[i];
    if ((column.generated != nullptr && !generated) || fits_strict_type(row[i], column.type))
      continue;
    return Error(Code::constraint_datatype,
                 cat("cannot store ", type_name(row[i]), " value in ",
                     strict_type_name(column.type), " column ", table_.name, ".", column.name));
  }
  return {};
}

/// NOT NULL and then the rowid, where they come before everything else (`types_come_late`). Of an
/// upsert only a first clause about the rowid counts here.
Result<TableWriter::Stopped> TableWriter::check_rowid_first(ValueRef* row, const OwnedKey* own,
                                                            const UpsertClause* upsert) {
  bool replaced = false;
  const Stopped stopped = TRY(check_not_null(row, replaced));
  if (stopped) return stopped;
  if (upsert != nullptr) {
    const bool concerned = upsert->front().first == nullptr;
    return check_upsert_keys(row, std::span(*upsert).first(concerned ? 1 : 0));
  }
  const ast::Conflict conflict = action(table_.primary_key_conflict);
  if (conflict == ast::Conflict::replace) return Stopped();
  const auto other = TRY(find_in_way(nullptr, row));
  if (!other || (own != nullptr && same_key(*other, *own))) return Stopped();
  return Stopped(TRY(duplicate(nullptr, conflict)));
}

/// An outcome when the row is not to be written.
Result<TableWriter::Stopped> TableWriter::check_row(ValueRef* row) {
  TRY(convert(row));
  bool replaced = false;
  const Stopped stopped = TRY(check_not_null(row, replaced));
  if (stopped) return stopped;
  TRY(check_types(row, true));
  if (runtime_.session.ignore_check_constraints) return Stopped();
  const ScopedValue<std::string_view> pure(runtime_.pure_in, "a CHECK constraint");
  const Batch& batch = batch_of(row);
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    const ValueRef v = TRY(eval_one(*checks_[i], runtime_, arena_, batch));
    if (v.is_null() || to_boolean(v)) continue;
    ast::Conflict what = action(ast::Conflict::unspecified);
    if (what == ast::Conflict::replace) what = ast::Conflict::abort;
    return Stopped(
        TRY(constraint_failed(what, Code::constraint_check,
                              cat("CHECK constraint failed: ", check_name(table_.checks[i])))));
  }
  return Stopped();
}

}  // namespace saturn::sql
