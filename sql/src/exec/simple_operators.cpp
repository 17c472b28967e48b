#include "exec/operators.hpp"

#include "base/text.hpp"
#include "exec/row_sorter.hpp"
#include "exec/row_spool.hpp"
#include "exec/take_rows.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <limits>

namespace saturn::sql {
namespace {

const Batch* end_of_rows() noexcept { return nullptr; }

}  // namespace

FilterOperator::FilterOperator(Runtime& runtime, OperatorPtr input, ExprPtr condition)
    : runtime_(runtime),
      input_(std::move(input)),
      condition_(std::move(condition)),
      rows_(std::make_unique<RowIndex[]>(limits::kBatchRows)) {}

Result<const Batch*> FilterOperator::produce() {
  for (;;) {
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) return end_of_rows();
    arena_.reset();
    EvalContext context{runtime_, arena_, *batch};
    const std::uint32_t passed =
        TRY(filter_rows(*condition_, context, batch->selection, scratch_.get(), rows_.get()));
    if (passed == 0) continue;
    out_.columns = batch->columns;
    out_.selection = {rows_.get(), passed};
    return static_cast<const Batch*>(&out_);
  }
}

GateOperator::GateOperator(Runtime& runtime, OperatorPtr input, ExprPtr condition)
    : runtime_(runtime), input_(std::move(input)), condition_(std::move(condition)) {}

Result<void> GateOperator::start() {
  state_ = State::unknown;
  return {};
}

Result<const Batch*> GateOperator::produce() {
  if (state_ == State::unknown) {
    static const Batch kNoColumns;
    arena_.reset();
    EvalContext context{runtime_, arena_, kNoColumns};
    ValueRef value;
    RowIndex row = 0;
    const std::uint32_t passed =
        TRY(filter_rows(*condition_, context, first_rows(1), &value, &row));
    state_ = passed == 0 ? State::shut : State::open;
    if (state_ == State::open) TRY(input_->open());
  }
  return state_ == State::open ? input_->next() : Result<const Batch*>(end_of_rows());
}

void GateOperator::close() noexcept {
  if (state_ == State::open) input_->close();
  state_ = State::unknown;
}

RenameOperator::RenameOperator(OperatorPtr input, std::vector<std::pair<Slot, Slot>> moves,
                               Slot slot_count, std::string label)
    : input_(std::move(input)), moves_(std::move(moves)), label_(std::move(label)) {
  out_.columns.assign(slot_count, nullptr);
}

Result<const Batch*> RenameOperator::produce() {
  const Batch* batch = TRY(input_->next());
  if (batch == nullptr) return end_of_rows();
  for (const auto& [from, to] : moves_) out_.columns[to] = batch->columns[from];
  out_.selection = batch->selection;
  return static_cast<const Batch*>(&out_);
}

ProjectOperator::ProjectOperator(Runtime& runtime, OperatorPtr input, std::vector<ExprPtr> exprs)
    : runtime_(runtime), input_(std::move(input)), exprs_(std::move(exprs)) {
  for (const ExprPtr& expr : exprs_) {
    // A plain slot is handed on where it stands.
    buffers_.push_back(input_ && expr->kind == NodeKind::slot ? ColumnBuffer() : make_column());
    out_.columns.push_back(buffers_.back().get());
  }
}

Result<void> ProjectOperator::start() {
  done_ = false;
  return input_ ? input_->open() : Result<void>();
}

Result<void> ProjectOperator::restart() {
  done_ = false;
  return input_ ? input_->reopen() : Result<void>();
}

void ProjectOperator::close() noexcept {
  if (input_) input_->close();
}

Result<const Batch*> ProjectOperator::produce() {
  static const Batch kNoColumns;
  const Batch* batch = &kNoColumns;
  if (input_) {
    batch = TRY(input_->next());
    if (batch == nullptr) return end_of_rows();
    out_.selection = batch->selection;
  } else {
    if (done_) return end_of_rows();
    done_ = true;
    out_.selection = first_rows(1);
  }
  arena_.reset();
  EvalContext context{runtime_, arena_, *batch};
  for (std::size_t i = 0; i < exprs_.size(); ++i) {
    if (!buffers_[i]) {
      out_.columns[i] = batch->columns[static_cast<const SlotNode&>(*exprs_[i]).slot];
    } else {
      TRY(exprs_[i]->eval(context, out_.selection, out_.columns[i]));
    }
  }
  return static_cast<const Batch*>(&out_);
}

std::vector<Operator*> ProjectOperator::inputs() const {
  if (!input_) return {};
  return {input_.get()};
}

ValuesOperator::ValuesOperator(Runtime& runtime, std::vector<std::vector<ExprPtr>> rows)
    : runtime_(runtime), rows_(std::move(rows)) {
  for (std::size_t i = 0; i < rows_.front().size(); ++i) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
}

Result<void> ValuesOperator::start() {
  at_ = 0;
  return {};
}

Result<const Batch*> ValuesOperator::produce() {
  static const Batch kNoColumns;
  if (at_ == rows_.size()) return end_of_rows();
  arena_.reset();
  EvalContext context{runtime_, arena_, kNoColumns};
  std::uint32_t count = 0;
  for (; at_ < rows_.size() && count < limits::kBatchRows; ++at_, ++count) {
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      TRY(rows_[at_][i]->eval(context, first_rows(1), buffers_[i].get() + count));
    }
  }
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

