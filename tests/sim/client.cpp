#include "client.hpp"

#include "base/text.hpp"
#include "io/fiber.hpp"

#include <algorithm>
#include <cstdio>

namespace sim {

using saturn::cat;
using saturn::Code;
using saturn::Error;
using saturn::Result;
using saturn::Value;

namespace {

constexpr std::int64_t kIds = 80;
constexpr unsigned kTables = 5;

saturn::sql::SessionOptions patient() {
  saturn::sql::SessionOptions options;
  options.busy_timeout_ms = 600'000;
  options.yields = false;
  return options;
}

/// SQLite's own locking says no, and the client may try again.
bool is_lost_race(const Result<void>& outcome) { return outcome.code() == Code::busy_snapshot; }

}  // namespace

Client::Client(std::shared_ptr<saturn::sql::Database> database, History& history,
               Counters& counters, std::uint64_t seed, bool alone)
    : database_(std::move(database)),
      history_(history),
      counters_(counters),
      random_(seed),
      alone_(alone),
      mode_(database_->storage().synchronous()),
      session_(database_, patient()) {}

Error Client::violation(std::string what) {
  history_.violate(what);
  return Error(Code::internal, std::move(what));
}

Result<Rows> Client::run(const std::string& sql, const std::vector<Value>& arguments) {
  if (counters_.trace) std::printf("%p  %s\n", static_cast<const void*>(this), sql.c_str());
  const auto statement = TRY(session_.prepare(sql));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    TRY(statement->bind(i + 1, arguments[i].ref()));
  }
  Rows rows;
  while (TRY(statement->step())) {
    std::vector<Value>& row = rows.emplace_back();
    for (std::size_t c = 0; c < statement->column_count(); ++c) {
      row.emplace_back(statement->column(c));
    }
  }
  return rows;
}

Result<State> Client::read_all() {
  return read_state([this](const std::string& sql) { return run(sql); });
}

Result<void> Client::work(unsigned transactions) {
  for (; transactions > 0; --transactions) TRY(step());
  return {};
}

Result<void> Client::step() {
  if (chance(5)) {
    static constexpr const char* kModes[] = {"OFF", "NORMAL", "FULL"};
    mode_ = static_cast<Synchronous>(draw(3));
    TRY(run(cat("PRAGMA synchronous = ", kModes[static_cast<unsigned>(mode_)])));
  }
  const std::uint64_t choice = draw(100);
  if (choice < 50) return transaction();
  if (choice < 60) return deferred_transaction();
  if (choice < 75) return alone_ ? single_statement() : transaction();
  if (choice < 85) return reader();
  return maintain();
}

// --- transactions --------------------------------------------------------------------------------

Result<void> Client::transaction() {
  TRY(run("BEGIN IMMEDIATE"));
  base_ = history_.last();
  if (chance(20)) TRY(look(history_.state(base_)));
  State working = TRY(change_some(history_.state(base_)));
  if (chance(10)) TRY(look(working));
  return finish(std::move(working));
}

/// Reads first, and becomes a writer with its first change unless somebody was faster.
Result<void> Client::deferred_transaction() {
  const std::size_t acknowledged = history_.acknowledged();
  TRY(run("BEGIN"));
  State seen = TRY(read_all());
  const auto index = history_.find(seen, acknowledged);
  if (!index) return violation("a transaction began with a state that never was");
  history_.shown(*index);
  Result<void> first = apply({"PRAGMA user_version = 77", {}, {}, false});
  if (is_lost_race(first)) {
    TRY(run("ROLLBACK"));
    return {};
  }
  TRY(std::move(first));
  base_ = history_.last();
  if (!(history_.state(base_) == seen)) {
    return violation("a transaction writes on a snapshot that is not the last");
  }
  seen.user_version = 77;
  State working = TRY(change_some(std::move(seen)));
  return finish(std::move(working));
}

/// Shows everything to the client.
Result<void> Client::look(const State& working) {
  const State seen = TRY(read_all());
  if (!(seen == working)) {
    return violation(cat("a transaction does not see what it did: ", difference(working, seen)));
  }
  history_.shown(base_);
  return {};
}

