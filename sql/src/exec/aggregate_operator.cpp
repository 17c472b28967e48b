#include "exec/operators.hpp"

#include <algorithm>
#include <numeric>

namespace saturn::sql {

struct AggregateOperator::Group {
  std::vector<std::unique_ptr<Aggregate>> states;
  std::vector<std::unique_ptr<RowTable>> seen;     ///< of the DISTINCT calls; else null
  std::vector<std::unique_ptr<RowStore>> ordered;  ///< rows of calls with an order; else null
  std::vector<Value> bare;
  Value extreme;  ///< of the call that chooses the bare columns
  bool has_bare = false;
};

AggregateOperator::AggregateOperator(Runtime& runtime, OperatorPtr input, Parts parts)
    : runtime_(runtime),
      input_(std::move(input)),
      parts_(std::move(parts)),
      keys_(parts_.key_collations, runtime.session.memory),
      charge_(runtime.session.memory) {
  const std::size_t width = parts_.keys.size() + parts_.calls.size() + parts_.bare.size();
  for (std::size_t i = 0; i < width; ++i) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
  key_columns_.resize(parts_.keys.size());
  bare_columns_.resize(parts_.bare.size());
  std::size_t arguments = 0;
  for (const Call& call : parts_.calls) {
    arguments = std::max(arguments, call.arguments.size() + call.order.size());
  }
  argument_columns_.resize(arguments);
  row_.resize(std::max(parts_.keys.size(), arguments));
}

AggregateOperator::~AggregateOperator() = default;

Result<void> AggregateOperator::start() {
  filled_ = false;
  at_ = 0;
  return input_->open();
}

void AggregateOperator::close() noexcept {
  input_->close();
  keys_.clear();
  groups_.clear();
  order_.clear();
  charge_.set(0);
}

std::uint32_t AggregateOperator::group_for(RowIndex row) {
  for (std::size_t i = 0; i < parts_.keys.size(); ++i) row_[i] = key_columns_[i].get()[row];
  const std::uint32_t group = parts_.keys.empty() ? 0 : keys_.add(row_.data());
  if (group == groups_.size()) {
    auto fresh = std::make_unique<Group>();
    for (const Call& call : parts_.calls) {
      fresh->states.push_back(call.function->aggregate());
      fresh->seen.push_back(
          call.distinct ? std::make_unique<RowTable>(
                              std::vector<const Collation*>(call.arguments.size(), call.collation),
                              runtime_.session.memory)
                        : nullptr);
      fresh->ordered.push_back(
          call.order.empty()
              ? nullptr
              : std::make_unique<RowStore>(
                    static_cast<std::uint32_t>(call.arguments.size() + call.order.size()),
                    runtime_.session.memory));
    }
    groups_.push_back(std::move(fresh));
    charge_.add(sizeof(Group) + parts_.calls.size() * kStateBytes);
  }
  return group;
}

Result<void> AggregateOperator::keep_bare(std::uint32_t group, RowIndex row) {
  Group& g = *groups_[group];
  if (parts_.extreme >= 0) {
    const Call& call = parts_.calls[static_cast<std::size_t>(parts_.extreme)];
    const ValueRef v = argument_columns_[0].get()[row];
    const bool is_max = call.function->name == "max";
    // As long as all values are NULL the last row counts.
    const bool better =
        g.extreme.type() == Type::null ||
        (!v.is_null() && compare(v, g.extreme.ref(), *call.collation) * (is_max ? 1 : -1) > 0);
    if (better) g.extreme = Value(v);
    if (!better && g.has_bare) return {};
  } else if (g.has_bare) {
    return {};
  }
  g.has_bare = true;
  g.bare.clear();
  for (Scratch& column : bare_columns_) g.bare.emplace_back(column.get()[row]);
  return {};
}

ValueRef AggregateOperator::seen_by(const Call& call, ValueRef argument) {
  return recoded(argument, *call.recode, call.collation->encoding, false, arena_);
}

Result<void> AggregateOperator::step_call(std::size_t number, const Batch& batch,
                                          const std::uint32_t* group_of) {
  Call& call = parts_.calls[number];
  EvalContext context{runtime_, arena_, batch};
  Selection selection = batch.selection;
  RowIndex filtered[limits::kBatchRows];
  if (call.filter) {
    const std::uint32_t passed =
        TRY(filter_rows(*call.filter, context, selection, filter_column_.get(), filtered));
    selection = {filtered, passed};
  }
  const std::size_t width = call.arguments.size();
  for (std::size_t i = 0; i < width; ++i) {
    TRY(call.arguments[i]->eval(context, selection, argument_columns_[i].get()));
    if (call.function->subtypes) {
      drop_subtypes(*call.arguments[i], selection, argument_columns_[i].get());
    }
  }
  for (std::size_t i = 0; i < call.order.size(); ++i) {
    TRY(call.order[i]->eval(context, selection, argument_columns_[width + i].get()));
  }
  FunctionContext function{arena_, runtime_.session.counters};
  function.collation = call.collation;
  for (const RowIndex row : selection) {
    const std::size_t values = width + call.order.size();
    for (std::size_t i = 0; i < values; ++i) row_[i] = argument_columns_[i].get()[row];
    Group& group = *groups_[group_of[row]];
    if (call.distinct) {
      bool added = false;
      group.seen[number]->add(row_.data(), &added);
      if (!added) continue;
    }
    if (!call.order.empty()) {
      group.ordered[number]->append(row_);
      continue;
    }
    if (call.recode) row_[0] = seen_by(call, row_[0]);
    TRY(group.states[number]->step(function, {row_.data(), width}));
  }
  charge_.add(function.kept_bytes);
  if (static_cast<int>(number) != parts_.extreme) return {};
  // Until a row passes the filter, the group's first row gives the bare columns.
  std::uint32_t next = 0;
  for (const RowIndex row : batch.selection) {
    if (next < selection.count && selection.rows[next] == row) {
      ++next;
      TRY(keep_bare(group_of[row], row));
      continue;
    }
    Group& group = *groups_[group_of[row]];
    if (group.has_bare) continue;
    group.has_bare = true;
    for (Scratch& column : bare_columns_) group.bare.emplace_back(column.get()[row]);
  }
  return {};
}

/// Takes the rows of a call that has an order, which is known when all have come.
Result<void> AggregateOperator::step_ordered(std::size_t number, Group& group,
                                             FunctionContext& function) {
  const Call& call = parts_.calls[number];
  const RowStore& rows = *group.ordered[number];
  std::vector<const ValueRef*> order;
  for (std::size_t i = 0; i < rows.size(); ++i) order.push_back(rows.row(i));
  std::stable_sort(order.begin(), order.end(), [&](const ValueRef* a, const ValueRef* b) {
    return compare_rows(a, b, call.order_keys) < 0;
  });
  for (const ValueRef* row : order) {
    const ValueRef only = call.recode ? seen_by(call, row[0]) : ValueRef();
    TRY(group.states[number]->step(function, {call.recode ? &only : row, call.arguments.size()}));
  }
  charge_.add(std::exchange(function.kept_bytes, 0));
  return runtime_.session.memory.check();
}

Result<void> AggregateOperator::add_batch(const Batch& batch) {
  arena_.reset();
  EvalContext context{runtime_, arena_, batch};
  for (std::size_t i = 0; i < parts_.keys.size(); ++i) {
    TRY(parts_.keys[i]->eval(context, batch.selection, key_columns_[i].get()));
  }
  std::uint32_t group_of[limits::kBatchRows];
  for (const RowIndex row : batch.selection) group_of[row] = group_for(row);
  for (std::size_t i = 0; i < parts_.bare.size(); ++i) {
    TRY(parts_.bare[i]->eval(context, batch.selection, bare_columns_[i].get()));
  }
  if (parts_.extreme < 0 && !parts_.bare.empty()) {
    for (const RowIndex row : batch.selection) TRY(keep_bare(group_of[row], row));
  }
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) TRY(step_call(i, batch, group_of));
  return {};
}

