#pragma once

#include "history.hpp"

#include "sql/session.hpp"

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sim {

struct Counters {
  bool trace = false;              ///< prints every statement
  std::uint64_t transactions = 0;  ///< acknowledged
  std::uint64_t reads = 0;         ///< of the whole database, compared with the history
  std::uint64_t checkpoints = 0;
  std::uint64_t vacuums = 0;
};

/// A session at random work. Everything that it is told is held against the history.
class Client {
 public:
  /// `alone`: no other client is at work, so that a statement outside of a transaction has a known
  /// place in the history. All references are borrowed.
  Client(std::shared_ptr<saturn::sql::Database> database, History& history, Counters& counters,
         std::uint64_t seed, bool alone);

  /// Runs some transactions. Fails with the first error that is none of those to be expected; what
  /// contradicts the history is noted there, too. // SUSPENDS
  saturn::Result<void> work(unsigned transactions);

  /// The whole content, in one snapshot. // SUSPENDS
  saturn::Result<State> read_all();
  /// Runs one statement. // SUSPENDS
  saturn::Result<Rows> run(const std::string& sql,
                           const std::vector<saturn::Value>& arguments = {});

 private:
  /// A statement, and what is there after it.
  struct Change {
    std::string sql;
    std::vector<saturn::Value> arguments;
    State after;
    bool is_refused = false;  ///< by a constraint
  };

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  bool chance(unsigned percent) { return draw(100) < percent; }
  saturn::Error violation(std::string what);

  saturn::Result<void> step();
  saturn::Result<void> transaction();
  saturn::Result<void> deferred_transaction();
  saturn::Result<void> finish(State working);
  saturn::Result<State> change_some(State working);
  saturn::Result<void> single_statement();
  saturn::Result<void> reader();
  saturn::Result<void> maintain();
  saturn::Result<void> checkpoint();
  saturn::Result<void> look(const State& working);

  /// Runs it, and finds the outcome as it should be.
  saturn::Result<void> apply(const Change& change);
  Change next_change(const State& now);
  Change definition(const State& now);
  Change insertion(const State& now, const std::string& table);
  Change update(const State& now, const std::string& table);
  Change deletion(const State& now, const std::string& table);
  std::string some_table(const State& now);
  std::string some_text();
  std::int64_t some_id();

  const std::shared_ptr<saturn::sql::Database> database_;
  History& history_;
  Counters& counters_;
  std::mt19937_64 random_;
  const bool alone_;
  Synchronous mode_;      ///< of its commits
  std::size_t base_ = 0;  ///< the commit that the transaction builds on
  saturn::sql::Session session_;
  std::vector<std::pair<std::string, State>> savepoints_;
};

}  // namespace sim