std::string ValuesOperator::describe() const {
  return cat("SCAN ", rows_.size(), "-ROW VALUES CLAUSE");
}

// --- limit ---------------------------------------------------------------------------------------

LimitOperator::LimitOperator(Runtime& runtime, OperatorPtr input, ExprPtr limit, ExprPtr offset)
    : runtime_(runtime),
      input_(std::move(input)),
      limit_(std::move(limit)),
      offset_(std::move(offset)) {}

Result<std::int64_t> LimitOperator::evaluate(ExprNode* expr, std::int64_t none) {
  if (expr == nullptr) return none;
  static const Batch kNoColumns;
  ValueArena arena;
  ValueRef v = TRY(eval_one(*expr, runtime_, arena, kNoColumns));
  v = apply_affinity(v, Affinity::integer, arena);
  const std::int64_t whole = v.is_real() ? real_to_integer(v.as_real()) : 0;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (v.is_real() && v.as_real() == static_cast<double>(whole) && whole < kMax && whole > -kMax) {
    v = ValueRef::integer(whole);
  }
  if (!v.is_integer()) return Error(Code::mismatch, "datatype mismatch");
  return v.as_integer();
}

Result<std::uint64_t> LimitOperator::rows_needed() {
  const std::int64_t limit = TRY(evaluate(limit_.get(), -1));
  const std::int64_t offset = TRY(evaluate(offset_.get(), 0));
  if (limit < 0) return ~std::uint64_t{0};
  return static_cast<std::uint64_t>(limit) +
         static_cast<std::uint64_t>(std::max<std::int64_t>(offset, 0));
}

Result<void> LimitOperator::start() {
  const std::int64_t limit = TRY(evaluate(limit_.get(), -1));
  const std::int64_t offset = TRY(evaluate(offset_.get(), 0));
  left_ = limit < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(limit);
  skip_ = static_cast<std::uint64_t>(std::max<std::int64_t>(offset, 0));
  return input_->open();
}

Result<const Batch*> LimitOperator::produce() {
  for (;;) {
    if (left_ == 0) return end_of_rows();
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) return end_of_rows();
    Selection selection = batch->selection;
    const auto skipped =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(skip_, selection.count));
    skip_ -= skipped;
    selection.rows += skipped;
    selection.count -= skipped;
    if (selection.count == 0) continue;
    selection.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(left_, selection.count));
    left_ -= selection.count;
    out_.columns = batch->columns;
    out_.selection = selection;
    return static_cast<const Batch*>(&out_);
  }
}

// --- UNION ALL -----------------------------------------------------------------------------------

Result<void> AppendOperator::start() {
  at_ = 0;
  part_open_ = false;
  return {};
}

Result<const Batch*> AppendOperator::produce() {
  for (; at_ < parts_.size(); ++at_) {
    if (!part_open_) {
      part_open_ = true;
      TRY(parts_[at_]->open());
    }
    const Batch* batch = TRY(parts_[at_]->next());
    if (batch != nullptr) return batch;
    parts_[at_]->close();
    part_open_ = false;
  }
  return end_of_rows();
}

void AppendOperator::close() noexcept {
  if (part_open_) parts_[at_]->close();
  part_open_ = false;
}

std::vector<Operator*> AppendOperator::inputs() const {
  std::vector<Operator*> inputs;
  for (const OperatorPtr& part : parts_) inputs.push_back(part.get());
  return inputs;
}

// --- sort ----------------------------------------------------------------------------------------

int compare_rows(const ValueRef* a, const ValueRef* b, const std::vector<SortKey>& keys) noexcept {
  for (const SortKey& key : keys) {
    const ValueRef x = a[key.slot];
    const ValueRef y = b[key.slot];
    if (x.is_null() || y.is_null()) {
      if (x.is_null() && y.is_null()) continue;
      return x.is_null() == key.nulls_last ? 1 : -1;
    }
    const int c = compare(x, y, *key.collation);
    if (c != 0) return key.descending ? -c : c;
  }
  return 0;
}

SortOperator::SortOperator(Runtime& runtime, OperatorPtr input, std::vector<SortKey> keys,
                           std::uint32_t width)
    : runtime_(runtime),
      input_(std::move(input)),
      sorter_(std::make_unique<RowSorter>(runtime, std::move(keys), width)) {
  for (std::uint32_t i = 0; i < width; ++i) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
}

SortOperator::~SortOperator() = default;

Result<void> SortOperator::start() {
  filled_ = false;
  sorter_->clear();
  return input_->open();
}

void SortOperator::close() noexcept {
  input_->close();
  sorter_->clear();
}

Result<void> SortOperator::fill() {
  if (limit_) sorter_->keep_first(TRY(limit_()));
  TRY(add_rows(runtime_, *input_, sorter_->width(),
               [&](const ValueRef* row) { return sorter_->add(row); }));
  TRY(sorter_->sort());
  filled_ = true;
  return {};
}

Result<const Batch*> SortOperator::produce() {
  if (!filled_) TRY(fill());
  arena_.reset();
  TRY(runtime_.poll());
  std::uint32_t count = 0;
  for (; count < limits::kBatchRows; ++count) {
    const ValueRef* row = TRY(sorter_->next());
    if (row == nullptr) break;
    for (std::uint32_t i = 0; i < sorter_->width(); ++i) {
      out_.columns[i][count] = sorter_->in_memory() ? row[i] : kept_in(arena_, row[i]);
    }
  }
  if (count == 0) return end_of_rows();
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

}  // namespace saturn::sql