void AggregateOperator::sort_groups() {
  order_.resize(groups_.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::vector<SortKey> keys;
  for (Slot i = 0; i < parts_.keys.size(); ++i) {
    const bool descending = i < parts_.descending.size() && parts_.descending[i];
    keys.push_back({i, descending, descending, parts_.key_collations[i]});
  }
  if (keys.empty()) return;
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return compare_rows(keys_.row(a), keys_.row(b), keys) < 0;
  });
}

Result<void> AggregateOperator::fill() {
  for (;;) {
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) break;
    TRY(runtime_.poll());
    TRY(add_batch(*batch));
  }
  if (parts_.keys.empty() && groups_.empty()) {
    group_for(0);
    Group& group = *groups_[0];
    group.bare.resize(parts_.bare.size());
  }
  sort_groups();
  filled_ = true;
  return {};
}

Result<const Batch*> AggregateOperator::produce() {
  if (!filled_) TRY(fill());
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, order_.size() - at_));
  if (count == 0) return static_cast<const Batch*>(nullptr);
  arena_.reset();
  FunctionContext function{arena_, runtime_.session.counters};
  const std::size_t keys = parts_.keys.size();
  for (std::uint32_t r = 0; r < count; ++r) {
    const std::uint32_t number = order_[at_ + r];
    Group& group = *groups_[number];
    for (std::size_t i = 0; i < keys; ++i) out_.columns[i][r] = keys_.row(number)[i];
    for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
      function.collation = parts_.calls[i].collation;
      if (group.ordered[i]) TRY(step_ordered(i, group, function));
      out_.columns[keys + i][r] = TRY(group.states[i]->finalize(function));
    }
    for (std::size_t i = 0; i < parts_.bare.size(); ++i) {
      out_.columns[keys + parts_.calls.size() + i][r] =
          group.has_bare ? group.bare[i].ref() : ValueRef();
    }
  }
  at_ += count;
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

std::string AggregateOperator::describe() const {
  return parts_.keys.empty() ? "AGGREGATE" : "USE HASH TABLE FOR GROUP BY";
}

}  // namespace saturn::sql
