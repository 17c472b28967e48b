#pragma once

#include "exec/operators.hpp"

#include <memory>
#include <vector>

namespace saturn::sql {

/// The rows that the recursive part of a CTE works on at the moment.
struct QueueRows {
  Batch batch;  ///< borrowed from the RecursiveOperator
};

/// What the recursive part reads: the rows at hand, once.
class QueueScan final : public Operator {
 public:
  explicit QueueScan(std::shared_ptr<QueueRows> rows) : rows_(std::move(rows)) {}
  Result<void> start() override {
    done_ = false;
    return {};
  }
  Result<const Batch*> produce() override;
  void close() noexcept override {}
  std::string describe() const override { return {}; }
  std::vector<Operator*> inputs() const override { return {}; }
  void list(Listing& listing) const override;

 private:
  const std::shared_ptr<QueueRows> rows_;
  bool done_ = false;
};

/// A recursive CTE: rows come out of a queue that the initial part fills; what the recursive parts
/// make of each goes into the queue again. First in, first out, or by `order`. Rows are handed on
/// before they are worked on, so that a LIMIT above ends an endless recursion.
class RecursiveOperator final : public Operator {
 public:
  struct Parts {
    OperatorPtr initial;
    std::vector<OperatorPtr> steps;
    std::shared_ptr<QueueRows> queue;
    std::vector<const Collation*> collations;
    std::vector<SortKey> order;
    bool distinct = false;   ///< UNION: every row once
    bool one_by_one = true;  ///< else many rows at a time, which must not change their order
    std::uint32_t width = 0;
  };
  RecursiveOperator(Runtime& runtime, Parts parts);
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return "RECURSIVE STEP"; }
  std::vector<Operator*> inputs() const override;
  void list(Listing& listing) const override;

 private:
  Result<void> take(Operator& source);
  bool more() const noexcept;
  void take_chunk();

  Runtime& runtime_;
  Parts parts_;
  RowTable seen_;
  RowStore now_;                   ///< rows whose turn it is; all of them where there is an order
  RowStore then_;                  ///< rows that they lead to
  std::vector<std::size_t> heap_;  ///< with an order: row numbers of `now_`
  std::size_t at_ = 0;
  std::vector<ValueRef> row_;
  std::vector<ColumnBuffer> buffers_;
  bool started_ = false;
  bool pending_ = false;  ///< the rows handed on last have not been worked on
};

}  // namespace saturn::sql
