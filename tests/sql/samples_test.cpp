// What the planner makes of ANALYZE's samples: estimates that hold whatever a file says, and plans
// that follow the values of parameters.

#include "catalog/sample_estimate.hpp"
#include "exec/planned_values.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <string>

using namespace saturn;
using namespace saturn::sql;

namespace {

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::uint64_t count() {
    switch (below(4)) {
      case 0: return 0;
      case 1: return std::numeric_limits<std::uint64_t>::max() - below(3);
      case 2: return below(10);
      default: return engine_();
    }
  }
  Value value() {
    switch (below(6)) {
      case 0: return {};
      case 1: return {static_cast<std::int64_t>(engine_())};
      case 2: return {static_cast<std::int64_t>(below(5))};
      case 3: return {std::numeric_limits<double>::infinity() * (below(2) == 0 ? 1 : -1)};
      case 4: return {std::string(below(4), 'a')};
      default: return {Value::Blob{std::string(below(3), '\xff')}};
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace

TEST_CASE("estimates by samples lie between none and all rows, whatever the samples are") {
  const std::uint32_t seed = Catch::rngSeed() + 1;
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 2000; ++round) {
    Table table;
    Index index;
    index.table = &table;
    const std::size_t width = 1 + random.below(3);
    for (std::size_t i = 0; i < width; ++i) {
      index.columns.emplace_back().descending = random.below(2) == 0;
    }
    index.stat.resize(1 + random.below(width + 1));
    for (std::uint64_t& number : index.stat) number = random.count();
    const std::size_t samples = 1 + random.below(6);
    for (std::size_t s = 0; s < samples; ++s) {
      IndexSample& sample = index.samples.emplace_back();
      for (std::size_t i = 0; i < width; ++i) {
        sample.key.push_back(random.value());
        sample.equal.push_back(random.count());
        sample.less.push_back(random.count());
        sample.distinct_less.push_back(random.count());
      }
    }
    const auto all = static_cast<double>(index.stat[0]);
    const auto holds = [&](double rows) { return rows >= 0 && rows <= all; };
    std::vector<Value> values;
    std::vector<ValueRef> key;
    for (std::size_t i = 0; i < width; ++i) values.push_back(random.value());
    for (std::size_t i = 0; i < width; ++i) {
      key.push_back(values[i].ref());
      REQUIRE(holds(sampled_equal(index, key)));
      REQUIRE(holds(sampled_before(index, key, false)));
      REQUIRE(holds(sampled_before(index, key, true)));
    }
    using Compared = PlannedValues::Compared;
    for (const Compared compared :
         {Compared::equal, Compared::below, Compared::up_to, Compared::above, Compared::from}) {
      REQUIRE(holds(PlannedValues::rows_of(index, compared, key[0])));
    }
  }
}

namespace {

/// A database in memory with a table in which one value is frequent.
class Skewed {
 public:
  Skewed() {
    database = std::move(*Database::open_memory(TextEncoding::utf8));
    session = std::make_unique<Session>(database);
    REQUIRE(
        session->execute("CREATE TABLE t(id INTEGER PRIMARY KEY, kind TEXT, at INT, body TEXT);"
                         "CREATE INDEX t_kind ON t(kind); CREATE INDEX t_at ON t(at DESC);"
                         "INSERT INTO t SELECT value, iif(value % 100, 'common', 'k' || value),"
                         " value, 'body' FROM generate_series(1, 5000);"
                         "ANALYZE"));
  }
  ~Skewed() {
    session.reset();
    static_cast<void>(database->close());
  }
  std::string plan(Statement& statement, const Value& value) {
    REQUIRE(statement.bind(1, value.ref()));
    std::string text;
    for (;;) {
      auto more = statement.step();
      REQUIRE(more);
      if (!*more) break;
      text += std::string(statement.column(3).bytes()) + "\n";
    }
    statement.reset();
    return text;
  }
  std::shared_ptr<Database> database;
  std::unique_ptr<Session> session;
};

}  // namespace

TEST_CASE("a prepared statement is planned again when its parameter chooses many more rows") {
  io::run([] {
    Skewed skewed;
    auto equal = skewed.session->prepare("EXPLAIN QUERY PLAN SELECT body FROM t WHERE kind = ?");
    REQUIRE(equal);
    const std::string search = "SEARCH t USING INDEX t_kind (kind=?)\n";
    CHECK(skewed.plan(**equal, Value("k700")) == search);
    CHECK(skewed.plan(**equal, Value("common")) == "SCAN t\n");
    CHECK(skewed.plan(**equal, Value("common")) == "SCAN t\n");
    CHECK(skewed.plan(**equal, Value("nothing like it")) == search);
    CHECK(skewed.plan(**equal, Value()) == search);
    auto above = skewed.session->prepare("EXPLAIN QUERY PLAN SELECT body FROM t WHERE at > ?");
    REQUIRE(above);
    CHECK(skewed.plan(**above, Value(10)) == "SCAN t\n");
    CHECK(skewed.plan(**above, Value(4990)) == "SEARCH t USING INDEX t_at (at>?)\n");
    auto below = skewed.session->prepare("EXPLAIN QUERY PLAN SELECT body FROM t WHERE ? >= at");
    REQUIRE(below);
    CHECK(skewed.plan(**below, Value(10)) == "SEARCH t USING INDEX t_at (at<?)\n");
    CHECK(skewed.plan(**below, Value(4000)) == "SCAN t\n");
  });
}
