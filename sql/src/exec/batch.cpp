#include "exec/batch.hpp"

#include <array>

namespace saturn::sql {
namespace {

constexpr std::array<RowIndex, limits::kBatchRows> make_identity() {
  std::array<RowIndex, limits::kBatchRows> rows{};
  for (std::uint32_t i = 0; i < limits::kBatchRows; ++i) rows[i] = static_cast<RowIndex>(i);
  return rows;
}
constexpr auto kIdentity = make_identity();

}  // namespace

Selection first_rows(std::uint32_t count) noexcept { return {kIdentity.data(), count}; }

}  // namespace saturn::sql
