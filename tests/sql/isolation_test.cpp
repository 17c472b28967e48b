// What transactions of several sessions see of each other: one case for each anomaly of the
// literature (Berenson et al., "A Critique of ANSI SQL Isolation Levels"; Adya's G0 to G2; the
// names of the Hermitage suite), and a bank whose total nobody ever sees changed. Transactions are
// serialisable: readers have the snapshot of their first read, one writer works at a time, and a
// reader whose snapshot is old may not become a writer. Where a session would have to wait it is
// told "database is locked" at once here.

#include "io/worker.hpp"
#include "sql/session.hpp"

#include "seed.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace saturn;

namespace {

/// A session; `run` answers rows as "1,10 2,20", or the error.
class Client {
 public:
  explicit Client(std::shared_ptr<sql::Database> database)
      : session_(std::move(database), {.busy_timeout_ms = 0}) {}

  std::string run(std::string_view sql) {
    std::string out;
    while (!sql.empty()) {
      std::size_t consumed = 0;
      auto prepared = session_.prepare(sql, &consumed);
      if (!prepared) return "error: " + std::string(prepared.error().message());
      if (*prepared == nullptr) break;
      sql::Statement& statement = **prepared;
      for (;;) {
        const auto row = statement.step();
        if (!row) return "error: " + std::string(row.error().message());
        if (!*row) break;
        if (!out.empty()) out += ' ';
        for (std::size_t i = 0; i < statement.column_count(); ++i) {
          if (i > 0) out += ',';
          out += std::to_string(statement.column(i).as_integer());
        }
      }
      sql.remove_prefix(consumed);
    }
    return out;
  }

 private:
  sql::Session session_;
};

constexpr const char* kLocked = "error: database is locked";

/// Runs `work` with three clients of a table test(id, value) of the rows 1,10 and 2,20.
template <typename Work>
void with_clients(Work&& work) {
  io::run([&] {
    auto database = sql::Database::open_memory(TextEncoding::utf8).value();
    {
      Client one(database);
      Client two(database);
      Client three(database);
      REQUIRE(one.run("CREATE TABLE test(id INTEGER PRIMARY KEY, value INT);"
                      "INSERT INTO test VALUES (1, 10), (2, 20)")
                  .empty());
      work(one, two, three);
    }
    REQUIRE(database->close());
  });
}

}  // namespace

TEST_CASE("G0, dirty write: a second writer does not start") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; UPDATE test SET value = 11 WHERE id = 1").empty());
    CHECK(two.run("BEGIN; UPDATE test SET value = 12 WHERE id = 1") == kLocked);
    CHECK(one.run("UPDATE test SET value = 21 WHERE id = 2; COMMIT").empty());
    CHECK(two.run("UPDATE test SET value = 12 WHERE id = 1; COMMIT").empty());
    CHECK(one.run("SELECT * FROM test") == "1,12 2,21");
  });
}

TEST_CASE("G1a, aborted read: what is rolled back was never seen") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; UPDATE test SET value = 101 WHERE id = 1").empty());
    CHECK(two.run("BEGIN; SELECT * FROM test") == "1,10 2,20");
    CHECK(one.run("ROLLBACK").empty());
    CHECK(two.run("SELECT * FROM test; COMMIT") == "1,10 2,20");
  });
}

TEST_CASE("G1b, intermediate read: of a transaction only its end is seen") {
  with_clients([](Client& one, Client& two, Client& three) {
    CHECK(one.run("BEGIN; UPDATE test SET value = 101 WHERE id = 1").empty());
    CHECK(two.run("BEGIN; SELECT * FROM test") == "1,10 2,20");
    CHECK(one.run("UPDATE test SET value = 11 WHERE id = 1; COMMIT").empty());
    CHECK(two.run("SELECT * FROM test; COMMIT") == "1,10 2,20");
    CHECK(three.run("SELECT * FROM test") == "1,11 2,20");
  });
}

TEST_CASE("G1c, circular information flow: two transactions do not see each other's changes") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; UPDATE test SET value = 11 WHERE id = 1").empty());
    CHECK(two.run("BEGIN; SELECT * FROM test WHERE id = 1") == "1,10");
    CHECK(two.run("UPDATE test SET value = 22 WHERE id = 2") == kLocked);
    CHECK(one.run("SELECT * FROM test WHERE id = 2; COMMIT") == "2,20");
    CHECK(two.run("UPDATE test SET value = 22 WHERE id = 2") == kLocked);  // its snapshot is old
    CHECK(two.run("ROLLBACK; BEGIN; UPDATE test SET value = 22 WHERE id = 2; COMMIT").empty());
    CHECK(one.run("SELECT * FROM test") == "1,11 2,22");
  });
}

