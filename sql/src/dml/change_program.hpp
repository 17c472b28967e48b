#pragma once

#include "dml/sequences.hpp"
#include "dml/table_writer.hpp"
#include "dml/target.hpp"
#include "exec/listing.hpp"
#include "exec/operators.hpp"
#include "exec/program.hpp"
#include "exec/row_spool.hpp"

#include <memory>
#include <vector>

namespace saturn::sql {

/// What UPDATE and DELETE have in common: a query for the rows, taken whole before the first of
/// them is changed, and RETURNING.
class ChangeProgram : public Program {
 public:
  explicit ChangeProgram(const CompileContext& context) : outermost_(context.trigger == nullptr) {
    access = Access::write;
    counts_changes = true;
    readonly = false;
  }
  Result<void> start(Runtime& runtime) override {
    done_ = false;
    returning_.clear();
    if (outermost_) forget_sequences(runtime.session);
    return writer_ ? writer_->open() : Result<void>();
  }
  Result<const Batch*> next(Runtime& runtime) override {
    if (!done_) {
      TRY(run(runtime));
      if (outermost_) TRY(write_sequences(runtime));
      done_ = true;
    }
    return returning_.next();
  }
  void finish(Runtime&) noexcept override {
    if (query_.root) query_.root->close();
    if (taken_) taken_->clear();
    if (writer_) writer_->close();
    returning_.clear();
  }
  const Operator* plan() const noexcept override { return query_.root.get(); }
  void list(Listing& listing) const override {
    if (query_.root) listing.add("rows", *query_.root);
    if (writer_) listing.add("target", *writer_);
    instead_.list(listing);
    returning_.list(listing);
  }

 protected:
  /// Takes the rows and changes them. // SUSPENDS
  virtual Result<void> run(Runtime& runtime) = 0;

  /// Fills `taken_` from the query: in the order of the rows' keys if `by_key_`, else as they come.
  /// With `joins` a row may come several times; then the last one counts, and they are in the order
  /// of their keys too, but for a view's. // SUSPENDS
  Result<void> take(Runtime& runtime, bool joins);

  DmlTarget target_;
  std::unique_ptr<TableWriter> writer_;  ///< null for a view
  TriggerSet instead_;                   ///< of a view
  std::size_t key_width_ = 0;            ///< values of `taken_` that identify a row
  Query query_;
  /// Whether SQLite notes the rows' keys, which puts them in order, before it changes the first
  /// one; else it changes each as it finds it.
  bool by_key_ = false;
  std::unique_ptr<RowSpool> taken_;
  Returning returning_;
  ValueArena arena_;  ///< of one row

 private:
  std::vector<SortKey> key_order() const;
  Result<void> take_by_key(Runtime& runtime);

  const bool outermost_;  ///< no statement of a trigger
  bool done_ = false;
};

}  // namespace saturn::sql
