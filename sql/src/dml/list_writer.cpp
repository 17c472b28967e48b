#include "base/text.hpp"
#include "dml/table_writer.hpp"
#include "exec/listing.hpp"

#include <string_view>

// How what belongs to a change of rows lists itself for EXPLAIN.

namespace saturn::sql {
namespace {

std::string_view name(ast::TriggerTime time) noexcept {
  switch (time) {
    case ast::TriggerTime::before: return "before";
    case ast::TriggerTime::after: return "after";
    case ast::TriggerTime::instead_of: return "instead";
  }
  return {};
}

}  // namespace

void Returning::list(Listing& listing) const { listing.add("returning", bound_.exprs); }

void RowProgram::list(Listing& listing) const {
  const Listing::Part part = listing.part("RowProgram", text_, frame_.database);
  if (!compiled_) return;
  listing.add("condition", condition_);
  for (const ProgramPtr& program : programs_) {
    const Listing::Part statement = listing.part("Statement");
    program->list(listing);
  }
}

void TriggerSet::list(Listing& listing) const {
  for (const Fired& fired : triggers_) {
    const Listing::Part part = listing.part("Trigger", fired.trigger->name);
    listing.add(name(fired.time), *fired.program);
  }
}

void ForeignKeys::list(Listing& listing) const {
  for (const AsChild& child : children_) {
    listing.leaf("parent", "ForeignKey", child.parent.table->name);
  }
  for (const AsParent& parent : parents_) {
    const Listing::Part part = listing.part("ForeignKey", parent.child->name);
    listing.add("count of children", *parent.count_old);
    if (parent.on_delete) listing.add("on delete", *parent.on_delete);
    if (parent.on_update) listing.add("on update", *parent.on_update);
  }
}

void TableWriter::list(Listing& listing) const {
  const Listing::Part part = listing.part("Table", table_.name, table_.database);
  for (const GeneratedColumn& column : generated_) {
    listing.add(cat("value of ", table_.columns[column.column].name), column.expr);
  }
  listing.add("check", checks_);
  for (const auto& writer : indexes_) {
    const Listing::Part index = listing.part("Index", writer->index->name);
    for (std::size_t i = 0; i < writer->exprs.size(); ++i) {
      listing.add(cat("column ", i + 1), writer->exprs[i]);
    }
    listing.add("condition", writer->where);
  }
  for (const TriggerSet* triggers :
       {&insert_triggers_, &update_triggers_, &delete_triggers_, &replace_triggers_}) {
    triggers->list(listing);
  }
  foreign_keys_.list(listing);
}

}  // namespace saturn::sql