TEST_CASE("OTV, observed transaction vanishes: a snapshot stays what it was") {
  with_clients([](Client& one, Client& two, Client& three) {
    CHECK(one.run("BEGIN; UPDATE test SET value = 11 WHERE id = 1").empty());
    CHECK(one.run("UPDATE test SET value = 19 WHERE id = 2; COMMIT").empty());
    CHECK(three.run("BEGIN; SELECT * FROM test WHERE id = 1") == "1,11");
    CHECK(two.run("BEGIN; UPDATE test SET value = 12 WHERE id = 1").empty());
    CHECK(two.run("UPDATE test SET value = 18 WHERE id = 2; COMMIT").empty());
    CHECK(three.run("SELECT * FROM test; COMMIT") == "1,11 2,19");
    CHECK(three.run("SELECT * FROM test") == "1,12 2,18");
  });
}

TEST_CASE("PMP, phantoms: rows that come later are not seen by a predicate") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; SELECT * FROM test WHERE value = 30").empty());
    CHECK(two.run("INSERT INTO test VALUES (3, 30)").empty());
    CHECK(one.run("SELECT * FROM test WHERE value % 3 = 0").empty());
    CHECK(one.run("DELETE FROM test WHERE value = 30") == kLocked);
    CHECK(one.run("COMMIT; SELECT * FROM test WHERE value % 3 = 0") == "3,30");
  });
}

TEST_CASE("P4, lost update: the second of two that have read the same may not write") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; SELECT value FROM test WHERE id = 1") == "10");
    CHECK(two.run("BEGIN; SELECT value FROM test WHERE id = 1") == "10");
    CHECK(one.run("UPDATE test SET value = 11 WHERE id = 1; COMMIT").empty());
    CHECK(two.run("UPDATE test SET value = 11 WHERE id = 1") == kLocked);
    CHECK(two.run("ROLLBACK; UPDATE test SET value = value + 1 WHERE id = 1").empty());
    CHECK(one.run("SELECT value FROM test WHERE id = 1") == "12");
  });
}

TEST_CASE("G-single, read skew: two rows are read as of one moment") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; SELECT value FROM test WHERE id = 1") == "10");
    CHECK(two.run("BEGIN; UPDATE test SET value = 12 WHERE id = 1;"
                  "UPDATE test SET value = 18 WHERE id = 2; COMMIT")
              .empty());
    CHECK(one.run("SELECT value FROM test WHERE id = 2; COMMIT") == "20");
  });
}

TEST_CASE("G2-item, write skew: of two that have read both rows one may write") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; SELECT sum(value) FROM test") == "30");
    CHECK(two.run("BEGIN; SELECT sum(value) FROM test") == "30");
    CHECK(one.run("UPDATE test SET value = value - 25 WHERE id = 1; COMMIT").empty());
    CHECK(two.run("UPDATE test SET value = value - 25 WHERE id = 2") == kLocked);
    CHECK(two.run("COMMIT; SELECT sum(value) FROM test") == "5");
  });
}

TEST_CASE("G2, write skew by predicates: nor may one who has seen that there is no such row") {
  with_clients([](Client& one, Client& two, Client&) {
    CHECK(one.run("BEGIN; SELECT count(*) FROM test WHERE value % 3 = 0") == "0");
    CHECK(two.run("BEGIN; SELECT count(*) FROM test WHERE value % 3 = 0") == "0");
    CHECK(one.run("INSERT INTO test VALUES (3, 30); COMMIT").empty());
    CHECK(two.run("INSERT INTO test VALUES (4, 42)") == kLocked);
    CHECK(two.run("ROLLBACK; SELECT count(*) FROM test WHERE value % 3 = 0") == "1");
  });
}