Result<State> Client::change_some(State working) {
  savepoints_.clear();
  const std::uint64_t changes = 1 + draw(8);
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::uint64_t choice = draw(100);
    if (choice < 10) {
      const std::string name = cat("s", savepoints_.size());
      TRY(run(cat("SAVEPOINT ", name)));
      savepoints_.emplace_back(name, working);
    } else if (choice < 16 && !savepoints_.empty()) {
      const std::size_t at = draw(savepoints_.size());
      TRY(run(cat("ROLLBACK TO ", savepoints_[at].first)));
      working = savepoints_[at].second;
      savepoints_.resize(at + 1);
    } else if (choice < 20 && !savepoints_.empty()) {
      const std::size_t at = draw(savepoints_.size());
      TRY(run(cat("RELEASE ", savepoints_[at].first)));
      savepoints_.resize(at);
    } else {
      Change change = next_change(working);
      TRY(apply(change));
      // That a key is taken is as good as its row.
      if (change.is_refused) history_.shown(base_);
      working = std::move(change.after);
    }
  }
  return working;
}

Result<void> Client::finish(State working) {
  if (chance(15)) {
    TRY(run("ROLLBACK"));
    return {};
  }
  const std::size_t index = history_.hand_over(std::move(working), mode_);
  TRY(run("COMMIT"));
  history_.acknowledge(index);
  ++counters_.transactions;
  return {};
}

Result<void> Client::single_statement() {
  Change change = next_change(history_.state(history_.last()));
  const std::size_t index = history_.hand_over(change.after, mode_);
  TRY(apply(change));
  history_.acknowledge(index);
  ++counters_.transactions;
  return {};
}

Result<void> Client::reader() {
  const std::size_t acknowledged = history_.acknowledged();
  TRY(run("BEGIN"));
  const State seen = TRY(read_all());
  if (!alone_ && chance(50)) {
    // Others commit and checkpoint meanwhile.
    for (std::uint64_t turns = draw(200); turns > 0; --turns) saturn::io::yield();
    const State again = TRY(read_all());
    if (!(again == seen)) return violation(cat("a snapshot changes: ", difference(seen, again)));
  }
  TRY(run("COMMIT"));
  const auto index = history_.find(seen, acknowledged);
  if (!index) {
    return violation(cat("a reader sees a state that never was; beside the last acknowledged one: ",
                         difference(history_.state(acknowledged), seen)));
  }
  history_.shown(*index);
  ++counters_.reads;
  return {};
}

Result<void> Client::maintain() {
  const std::uint64_t choice = draw(10);
  if (choice < 6) return checkpoint();
  ++counters_.vacuums;
  // The content stays, and the commit counts as one.
  const std::size_t index = history_.hand_over(history_.state(history_.last()), mode_);
  TRY(run(choice < 8 ? "VACUUM" : cat("PRAGMA incremental_vacuum(", 1 + draw(20), ")")));
  if (alone_) history_.acknowledge(index);
  return {};
}

