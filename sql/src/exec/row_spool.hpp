#pragma once

#include "exec/row_store.hpp"
#include "exec/spill_file.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace saturn::sql {

class Operator;
struct Runtime;

/// Rows by number, in the order they were added: the first ones in memory, and from when the
/// session's account is pressed on in a file. Not thread-safe.
class RowSpool {
 public:
  /// Rows go to the file from when 1/`share` of the account is used.
  RowSpool(std::uint32_t width, SessionState& session, std::uint64_t share = 2);

  /// Copies `row`, which has at least `width` values. Fails with `full` and I/O errors. // SUSPENDS
  Result<void> append(std::span<const ValueRef> row);
  /// The last row was added: only now can all of them be read. // SUSPENDS
  Result<void> finish();
  std::size_t size() const noexcept { return rows_.size() + spilled_; }
  std::uint32_t width() const noexcept { return rows_.width(); }
  bool in_memory() const noexcept { return spilled_ == 0; }
  /// Whether row `index` is in memory, where it stays until `clear`.
  bool keeps(std::size_t index) const noexcept { return index < rows_.size(); }
  void clear() noexcept;

  /// Reads rows; cheapest one after the other. The spool must outlive it.
  class Reader {
   public:
    explicit Reader(RowSpool& spool) : spool_(spool) {}
    /// Row `index` (from 0). Where the spool does not keep it, it is good until the next call.
    /// // SUSPENDS
    Result<const ValueRef*> row(std::size_t index) {
      if (spool_.keeps(index)) return spool_.rows_.row(index);
      return read(index - spool_.rows_.size());
    }

   private:
    Result<const ValueRef*> read(std::size_t number);

    RowSpool& spool_;
    std::uint64_t filling_ = 0;  ///< of the spool, that `file_` belongs to
    std::size_t next_ = 0;       ///< the row where `file_` stands
    std::unique_ptr<SpillReader> file_;
    std::vector<ValueRef> row_;
  };

 private:
  SessionState& session_;
  const std::uint64_t share_;
  RowStore rows_;
  std::unique_ptr<SpillFile> file_;
  /// Of each `kBlockRows`th row in the file: what is between is found by reading on.
  std::vector<std::uint64_t> offsets_;
  static constexpr std::size_t kBlockRows = 8;
  std::size_t spilled_ = 0;    ///< rows in the file
  MemoryCharge charge_;        ///< of `offsets_`
  std::uint64_t filling_ = 1;  ///< steps with `clear`
};

/// Runs `input` to its end and appends the first `rows.width()` columns of all its rows. //
/// SUSPENDS
Result<void> take_rows(Runtime& runtime, Operator& input, RowSpool& rows);

/// A copy of the value, its subtype too, with its bytes in `arena`.
ValueRef kept_in(ValueArena& arena, ValueRef value);

}  // namespace saturn::sql