TEST_CASE("a bank's total is the same for everyone at any time") {
  const unsigned seed = chosen_seed();
  io::run([&] {
    constexpr int kAccounts = 20;
    auto database = sql::Database::open_memory(TextEncoding::utf8).value();
    std::mt19937 random(seed);
    {
      std::vector<std::unique_ptr<Client>> clients;
      for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<Client>(database));
      REQUIRE(
          clients[0]
              ->run("CREATE TABLE account(id INTEGER PRIMARY KEY, balance INT);"
                    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 20)"
                    "INSERT INTO account SELECT i, 100 FROM s")
              .empty());
      // Of each client: 0 outside of a transaction, 1 has read, 2 has taken, and has yet to give.
      std::vector<int> state(clients.size(), 0);
      int transfers = 0;
      for (int step = 0; step < 6000; ++step) {
        const std::size_t c = random() % clients.size();
        Client& client = *clients[c];
        const std::string account = std::to_string(random() % kAccounts + 1);
        if (state[c] != 2) REQUIRE(client.run("SELECT sum(balance) FROM account") == "2000");
        if (state[c] == 0) {
          REQUIRE(client.run("BEGIN; SELECT sum(balance) FROM account") == "2000");
          state[c] = 1;
        } else if (state[c] == 1) {
          const auto taken =
              client.run("UPDATE account SET balance = balance - 7 WHERE id = " + account);
          if (!taken.empty()) REQUIRE(client.run("ROLLBACK").empty());
          state[c] = taken.empty() ? 2 : 0;
        } else if (random() % 4 == 0) {
          REQUIRE(client.run("ROLLBACK").empty());
          state[c] = 0;
        } else {
          REQUIRE(client.run("SELECT sum(balance) FROM account") == "1993");
          REQUIRE(client
                      .run("UPDATE account SET balance = balance + 7 WHERE id = " + account +
                           "; COMMIT")
                      .empty());
          ++transfers;
          state[c] = 0;
        }
      }
      CHECK(transfers > 100);
      for (auto& client : clients) client->run("ROLLBACK");
      CHECK(clients[0]->run("SELECT sum(balance) FROM account") == "2000");
    }
    REQUIRE(database->close());
  });
}

namespace {

/// What one client's transaction has done so far, beside all states that were ever committed.
struct Open {
  bool active = false;
  bool has_snapshot = false;
  bool writes = false;
  std::size_t version = 0;  ///< of the history, that it reads
  std::vector<int> own;     ///< the values as it sees them
};

}  // namespace

TEST_CASE("every history is that of transactions one after the other") {
  const unsigned seed = chosen_seed();
  io::run([&] {
    constexpr int kKeys = 8;
    auto database = sql::Database::open_memory(TextEncoding::utf8).value();
    std::mt19937 random(seed);
    {
      std::vector<std::unique_ptr<Client>> clients;
      for (int i = 0; i < 5; ++i) clients.push_back(std::make_unique<Client>(database));
      REQUIRE(clients[0]
                  ->run("CREATE TABLE item(key INTEGER PRIMARY KEY, value INT);"
                        "INSERT INTO item VALUES (0,0),(1,0),(2,0),(3,0),(4,0),(5,0),(6,0),(7,0)")
                  .empty());
      std::vector<std::vector<int>> history{std::vector<int>(kKeys, 0)};
      std::vector<Open> open(clients.size());
      int next_value = 0;
      int commits = 0;
      const auto someone_writes = [&] {
        for (const Open& transaction : open) {
          if (transaction.writes) return true;
        }
        return false;
      };
      const auto take_snapshot = [&](Open& transaction) {
        if (transaction.has_snapshot) return;
        transaction.has_snapshot = true;
        transaction.version = history.size() - 1;
        transaction.own = history.back();
      };
      for (int step = 0; step < 8000; ++step) {
        const std::size_t c = random() % clients.size();
        Open& transaction = open[c];
        Client& client = *clients[c];
        const std::size_t key = random() % kKeys;
        INFO("step " << step << ", client " << c);
        if (!transaction.active) {
          REQUIRE(client.run("BEGIN").empty());
          transaction = {};
          transaction.active = true;
          continue;
        }
        switch (random() % 6) {
          case 0:
          case 1: {
            take_snapshot(transaction);
            REQUIRE(client.run("SELECT value FROM item WHERE key = " + std::to_string(key)) ==
                    std::to_string(transaction.own[key]));
            break;
          }
          case 2:
          case 3: {
            // It may become the writer when nobody is, and what it has read is the last state.
            const bool may = transaction.writes ||
                             (!someone_writes() && (!transaction.has_snapshot ||
                                                    transaction.version + 1 == history.size()));
            const int value = ++next_value;
            const std::string said = client.run("UPDATE item SET value = " + std::to_string(value) +
                                                " WHERE key = " + std::to_string(key));
            REQUIRE(said == (may ? "" : kLocked));
            if (!may) break;
            take_snapshot(transaction);
            transaction.writes = true;
            transaction.own[key] = value;
            break;
          }
          case 4: {
            REQUIRE(client.run("COMMIT").empty());
            if (transaction.writes) {
              history.push_back(transaction.own);
              ++commits;
            }
            transaction = {};
            break;
          }
          default: {
            if (random() % 3 != 0) break;
            REQUIRE(client.run("ROLLBACK").empty());
            transaction = {};
          }
        }
      }
      CHECK(commits > 100);
      for (std::size_t c = 0; c < clients.size(); ++c) {
        if (open[c].active) REQUIRE(clients[c]->run("ROLLBACK").empty());
      }
    }
    REQUIRE(database->close());
  });
}
