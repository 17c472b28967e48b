#pragma once

#include "exec/operator.hpp"

#include <string>
#include <vector>

namespace saturn::sql {

/// count(*) of a whole table, without looking at its rows: one row with the number of entries that
/// the table's tree has, or one of its indexes', in each of its columns.
class CountOperator final : public Operator {
 public:
  /// `index`: whose entries are counted; null for the table's own tree.
  CountOperator(Runtime& runtime, const Table& table, const Index* index, std::size_t columns);
  Result<void> start() override {
    done_ = false;
    return {};
  }
  Result<const Batch*> produce() override;
  void close() noexcept override {}
  std::string describe() const override;
  std::vector<Operator*> inputs() const override { return {}; }
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  const Table& table_;
  const Index* const index_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  bool done_ = false;
};

}  // namespace saturn::sql
