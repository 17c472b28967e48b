#include "base/limits.hpp"
#include "protocol/batch.hpp"
#include "protocol/baton.hpp"
#include "protocol/error.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace saturn;
using namespace saturn::protocol;

namespace {

using Kind = BatchCond::Kind;

constexpr std::array kEarlier{StepOutcome::ok, StepOutcome::error, StepOutcome::skipped};

bool holds(const BatchCond& cond, bool is_autocommit = false) {
  auto result = evaluate(cond, kEarlier, is_autocommit);
  REQUIRE(result);
  return *result;
}

BatchCond negation(BatchCond cond) { return {Kind::negation, 0, {std::move(cond)}}; }

const BatchCond kTrue{Kind::ok, 0, {}};
const BatchCond kFalse{Kind::ok, 1, {}};

BatonCodec codec(std::uint8_t key, std::uint64_t boot_id) {
  BatonCodec::Key bytes;
  bytes.fill(key);
  return {bytes, boot_id};
}

BatonVerdict verdict(const BatonCodec& codec, std::string_view text) {
  Baton baton;
  return codec.decode(text, baton);
}

}  // namespace

TEST_CASE("ok and error of a skipped step are both false") {
  CHECK(holds({Kind::ok, 0, {}}));
  CHECK_FALSE(holds({Kind::error, 0, {}}));
  CHECK_FALSE(holds({Kind::ok, 1, {}}));
  CHECK(holds({Kind::error, 1, {}}));
  CHECK_FALSE(holds({Kind::ok, 2, {}}));
  CHECK_FALSE(holds({Kind::error, 2, {}}));
  CHECK(holds(negation({Kind::ok, 2, {}})));
  CHECK(holds(negation({Kind::error, 2, {}})));
}

TEST_CASE("conditions combine, and empty combinations have their neutral value") {
  CHECK(holds({Kind::conjunction, 0, {}}));
  CHECK_FALSE(holds({Kind::disjunction, 0, {}}));
  CHECK(holds({Kind::conjunction, 0, {kTrue, kTrue}}));
  CHECK_FALSE(holds({Kind::conjunction, 0, {kTrue, kFalse}}));
  CHECK(holds({Kind::disjunction, 0, {kFalse, kTrue}}));
  CHECK_FALSE(holds({Kind::disjunction, 0, {kFalse, kFalse}}));
  CHECK(holds(negation(kFalse)));
  CHECK(holds({Kind::is_autocommit, 0, {}}, true));
  CHECK_FALSE(holds({Kind::is_autocommit, 0, {}}, false));
}

TEST_CASE("conditions that no decoder lets through are errors, not crashes") {
  CHECK_FALSE(evaluate({Kind::ok, 3, {}}, kEarlier, true));
  CHECK_FALSE(evaluate({Kind::error, UINT32_MAX, {}}, kEarlier, true));
  CHECK_FALSE(evaluate({Kind::negation, 0, {}}, kEarlier, true));
  CHECK_FALSE(evaluate({Kind::ok, 0, {}}, {}, true));
  BatchCond deep = kTrue;
  for (unsigned i = 1; i < limits::kConditionDepthMax; ++i) deep = negation(std::move(deep));
  CHECK(evaluate(deep, kEarlier, true));
  CHECK_FALSE(evaluate(negation(std::move(deep)), kEarlier, true));
}

TEST_CASE("a baton comes back as it was given out") {
  const BatonCodec batons = codec(1, 7);
  const Baton given{0x0123456789abcdef, UINT64_MAX};
  const auto text = batons.encode(given);
  REQUIRE(text);
  CHECK(text->size() == 82);
  CHECK(text->find_first_of("+/=") == std::string::npos);
  Baton baton;
  CHECK(batons.decode(*text, baton) == BatonVerdict::valid);
  CHECK(baton == given);
  CHECK(*batons.encode({given.stream_id, 1}) != *batons.encode({given.stream_id, 2}));
}

TEST_CASE("a changed baton is refused, whatever was changed") {
  const BatonCodec batons = codec(1, 7);
  const std::string text = *batons.encode({1, 2});
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'A', 'b', '-', '_', '+', '=', '\0'}) {
      std::string changed = text;
      if (changed[i] == c) continue;
      changed[i] = c;
      CHECK(verdict(batons, changed) == BatonVerdict::invalid);
    }
  }
  CHECK(verdict(batons, "") == BatonVerdict::invalid);
  CHECK(verdict(batons, text + "A") == BatonVerdict::invalid);
  CHECK(verdict(batons, std::string_view(text).substr(1)) == BatonVerdict::invalid);
  CHECK(verdict(batons, std::string(82, 'A')) == BatonVerdict::invalid);
}

TEST_CASE("a baton of before a restart is told apart from a forged one") {
  const std::string text = *codec(1, 7).encode({1, 2});
  CHECK(verdict(codec(1, 8), text) == BatonVerdict::other_boot);
  CHECK(verdict(codec(2, 8), text) == BatonVerdict::other_boot);
  CHECK(verdict(codec(2, 7), text) == BatonVerdict::invalid);
  const auto one = BatonCodec::create();
  const auto two = BatonCodec::create();
  REQUIRE((one && two));
  CHECK(verdict(*one, *one->encode({1, 2})) == BatonVerdict::valid);
  CHECK(verdict(*two, *one->encode({1, 2})) == BatonVerdict::other_boot);
}

TEST_CASE("errors of the engine keep SQLite's text and its primary code") {
  CHECK(from_engine(Error(Code::constraint_unique, "UNIQUE constraint failed: t.c")) ==
        HranaError{"SQLite error: UNIQUE constraint failed: t.c", "SQLITE_CONSTRAINT"});
  CHECK(from_engine(Error(Code::busy_snapshot)) ==
        HranaError{"SQLite error: database is locked", "SQLITE_BUSY"});
  CHECK(from_engine(Error(Code::error, "no such table: t")) ==
        HranaError{"SQLite error: no such table: t", "SQLITE_ERROR"});
  CHECK(from_engine(Error(Code::error, "near \"x\": syntax error").at(3)) ==
        HranaError{"SQLite error: near \"x\": syntax error", "SQL_INPUT_ERROR"});
  CHECK(from_decoder(Error(Code::protocol, "$: no")) == HranaError{"$: no", "PROTOCOL_ERROR"});
  CHECK(no_statement().code == "SQL_NO_STATEMENT");
  CHECK(many_statements().code == "SQL_MANY_STATEMENTS");
  CHECK(restarted().code == "STREAM_EXPIRED");
}
