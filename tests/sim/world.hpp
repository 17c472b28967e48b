#pragma once

#include "client.hpp"
#include "history.hpp"

#include "io/faulty.hpp"
#include "sql/session.hpp"

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace sim {

/// What to do, and what came of it in all worlds so far.
struct Totals {
  Counters clients;
  std::uint64_t lives = 0;  ///< openings of a database that worked
  std::uint64_t cuts = 0;
  std::array<std::uint64_t, saturn::io::kIoKinds> cuts_at{};  ///< by the operation they came at
  std::uint64_t cuts_in_recovery = 0;                         ///< of those
  std::uint64_t cuts_at_rest = 0;                             ///< between two operations
  std::uint64_t cuts_without_promise = 0;                     ///< after commits with `off`
  std::uint64_t kills = 0;   ///< of the process; the system lived on
  std::uint64_t images = 0;  ///< that SQLite recovered to the same content
};

struct Settings {
  unsigned images_per_thousand = 20;  ///< cuts whose image SQLite recovers as well
  std::string image_directory;        ///< where they are written; empty: none are
  std::uint32_t sync_lie_ppm = 0;     ///< of the disk, to see that it is found out
};

/// One database on one disk, from its creation on: some lives, each ended by a power cut, a killed
/// process or an orderly close, and each begun by what recovery makes of that. The same seed gives
/// the same world, operation by operation.
class World {
 public:
  World(std::uint64_t seed, const Settings& settings, Totals& totals);
  ~World();

  /// What was promised and not kept, if anything. On a fiber. // SUSPENDS
  std::optional<std::string> run();

 private:
  using DatabasePtr = std::shared_ptr<saturn::sql::Database>;
  enum class Ending : std::uint8_t { cut_at_operation, kill_at_operation, cut, kill, close };

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  bool chance(unsigned percent) { return draw(100) < percent; }

  DatabasePtr recover();
  bool check(const DatabasePtr& database);
  void adopt(const DatabasePtr& database, State seen);
  void live(const DatabasePtr& database);
  void lay_out(const DatabasePtr& database);
  void work_alone(const DatabasePtr& database);
  void work_together(const DatabasePtr& database);
  void close(DatabasePtr database);
  void strike_down(bool by_power, bool in_recovery);
  void take_image();
  void compare_image(const State& recovered);
  void note(const saturn::Error& error);

  const Settings& settings_;
  Totals& totals_;
  std::mt19937_64 random_;
  const std::unique_ptr<saturn::io::Vfs> disk_;
  const std::unique_ptr<saturn::io::FaultyVfs> vfs_;
  const std::uint32_t page_size_;
  History history_;
  /// What is open next must hold a state from this one on.
  std::size_t must_hold_ = 0;
  bool nothing_promised_ = false;  ///< the power was cut after commits with `off`
  std::optional<State> image_;     ///< as SQLite recovered it
  std::string image_error_;        ///< or why it could not
};

}  // namespace sim
