#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace saturn {

/// SQLite's result codes, primary and extended, with SQLite's own numbers
/// (https://www.sqlite.org/rescode.html). A new code needs a caller that reacts to it.
enum class Code : std::int32_t {
  ok = 0,
  error = 1,
  internal = 2,
  perm = 3,
  abort = 4,
  busy = 5,
  locked = 6,
  nomem = 7,
  readonly = 8,
  interrupt = 9,
  ioerr = 10,
  corrupt = 11,
  notfound = 12,
  full = 13,
  cantopen = 14,
  protocol = 15,
  schema = 17,
  toobig = 18,
  constraint = 19,
  mismatch = 20,
  misuse = 21,
  auth = 23,
  range = 25,
  notadb = 26,

  busy_recovery = busy | (1 << 8),
  busy_snapshot = busy | (2 << 8),
  busy_timeout = busy | (3 << 8),
  readonly_recovery = readonly | (1 << 8),
  abort_rollback = abort | (2 << 8),
  ioerr_read = ioerr | (1 << 8),
  ioerr_short_read = ioerr | (2 << 8),
  ioerr_write = ioerr | (3 << 8),
  ioerr_fsync = ioerr | (4 << 8),
  ioerr_dir_fsync = ioerr | (5 << 8),
  ioerr_truncate = ioerr | (6 << 8),
  ioerr_fstat = ioerr | (7 << 8),
  ioerr_delete = ioerr | (10 << 8),
  ioerr_lock = ioerr | (15 << 8),
  corrupt_index = corrupt | (3 << 8),
  constraint_check = constraint | (1 << 8),
  constraint_foreignkey = constraint | (3 << 8),
  constraint_notnull = constraint | (5 << 8),
  constraint_primarykey = constraint | (6 << 8),
  constraint_trigger = constraint | (7 << 8),
  constraint_unique = constraint | (8 << 8),
  constraint_rowid = constraint | (10 << 8),
  constraint_datatype = constraint | (12 << 8),
};

/// The primary code of a possibly extended one (`constraint_unique` -> `constraint`).
constexpr Code primary(Code code) noexcept {
  return static_cast<Code>(static_cast<std::int32_t>(code) & 0xff);
}

/// SQLite's symbolic name of a code, extended where it is one: "SQLITE_CONSTRAINT_UNIQUE".
std::string_view code_name(Code code) noexcept;

/// SQLite's default message for a primary code: "database is locked" for `busy`.
std::string_view code_message(Code code) noexcept;

/// Why an operation failed: SQLite's code, the errno behind it (0 = none), and a text for a person.
///
/// Move-only and one pointer wide, so that a `Result<void>` that succeeded costs a null pointer.
/// `message` is SQLite's own text verbatim where SQLite has one. `position` is a byte offset into
/// the SQL text where one is known, else -1.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message, int sys_errno = 0);
  /// With SQLite's default message for the code.
  explicit Error(Code code);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  Code code() const noexcept { return rep_->code; }
  const std::string& message() const noexcept { return rep_->message; }
  int sys_errno() const noexcept { return rep_->sys_errno; }
  std::int64_t position() const noexcept { return rep_->position; }

  /// The same error at byte `offset` of the SQL text.
  Error at(std::int64_t offset) &&;
  /// A deep copy: an error that many waiters are told of is cloned for each of them.
  Error clone() const;

 private:
  template <typename T>
  friend class Result;
  struct Rep {
    Code code;
    int sys_errno;
    std::int64_t position;
    std::string message;
  };
  explicit Error(std::unique_ptr<Rep> rep) noexcept : rep_(std::move(rep)) {}
  std::unique_ptr<Rep> rep_;
};

/// `Code::corrupt` with the place: "database disk image is malformed (page 7, offset 12: <why>)".
/// `offset` is a byte offset within the page.
Error corrupt_error(std::uint32_t page, std::uint32_t offset, std::string_view why);

}  // namespace saturn
