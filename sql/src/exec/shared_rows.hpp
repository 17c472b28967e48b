#pragma once

#include "exec/operator.hpp"
#include "exec/row_spool.hpp"

#include <memory>

namespace saturn::sql {

/// The rows of a common table expression that several places read: computed once a run, by whoever
/// comes first, and kept until the next. With a single reader they are not kept at all.
class SharedRows final : private KeptRows {
 public:
  SharedRows(Runtime& runtime, OperatorPtr root, std::uint32_t width)
      : runtime_(runtime), root_(std::move(root)), rows_(width, runtime.session) {}
  void add_reader() noexcept { ++readers_; }
  bool shared() const noexcept { return readers_ > 1; }
  Operator& root() noexcept { return *root_; }
  Result<void> fill();  // SUSPENDS
  RowSpool& rows() noexcept { return rows_; }

 private:
  void forget() noexcept override {
    rows_.clear();
    run_ = 0;
  }

  Runtime& runtime_;
  const OperatorPtr root_;
  RowSpool rows_;
  std::uint32_t readers_ = 0;
  std::uint64_t run_ = 0;
};

/// One reader of shared rows.
class SharedScan final : public Operator {
 public:
  explicit SharedScan(std::shared_ptr<SharedRows> rows)
      : rows_(std::move(rows)), reader_(rows_->rows()) {
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
  RowSpool::Reader reader_;
  ValueArena arena_;  ///< texts and blobs of `out_` that come from a file
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  std::size_t at_ = 0;
};

}  // namespace saturn::sql
