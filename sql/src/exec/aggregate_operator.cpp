#include "exec/operators.hpp"
#include "exec/row_sorter.hpp"
#include "exec/row_spool.hpp"

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

/// Rows that belong to none of the groups in memory: a group's key, and what the input has in
/// `slots`.
struct AggregateOperator::Late {
  Late(Runtime& runtime, std::vector<SortKey> order, std::vector<Slot> filled, std::size_t keys,
       std::size_t columns)
      : slots(std::move(filled)),
        sorter(runtime, std::move(order), static_cast<std::uint32_t>(keys + slots.size())),
        row(sorter.width()),
        key(keys) {
    batch.columns.resize(columns, nullptr);
    for (const Slot slot : slots) {
      buffers.push_back(make_column());
      batch.columns[slot] = buffers.back().get();
    }
  }

  const std::vector<Slot> slots;
  RowSorter sorter;
  std::vector<ValueRef> row;  ///< one that is put off
  std::uint32_t group = 0;    ///< the number of the group whose turn it is
  std::size_t charged = 0;    ///< bytes for the groups in memory
  const ValueRef* next = nullptr;
  std::vector<ValueRef> key;  ///< of the group
  ValueArena key_arena;
  Batch batch;  ///< rows of the group
  std::vector<ColumnBuffer> buffers;
  ValueArena batch_arena;
  ValueArena out_arena;  ///< what a batch of results has
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
  key_values_.resize(parts_.keys.size());
  needs_groups_ = !parts_.bare.empty();
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    plain_.push_back(plain_kind(parts_.calls[i], static_cast<int>(i) == parts_.extreme));
    needs_groups_ = needs_groups_ || plain_.back() == Plain::no;
  }
  sums_.resize(parts_.calls.size());
  for (Slot i = 0; i < parts_.keys.size(); ++i) {
    const bool descending = i < parts_.descending.size() && parts_.descending[i];
    key_order_.push_back({i, descending, descending, parts_.key_collations[i]});
  }
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
  group_count_ = 0;
  for (std::vector<NumberSum>& sums : sums_) sums.clear();
  order_.clear();
  late_.reset();
  charge_.set(0);
}

AggregateOperator::Plain AggregateOperator::plain_kind(const Call& call, bool chooses_bare) {
  const std::string_view name = call.function->name;
  if (call.distinct || !call.order.empty() || call.recode || chooses_bare) return Plain::no;
  if (name == "count") return Plain::count;
  if (name == "sum") return Plain::sum;
  if (name == "total") return Plain::total;
  return name == "avg" ? Plain::average : Plain::no;
}

std::uint32_t AggregateOperator::group_for(RowIndex row) {
  for (std::size_t i = 0; i < parts_.keys.size(); ++i) row_[i] = key_values_[i][row];
  const std::uint32_t group = parts_.keys.empty() ? 0 : keys_.add(row_.data());
  if (group < group_count_) return group;
  ++group_count_;
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    if (plain_[i] != Plain::no) sums_[i].emplace_back();
  }
  charge_.add(parts_.calls.size() * sizeof(NumberSum));
  if (!needs_groups_) return group;
  groups_.push_back(make_group());
  charge_.add(sizeof(Group) + parts_.calls.size() * kStateBytes);
  return group;
}

std::unique_ptr<AggregateOperator::Group> AggregateOperator::make_group() const {
  auto fresh = std::make_unique<Group>();
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    const Call& call = parts_.calls[i];
    fresh->states.push_back(plain_[i] == Plain::no ? call.function->aggregate() : nullptr);
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
  return fresh;
}

namespace {

/// Whether two values are the same in every respect that can count for a group.
bool identical(ValueRef a, ValueRef b) noexcept {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Type::null: return true;
    case Type::integer: return a.as_integer() == b.as_integer();
    case Type::real: return a.as_real() == b.as_real();
    default: return a.bytes() == b.bytes();
  }
}

}  // namespace

