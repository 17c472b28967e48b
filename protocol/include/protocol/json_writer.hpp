#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "protocol/messages.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace saturn::protocol {

/// Appends JSON to a buffer of the caller, which outlives the writer; no tree is built.
///
/// Commas are put in by the writer; that containers are closed in order, and that members have
/// keys, is up to the caller. The buffer may be handed off and cleared between any two calls, as
/// long as no `Mark` older than that is used. One thread at a time; nothing suspends.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) noexcept : out_(out) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  /// The name of the member that is written next.
  void key(std::string_view name);

  void null();
  void boolean(bool v);
  void integer(std::int64_t v);
  void unsigned_integer(std::uint64_t v);
  /// An integer of 64 bits as a decimal string: JavaScript's numbers would round it.
  void integer_text(std::int64_t v);
  /// The shortest form that reads back as `v`, always with a fraction or an exponent.
  /// `v` is finite.
  void number(double v);
  /// Bytes that are not UTF-8 become U+FFFD, one for each maximal ill-formed part.
  void text(std::string_view v);
  void optional_text(const std::optional<std::string>& v);

  /// One Hrana value. Fails with `Code::mismatch` for an infinite REAL, which JSON cannot carry;
  /// then nothing was written.
  Result<void> value(ValueRef v);
  /// One row: an array of values. On failure, as above, nothing was written.
  Result<void> row(std::span<const ValueRef> values);

  /// A value as plain JSON, as in the simple API: a blob is `{"base64"}`. Fails as `value` does.
  Result<void> plain_value(ValueRef v);
  /// One row of plain values. On failure nothing was written.
  Result<void> plain_row(std::span<const ValueRef> values);

  /// A complete JSON value that was written before, as it is.
  void raw(std::string_view json);
  /// Ends a line of newline-delimited JSON: the next value starts anew.
  void newline();

  /// A place to come back to when what was begun after it cannot be finished.
  struct Mark {
    std::size_t size;
    bool comma;
  };
  Mark mark() const noexcept { return {out_.size(), comma_}; }
  void rewind(Mark mark);

 private:
  void separate() {
    if (comma_) out_ += ',';
    comma_ = true;
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
  }
  void close(char bracket) {
    out_ += bracket;
    comma_ = true;
  }

  using WriteValue = Result<void> (JsonWriter::*)(ValueRef v);
  Result<void> row_of(std::span<const ValueRef> values, WriteValue write);

  std::string& out_;
  bool comma_ = false;  ///< whether the next key or element follows another one
};

}  // namespace saturn::protocol
