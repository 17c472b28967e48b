#include "harness.hpp"

#include "base/log.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace saturn::fuzz {
namespace {

constexpr std::chrono::milliseconds kStatementTime{200};
constexpr std::chrono::milliseconds kTextTime{1000};
constexpr int kRowsMax = 2000;

void check_error(const Error& error) {
  if (primary(error.code()) != Code::internal) return;
  std::fprintf(stderr, "internal error: %s\n", std::string(error.message()).c_str());
  ASSERT(primary(error.code()) != Code::internal);
}

/// Runs one statement and reads every byte of its first rows.
void run_statement(sql::Statement& statement) {
  std::uint64_t sum = 0;
  for (std::size_t number = 1; number <= statement.parameter_count(); ++number) {
    Result<void> bound =
        statement.bind(number, ValueRef::integer(static_cast<std::int64_t>(number)));
    if (!bound) check_error(std::move(bound).error());
  }
  for (int rows = 0; rows < kRowsMax; ++rows) {
    const Result<bool> more = statement.step();
    if (!more) check_error(more.error());
    if (!more || !*more) break;
    for (std::size_t i = 0; i < statement.column_count(); ++i) {
      const ValueRef value = statement.column(i);
      if (!value.is_text() && !value.is_blob()) continue;
      for (const char c : value.bytes()) sum += static_cast<unsigned char>(c);
    }
  }
  statement.reset();
  // The sum is used, so that the bytes are read.
  if (sum == ~std::uint64_t{0}) std::fputs("", stderr);
}

}  // namespace

void quiet() { log::set_level(log::Level::off); }

sql::DatabaseOptions database_options() {
  sql::DatabaseOptions options;
  options.storage.synchronous = storage::Synchronous::off;
  options.storage.cache_bytes = limits::kCacheBytesMin;
  options.storage.page_size = 512;
  return options;
}

void put_file(io::Vfs& vfs, std::string_view name, ByteSpan bytes) {
  const auto file = vfs.open(name, {.create = true}).value();
  ASSERT(file->write(0, bytes));
}

void run_sql(sql::Session& session, std::string_view text) {
  const auto end = io::Clock::now() + kTextTime;
  while (!text.empty() && io::Clock::now() < end) {
    session.set_deadline(io::Clock::now() + kStatementTime);
    std::size_t consumed = 0;
    auto prepared = session.prepare(text, &consumed);
    if (!prepared) {
      check_error(prepared.error());
      // As the shell does: on with what follows the next semicolon.
      const std::size_t semicolon = text.find(';');
      if (semicolon == std::string_view::npos) return;
      text.remove_prefix(semicolon + 1);
      continue;
    }
    if (*prepared == nullptr) return;
    run_statement(**prepared);
    text.remove_prefix(consumed);
  }
}

void check_integrity(sql::Session& session) {
  session.set_deadline(io::Clock::time_point::max());
  auto statement = session.prepare("PRAGMA integrity_check");
  ASSERT(statement);
  const Result<bool> row = (*statement)->step();
  ASSERT(row.has_value());
  ASSERT(*row);
  const std::string said((*statement)->column(0).bytes());
  if (said != "ok") std::fprintf(stderr, "integrity check: %s\n", said.c_str());
  ASSERT(said == "ok");
}

}  // namespace saturn::fuzz
