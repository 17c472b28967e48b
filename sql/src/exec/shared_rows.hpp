#pragma once

#include "exec/operator.hpp"
#include "exec/row_store.hpp"

#include <memory>

namespace saturn::sql {

/// The rows of a common table expression that several places read: computed once a run, by whoever
/// comes first, and kept until the next. With a single reader they are not kept at all.
class SharedRows {
 public:
  SharedRows(Runtime& runtime, OperatorPtr root, std::uint32_t width)
      : runtime_(runtime), root_(std::move(root)), rows_(width, runtime.session.memory) {}
  void add_reader() noexcept { ++readers_; }
  bool shared() const noexcept { return readers_ > 1; }
  Operator& root() noexcept { return *root_; }
  Result<void> fill();  // SUSPENDS
  const RowStore& rows() const noexcept { return rows_; }

 private:
  Runtime& runtime_;
  const OperatorPtr root_;
  RowStore rows_;
  std::uint32_t readers_ = 0;
  std::uint64_t run_ = 0;
};

/// One reader of shared rows.
class SharedScan final : public Operator {
 public:
  explicit SharedScan(std::shared_ptr<SharedRows> rows) : rows_(std::move(rows)) {
    rows_->add_reader();
  }
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override {
    if (!rows_->shared()) rows_->root().close();
  }
  std::string describe() const override { return {}; }
  std::vector<Operator*> inputs() const override { return {&rows_->root()}; }
  void list(Listing& listing) const override;

 private:
  const std::shared_ptr<SharedRows> rows_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  std::size_t at_ = 0;
};

}  // namespace saturn::sql