Result<void> Client::checkpoint() {
  static constexpr const char* kModes[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
  const std::size_t before = history_.acknowledged();
  const Rows rows = TRY(run(cat("PRAGMA wal_checkpoint(", kModes[draw(4)], ")")));
  ++counters_.checkpoints;
  const bool busy = rows[0][0].ref().as_integer() != 0;
  const std::int64_t log = rows[0][1].ref().as_integer();
  const std::int64_t copied = rows[0][2].ref().as_integer();
  if (copied > log) return violation("a checkpoint copied more than the log has");
  if (mode_ != Synchronous::off && !busy && copied == log) history_.settled(before);
  return {};
}

// --- changes -------------------------------------------------------------------------------------

Result<void> Client::apply(const Change& change) {
  Result<Rows> done = run(change.sql, change.arguments);
  if (!change.is_refused) {
    TRY(std::move(done));
    return {};
  }
  if (done) return violation(cat("not refused: ", change.sql));
  if (primary(done.error().code()) != Code::constraint) return std::move(done).error();
  return {};
}

std::string Client::some_table(const State& now) {
  auto at = now.tables.begin();
  std::advance(at, draw(now.tables.size()));
  return at->first;
}

std::int64_t Client::some_id() { return static_cast<std::int64_t>(1 + draw(kIds)); }

/// Mostly short, sometimes long enough for several overflow pages of any page size.
std::string Client::some_text() {
  const std::uint64_t choice = draw(100);
  const std::uint64_t most = choice < 75 ? 40 : choice < 95 ? 900 : 12'000;
  return cat(draw(1000), std::string(draw(most), static_cast<char>('a' + draw(26))));
}

Client::Change Client::next_change(const State& now) {
  const std::uint64_t choice = draw(100);
  if (now.tables.empty() || choice < 12) return definition(now);
  const std::string table = some_table(now);
  if (choice < 65) return insertion(now, table);
  if (choice < 85) return update(now, table);
  return deletion(now, table);
}

/// CREATE and DROP, of tables and indexes, and a field of the header.
Client::Change Client::definition(const State& now) {
  Change change{{}, {}, now, false};
  const std::string name = cat("t", draw(kTables));
  if (chance(10)) {
    change.after.user_version = static_cast<std::int64_t>(draw(1'000'000));
    change.sql = cat("PRAGMA user_version = ", change.after.user_version);
  } else if (!now.tables.contains(name)) {
    const auto table = std::make_shared<Table>();
    table->sql = cat("CREATE TABLE ", name, "(id INTEGER PRIMARY KEY, n INTEGER, v TEXT)",
                     chance(30) ? " WITHOUT ROWID" : "");
    change.sql = table->sql;
    change.after.tables[name] = table;
  } else if (chance(40)) {
    change.sql = cat("DROP TABLE ", name);
    change.after.tables.erase(name);
    std::erase_if(change.after.indexes,
                  [&](const auto& index) { return index.first.starts_with(cat("i", name)); });
  } else {
    const std::string column = chance(50) ? "n" : "v";
    const std::string index = cat("i", name, column);
    if (now.indexes.contains(index)) {
      change.sql = cat("DROP INDEX ", index);
      change.after.indexes.erase(index);
    } else {
      change.sql = cat("CREATE INDEX ", index, " ON ", name, "(", column, ")");
      change.after.indexes[index] = change.sql;
    }
  }
  return change;
}

/// Some rows in one statement: replaced where they are there already, or refused altogether.
Client::Change Client::insertion(const State& now, const std::string& table) {
  Change change{{}, {}, now, false};
  const bool replaces = chance(85);
  change.sql = cat(replaces ? "REPLACE" : "INSERT", " INTO ", table, " VALUES ");
  Table& after = change.after.change(table);
  const std::uint64_t rows = chance(80) ? 1 + draw(3) : 1 + draw(30);
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::int64_t id = some_id();
    Row row{static_cast<std::int64_t>(draw(100)), some_text()};
    change.sql += i == 0 ? "(?, ?, ?)" : ", (?, ?, ?)";
    change.arguments.insert(change.arguments.end(), {Value(id), Value(row.n), Value(row.v)});
    if (!replaces && after.rows.contains(id)) change.is_refused = true;
    after.rows[id] = std::move(row);
  }
  if (change.is_refused) change.after = now;
  return change;
}

Client::Change Client::update(const State& now, const std::string& table) {
  Change change{{}, {}, now, false};
  const std::int64_t first = some_id();
  const std::int64_t last = first + static_cast<std::int64_t>(draw(20));
  std::map<std::int64_t, Row>& rows = change.after.change(table).rows;
  const auto begin = rows.lower_bound(first);
  const auto end = rows.upper_bound(last);
  if (chance(50)) {
    change.sql = cat("UPDATE ", table, " SET n = n + 1 WHERE id BETWEEN ? AND ?");
    change.arguments = {Value(first), Value(last)};
    for (auto at = begin; at != end; ++at) ++at->second.n;
  } else {
    const std::string v = some_text();
    change.sql = cat("UPDATE ", table, " SET v = ? WHERE id BETWEEN ? AND ?");
    change.arguments = {Value(v), Value(first), Value(last)};
    for (auto at = begin; at != end; ++at) at->second.v = v;
  }
  return change;
}

Client::Change Client::deletion(const State& now, const std::string& table) {
  Change change{{}, {}, now, false};
  std::map<std::int64_t, Row>& rows = change.after.change(table).rows;
  if (chance(10)) {
    change.sql = cat("DELETE FROM ", table);
    rows.clear();
    return change;
  }
  const std::int64_t first = some_id();
  const std::int64_t last = first + static_cast<std::int64_t>(draw(20));
  change.sql = cat("DELETE FROM ", table, " WHERE id BETWEEN ? AND ?");
  change.arguments = {Value(first), Value(last)};
  rows.erase(rows.lower_bound(first), rows.upper_bound(last));
  return change;
}

}  // namespace sim
