#pragma once

#include <cstdint>
#include <string_view>

namespace saturn::server {

/// Whether nothing but blanks, comments and semicolons is in `sql`.
bool is_blank_sql(std::string_view sql) noexcept;

/// What a statement does to a transaction that has timed out.
enum class TransactionEnd : std::uint8_t { none, commit, rollback };
/// Looks at the first words only. `ROLLBACK TO x` ends nothing.
TransactionEnd transaction_end(std::string_view sql) noexcept;

}  // namespace saturn::server
