#pragma once

#include "base/result.hpp"
#include "base/value.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// What a database holds, as the simulator thinks of it: tables `NAME(id, n, v)`, indexes and the
/// user version.
namespace sim {

struct Row {
  std::int64_t n = 0;
  std::string v;
  bool operator==(const Row&) const = default;
};

struct Table {
  std::string sql;
  std::map<std::int64_t, Row> rows;  ///< by id
  bool operator==(const Table&) const = default;
};

struct State {
  std::map<std::string, std::shared_ptr<const Table>> tables;
  std::map<std::string, std::string> indexes;  ///< their SQL by name
  std::int64_t user_version = 0;

  bool operator==(const State& other) const;
  /// The table, for a change that other states do not see.
  Table& change(const std::string& name);
};

using Rows = std::vector<std::vector<saturn::Value>>;

/// Runs a statement and returns its rows.
using Query = std::function<saturn::Result<Rows>(const std::string& sql)>;

/// The state of the database that `query` asks; of one snapshot if it is in a transaction.
saturn::Result<State> read_state(const Query& query);

/// Where `seen` differs from `expected`, in a line for a person.
std::string difference(const State& expected, const State& seen);

}  // namespace sim
