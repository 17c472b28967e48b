#include "base/error.hpp"

#include "base/text.hpp"

namespace saturn {

Error::Error(Code code, std::string message, int sys_errno)
    : rep_(std::make_unique<Rep>(Rep{code, sys_errno, -1, std::move(message)})) {}

Error::Error(Code code) : Error(code, std::string(code_message(code))) {}

Error Error::at(std::int64_t offset) && {
  rep_->position = offset;
  return std::move(*this);
}

Error Error::clone() const { return Error(std::make_unique<Rep>(*rep_)); }

Error corrupt_error(std::uint32_t page, std::uint32_t offset, std::string_view why) {
  return Error(Code::corrupt, cat("database disk image is malformed (page ", page, ", offset ",
                                  offset, ": ", why, ")"));
}

std::string_view code_name(Code code) noexcept {
  switch (code) {
    case Code::ok: return "SQLITE_OK";
    case Code::error: return "SQLITE_ERROR";
    case Code::internal: return "SQLITE_INTERNAL";
    case Code::perm: return "SQLITE_PERM";
    case Code::abort: return "SQLITE_ABORT";
    case Code::busy: return "SQLITE_BUSY";
    case Code::locked: return "SQLITE_LOCKED";
    case Code::nomem: return "SQLITE_NOMEM";
    case Code::readonly: return "SQLITE_READONLY";
    case Code::interrupt: return "SQLITE_INTERRUPT";
    case Code::ioerr: return "SQLITE_IOERR";
    case Code::corrupt: return "SQLITE_CORRUPT";
    case Code::notfound: return "SQLITE_NOTFOUND";
    case Code::full: return "SQLITE_FULL";
    case Code::cantopen: return "SQLITE_CANTOPEN";
    case Code::protocol: return "SQLITE_PROTOCOL";
    case Code::schema: return "SQLITE_SCHEMA";
    case Code::toobig: return "SQLITE_TOOBIG";
    case Code::constraint: return "SQLITE_CONSTRAINT";
    case Code::mismatch: return "SQLITE_MISMATCH";
    case Code::misuse: return "SQLITE_MISUSE";
    case Code::auth: return "SQLITE_AUTH";
    case Code::range: return "SQLITE_RANGE";
    case Code::notadb: return "SQLITE_NOTADB";
    case Code::busy_recovery: return "SQLITE_BUSY_RECOVERY";
    case Code::busy_snapshot: return "SQLITE_BUSY_SNAPSHOT";
    case Code::busy_timeout: return "SQLITE_BUSY_TIMEOUT";
    case Code::readonly_recovery: return "SQLITE_READONLY_RECOVERY";
    case Code::abort_rollback: return "SQLITE_ABORT_ROLLBACK";
    case Code::ioerr_read: return "SQLITE_IOERR_READ";
    case Code::ioerr_short_read: return "SQLITE_IOERR_SHORT_READ";
    case Code::ioerr_write: return "SQLITE_IOERR_WRITE";
    case Code::ioerr_fsync: return "SQLITE_IOERR_FSYNC";
    case Code::ioerr_dir_fsync: return "SQLITE_IOERR_DIR_FSYNC";
    case Code::ioerr_truncate: return "SQLITE_IOERR_TRUNCATE";
    case Code::ioerr_fstat: return "SQLITE_IOERR_FSTAT";
    case Code::ioerr_delete: return "SQLITE_IOERR_DELETE";
    case Code::ioerr_lock: return "SQLITE_IOERR_LOCK";
    case Code::corrupt_index: return "SQLITE_CORRUPT_INDEX";
    case Code::constraint_check: return "SQLITE_CONSTRAINT_CHECK";
    case Code::constraint_foreignkey: return "SQLITE_CONSTRAINT_FOREIGNKEY";
    case Code::constraint_notnull: return "SQLITE_CONSTRAINT_NOTNULL";
    case Code::constraint_primarykey: return "SQLITE_CONSTRAINT_PRIMARYKEY";
    case Code::constraint_trigger: return "SQLITE_CONSTRAINT_TRIGGER";
    case Code::constraint_unique: return "SQLITE_CONSTRAINT_UNIQUE";
    case Code::constraint_rowid: return "SQLITE_CONSTRAINT_ROWID";
    case Code::constraint_datatype: return "SQLITE_CONSTRAINT_DATATYPE";
  }
  return "SQLITE_ERROR";
}

std::string_view code_message(Code code) noexcept {
  switch (primary(code)) {
    case Code::ok: return "not an error";
    case Code::perm: return "access permission denied";
    case Code::abort: return "query aborted";
    case Code::busy: return "database is locked";
    case Code::locked: return "database table is locked";
    case Code::nomem: return "out of memory";
    case Code::readonly: return "attempt to write a readonly database";
    case Code::interrupt: return "interrupted";
    case Code::ioerr: return "disk I/O error";
    case Code::corrupt: return "database disk image is malformed";
    case Code::notfound: return "unknown operation";
    case Code::full: return "database or disk is full";
    case Code::cantopen: return "unable to open database file";
    case Code::protocol: return "locking protocol";
    case Code::schema: return "database schema has changed";
    case Code::toobig: return "string or blob too big";
    case Code::constraint: return "constraint failed";
    case Code::mismatch: return "datatype mismatch";
    case Code::misuse: return "bad parameter or other API misuse";
    case Code::auth: return "authorization denied";
    case Code::range: return "column index out of range";
    case Code::notadb: return "file is not a database";
    default: return "SQL logic error";
  }
}

}  // namespace saturn