/// The group of every row. Equal keys often follow each other: they are not looked up again.
void AggregateOperator::find_groups(const Batch& batch, std::uint32_t* group_of) {
  RowIndex before = 0;
  bool first = true;
  for (const RowIndex row : batch.selection) {
    const bool again =
        !first && std::all_of(key_values_.begin(), key_values_.end(), [&](const ValueRef* column) {
          return identical(column[row], column[before]);
        });
    group_of[row] = again ? group_of[before] : group_for(row);
    before = row;
    first = false;
  }
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

/// The rows of the batch that the call's FILTER lets pass, in `room` where it has one.
Result<Selection> AggregateOperator::counted_rows(Call& call, EvalContext& context,
                                                  RowIndex* room) {
  const Selection all = context.batch.selection;
  if (!call.filter) return all;
  const std::uint32_t passed =
      TRY(filter_rows(*call.filter, context, all, filter_column_.get(), room));
  return Selection{room, passed};
}

Result<void> AggregateOperator::step_plain(std::size_t number, const Batch& batch,
                                           const std::uint32_t* group_of) {
  Call& call = parts_.calls[number];
  EvalContext context{runtime_, arena_, batch};
  RowIndex filtered[limits::kBatchRows];
  const Selection selection = TRY(counted_rows(call, context, filtered));
  NumberSum* const sums = sums_[number].data();
  if (call.arguments.empty()) {
    for (const RowIndex row : selection) sums[group_of[row]].count_row();
    return {};
  }
  const ValueRef* const column =
      TRY(column_of(*call.arguments[0], context, selection, argument_columns_[0]));
  if (plain_[number] == Plain::count) {
    for (const RowIndex row : selection) sums[group_of[row]].count(column[row]);
  } else {
    for (const RowIndex row : selection) sums[group_of[row]].add(column[row]);
  }
  return {};
}

Result<void> AggregateOperator::step_call(std::size_t number, const Batch& batch,
                                          const std::uint32_t* group_of) {
  Call& call = parts_.calls[number];
  EvalContext context{runtime_, arena_, batch};
  RowIndex filtered[limits::kBatchRows];
  const Selection selection = TRY(counted_rows(call, context, filtered));
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
    key_values_[i] = TRY(column_of(*parts_.keys[i], context, batch.selection, key_columns_[i]));
  }
  std::uint32_t group_of[limits::kBatchRows];
  if (!late_) {
    find_groups(batch, group_of);
    return step(batch, group_of);
  }
  RowIndex known[limits::kBatchRows];
  const Selection rows = TRY(put_off(batch, group_of, known));
  return step({batch.columns, rows}, group_of);
}

/// Takes the rows into their groups, which have been found.
Result<void> AggregateOperator::step(const Batch& batch, const std::uint32_t* group_of) {
  EvalContext context{runtime_, arena_, batch};
  for (std::size_t i = 0; i < parts_.bare.size(); ++i) {
    TRY(parts_.bare[i]->eval(context, batch.selection, bare_columns_[i].get()));
  }
  if (parts_.extreme < 0 && !parts_.bare.empty()) {
    for (const RowIndex row : batch.selection) TRY(keep_bare(group_of[row], row));
  }
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    TRY(plain_[i] == Plain::no ? step_call(i, batch, group_of) : step_plain(i, batch, group_of));
  }
  return {};
}

void AggregateOperator::sort_groups() {
  order_.resize(group_count_);
  std::iota(order_.begin(), order_.end(), 0U);
  if (key_order_.empty()) return;
  const auto less = [&](std::uint32_t a, std::uint32_t b) {
    return compare_rows(keys_.row(a), keys_.row(b), key_order_) < 0;
  };
  if (!std::is_sorted(order_.begin(), order_.end(), less)) {
    std::sort(order_.begin(), order_.end(), less);
  }
}

Result<void> AggregateOperator::fill() {
  for (;;) {
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) break;
    TRY(runtime_.poll());
    TRY(add_batch(*batch));
    const bool full = runtime_.session.memory.wants_back(keys_.bytes() + charge_.bytes());
    if (full && !late_ && !parts_.keys.empty() && SpillFile::available(runtime_.session)) {
      begin_late(*batch);
    }
  }
  if (parts_.keys.empty() && group_count_ == 0) {
    group_for(0);
    if (needs_groups_) groups_[0]->bare.resize(parts_.bare.size());
  }
  sort_groups();
  if (late_) {
    TRY(late_->sorter.sort());
    late_->next = TRY(late_->sorter.next());
  }
  filled_ = true;
  return {};
}

// --- groups that memory has no room for ----------------------------------------------------------

/// From now on rows of new groups are put off.
void AggregateOperator::begin_late(const Batch& batch) {
  std::vector<Slot> filled;
  for (Slot i = 0; i < batch.columns.size(); ++i) {
    if (batch.columns[i] != nullptr) filled.push_back(i);
  }
  late_ = std::make_unique<Late>(runtime_, key_order_, std::move(filled), parts_.keys.size(),
                                 batch.columns.size());
  // All late groups in turn are the one behind those that are here.
  late_->group = group_count_;
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    if (plain_[i] != Plain::no) sums_[i].emplace_back();
  }
  if (needs_groups_) groups_.emplace_back();
  late_->charged = charge_.bytes();
}

/// Finds the groups of the rows that have one, which are returned in `room`; the others are sorted.
Result<Selection> AggregateOperator::put_off(const Batch& batch, std::uint32_t* group_of,
                                             RowIndex* room) {
  std::uint32_t count = 0;
  const std::size_t keys = parts_.keys.size();
  std::vector<ValueRef>& late = late_->row;
  for (const RowIndex row : batch.selection) {
    for (std::size_t i = 0; i < keys; ++i) late[i] = key_values_[i][row];
    group_of[row] = keys_.find(late.data());
    if (group_of[row] != RowTable::kNone) {
      room[count++] = row;
      continue;
    }
    for (std::size_t i = 0; i < late_->slots.size(); ++i) {
      late[keys + i] = batch.columns[late_->slots[i]][row];
    }
    TRY(late_->sorter.add(late.data()));
  }
  return Selection{room, count};
}

