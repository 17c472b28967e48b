#include "exec/access.hpp"

#include "base/text.hpp"

namespace saturn::sql {
namespace {

/// Of the account the rows may use 1/4: what finds those in the file needs room too.
constexpr std::uint64_t kShare = 4;

/// What chains are found by: all bits of a hash count.
std::uint32_t folded(std::size_t hash) noexcept {
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

MaterializedAccess::MaterializedAccess(Runtime& runtime, OperatorPtr input, std::vector<Slot> slots,
                                       std::vector<HashKey> keys, bool keep_within_run,
                                       bool track_matches)
    : runtime_(runtime),
      input_(std::move(input)),
      slots_(std::move(slots)),
      keys_(std::move(keys)),
      keep_within_run_(keep_within_run),
      rows_(static_cast<std::uint32_t>(slots_.size() + keys_.size()), runtime.session, kShare),
      charge_(runtime.session.memory),
      track_matches_(track_matches) {
  if (track_matches_) numbers_.resize(limits::kBatchRows);
  left_.resize(keys_.size());
  right_.resize(keys_.size());
  probe_.resize(keys_.size());
  row_.resize(slots_.size() + keys_.size());
}

Result<void> MaterializedAccess::open() {
  if (!keep_within_run_ || built_run_ != runtime_.run) built_ = false;
  at_ = 0;
  matched_.assign(matched_.size(), 0);
  unmatched_at_ = 0;
  return {};
}

void MaterializedAccess::close() noexcept {
  at_ = 0;
  if (keep_within_run_) return;
  forget();
}

void MaterializedAccess::forget() noexcept {
  built_ = false;
  rows_.clear();
  hashes_.clear();
  heads_.clear();
  next_.clear();
  unlinked_.clear();
  charge_.set(0);
}

Result<void> MaterializedAccess::add_batch(const Batch& batch, ValueArena& arena) {
  EvalContext context{runtime_, arena, batch};
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    ValueRef* column = right_[k].get();
    TRY(keys_[k].right->eval(context, batch.selection, column));
    for (const RowIndex row : batch.selection) {
      column[row] = with_comparison_affinity(column[row], keys_[k].affinity, arena);
    }
  }
  for (const RowIndex row : batch.selection) {
    std::size_t hash = 0;
    bool matches_nothing = false;
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      const ValueRef v = right_[k].get()[row];
      matches_nothing = matches_nothing || (v.is_null() && !keys_[k].null_safe);
      hash = hash * 31 + hash_value(v, *keys_[k].collation);
      row_[slots_.size() + k] = v;
    }
    if (matches_nothing && !track_matches_) continue;
    if (track_matches_) unlinked_.push_back(matches_nothing ? 1 : 0);
    for (std::size_t i = 0; i < slots_.size(); ++i) row_[i] = batch.columns[slots_[i]][row];
    TRY(rows_.append(row_));
    if (!keys_.empty()) hashes_.push_back(folded(hash));
  }
  return {};
}

Result<void> MaterializedAccess::build() {
  forget();
  ValueArena arena;
  TRY(input_->open());
  for (;;) {
    arena.reset();
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) break;
    TRY(runtime_.poll());
    TRY(add_batch(*batch, arena));
  }
  input_->close();
  TRY(rows_.finish());
  if (!keys_.empty()) link();
  if (track_matches_) matched_.assign(rows_.size(), 0);
  built_ = true;
  if (keep_within_run_) runtime_.keep(*this);
  built_run_ = runtime_.run;
  return {};
}

/// Makes the chains of rows with equal hashes.
void MaterializedAccess::link() {
  std::size_t buckets = 16;
  // With rows in a file memory is scarce, and a chain of two costs less than reading them.
  const std::size_t wanted = rows_.in_memory() ? rows_.size() * 2 : rows_.size();
  while (buckets < wanted) buckets *= 2;
  heads_.assign(buckets, 0);
  next_.assign(rows_.size(), 0);
  charge_.set((heads_.size() + next_.size() + hashes_.size()) * sizeof(std::uint32_t));
  // Backwards, so that a chain is in the order of the input.
  for (std::size_t i = rows_.size(); i-- > 0;) {
    if (track_matches_ && unlinked_[i] != 0) continue;
    std::uint32_t& head = heads_[hashes_[i] & (buckets - 1)];
    next_[i] = head;
    head = static_cast<std::uint32_t>(i + 1);
  }
}

Result<void> MaterializedAccess::ensure_built() {
  if (built_) return {};
  Result<void> outcome = build();
  if (!outcome) {
    input_->close();
    forget();
  }
  return outcome;
}

Result<std::uint32_t> MaterializedAccess::fetch_unmatched(const Batch& out, std::uint32_t room) {
  TRY(ensure_built());
  arena_.reset();
  std::uint32_t count = 0;
  for (; unmatched_at_ < rows_.size() && count < room; ++unmatched_at_) {
    if (matched_[unmatched_at_] != 0) continue;
    const ValueRef* row = TRY(reader_.row(unmatched_at_));
    hand_out(unmatched_at_, row, out, count);
    ++count;
  }
  return count;
}

Result<void> MaterializedAccess::bind(EvalContext& left, Selection selection) {
  TRY(ensure_built());
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    ValueRef* column = left_[k].get();
    TRY(keys_[k].left->eval(left, selection, column));
    for (const RowIndex row : selection) {
      column[row] = with_comparison_affinity(column[row], keys_[k].affinity, left.arena);
    }
  }
  return {};
}

Result<void> MaterializedAccess::start(RowIndex left_row) {
  if (keys_.empty()) {
    at_ = rows_.size() > 0 ? 1 : 0;
    return {};
  }
  std::size_t hash = 0;
  at_ = 0;
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    probe_[k] = left_[k].get()[left_row];
    if (probe_[k].is_null() && !keys_[k].null_safe) return {};
    hash = hash * 31 + hash_value(probe_[k], *keys_[k].collation);
  }
  probe_hash_ = folded(hash);
  at_ = heads_[probe_hash_ & (heads_.size() - 1)];
  return {};
}

bool MaterializedAccess::keys_match(const ValueRef* row) const noexcept {
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    if (compare(row[slots_.size() + k], probe_[k], *keys_[k].collation) != 0) return false;
  }
  return true;
}

void MaterializedAccess::hand_out(std::size_t index, const ValueRef* row, const Batch& out,
                                  std::uint32_t at) {
  const bool kept = rows_.keeps(index);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    out.columns[slots_[i]][at] = kept ? row[i] : kept_in(arena_, row[i]);
  }
}

Result<std::uint32_t> MaterializedAccess::fetch(const Batch& out, std::uint32_t at,
                                                std::uint32_t room) {
  std::uint32_t count = 0;
  while (at_ != 0 && count < room) {
    const std::uint32_t index = at_ - 1;
    if (keys_.empty()) {
      at_ = at_ < rows_.size() ? at_ + 1 : 0;
    } else {
      at_ = next_[index];
      if (hashes_[index] != probe_hash_) continue;
    }
    const ValueRef* row = TRY(reader_.row(index));
    if (!keys_match(row)) continue;
    hand_out(index, row, out, at + count);
    if (track_matches_) numbers_[at + count] = index;
    ++count;
  }
  return count;
}

std::string MaterializedAccess::describe() const {
  return keys_.empty() ? "CROSS JOIN"
                       : cat("HASH JOIN (", keys_.size(), keys_.size() == 1 ? " key)" : " keys)");
}

}  // namespace saturn::sql