/// Computes the group that the next late row begins; returns its number.
Result<std::uint32_t> AggregateOperator::take_late_group() {
  Late& late = *late_;
  const std::size_t keys = parts_.keys.size();
  late.key_arena.reset();
  for (std::size_t i = 0; i < keys; ++i) late.key[i] = kept_in(late.key_arena, late.next[i]);
  charge_.set(late.charged);
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    if (plain_[i] != Plain::no) sums_[i][late.group] = NumberSum();
  }
  if (needs_groups_) groups_[late.group] = make_group();
  std::uint32_t group_of[limits::kBatchRows];
  std::fill(std::begin(group_of), std::end(group_of), late.group);
  const auto same_group = [&] {
    return late.next != nullptr && compare_rows(late.next, late.key.data(), key_order_) == 0;
  };
  while (same_group()) {
    TRY(runtime_.poll());
    late.batch_arena.reset();
    arena_.reset();
    std::uint32_t count = 0;
    for (; count < limits::kBatchRows && same_group(); ++count) {
      for (std::size_t i = 0; i < late.slots.size(); ++i) {
        late.batch.columns[late.slots[i]][count] = kept_in(late.batch_arena, late.next[keys + i]);
      }
      late.next = TRY(late.sorter.next());
    }
    late.batch.selection = first_rows(count);
    TRY(step(late.batch, group_of));
  }
  return late.group;
}

/// As `produce`, with late groups where their keys belong.
Result<const Batch*> AggregateOperator::produce_merged() {
  Late& late = *late_;
  late.out_arena.reset();
  arena_.reset();
  std::uint32_t count = 0;
  for (; count < limits::kBatchRows; ++count) {
    const bool in_memory = at_ < order_.size();
    if (!in_memory && late.next == nullptr) break;
    const ValueRef* key = in_memory ? keys_.row(order_[at_]) : nullptr;
    std::uint32_t group = 0;
    if (in_memory && (late.next == nullptr || compare_rows(key, late.next, key_order_) < 0)) {
      group = order_[at_++];
    } else {
      group = TRY(take_late_group());
      key = late.key.data();
    }
    FunctionContext function{arena_, runtime_.session.counters};
    TRY(write_group(group, key, function, count));
    // What a group's state or an arena holds is gone when the next late group comes.
    for (ValueRef* column : out_.columns) column[count] = kept_in(late.out_arena, column[count]);
  }
  if (count == 0) return static_cast<const Batch*>(nullptr);
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

// --- results -------------------------------------------------------------------------------------

Result<ValueRef> AggregateOperator::result_of(std::size_t call, std::uint32_t number,
                                              FunctionContext& function) {
  switch (plain_[call]) {
    case Plain::count: return ValueRef::integer(sums_[call][number].counted());
    case Plain::sum: return sums_[call][number].sum();
    case Plain::total: return sums_[call][number].total();
    case Plain::average: return sums_[call][number].average();
    case Plain::no: break;
  }
  Group& group = *groups_[number];
  function.collation = parts_.calls[call].collation;
  if (group.ordered[call]) TRY(step_ordered(call, group, function));
  return group.states[call]->finalize(function);
}

Result<void> AggregateOperator::write_group(std::uint32_t number, const ValueRef* key,
                                            FunctionContext& function, std::uint32_t row) {
  const std::size_t keys = parts_.keys.size();
  const std::size_t bare = keys + parts_.calls.size();
  for (std::size_t i = 0; i < keys; ++i) out_.columns[i][row] = key[i];
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    out_.columns[keys + i][row] = TRY(result_of(i, number, function));
  }
  for (std::size_t i = 0; i < parts_.bare.size(); ++i) {
    const Group& group = *groups_[number];
    out_.columns[bare + i][row] = group.has_bare ? group.bare[i].ref() : ValueRef();
  }
  return {};
}

Result<const Batch*> AggregateOperator::produce() {
  if (!filled_) TRY(fill());
  if (late_) return produce_merged();
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, order_.size() - at_));
  if (count == 0) return static_cast<const Batch*>(nullptr);
  arena_.reset();
  FunctionContext function{arena_, runtime_.session.counters};
  for (std::uint32_t r = 0; r < count; ++r) {
    const std::uint32_t number = order_[at_ + r];
    TRY(write_group(number, parts_.keys.empty() ? nullptr : keys_.row(number), function, r));
  }
  at_ += count;
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

std::string AggregateOperator::describe() const {
  return parts_.keys.empty() ? "AGGREGATE" : "USE HASH TABLE FOR GROUP BY";
}

}  // namespace saturn::sql
