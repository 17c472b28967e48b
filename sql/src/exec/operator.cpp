#include "exec/operator.hpp"

namespace saturn::sql {

/// Adds what passes and is read during its life.
class Operator::Reading {
 public:
  explicit Reading(Measured& measured)
      : measured_(measured),
        start_(std::chrono::steady_clock::now()),
        before_(measured.runtime.transactions->pages_read()) {}
  ~Reading() {
    measured_.figures.time += std::chrono::steady_clock::now() - start_;
    const PagesRead now = measured_.runtime.transactions->pages_read();
    measured_.figures.pages += now.asked - before_.asked;
    measured_.figures.cache_misses += now.loaded - before_.loaded;
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  Measured& measured_;
  const std::chrono::steady_clock::time_point start_;
  const PagesRead before_;
};

void Operator::measure(const Runtime& runtime) const {
  measured_.reset(new Measured{runtime, {}});
  for (const Operator* input : inputs()) input->measure(runtime);
}

Result<void> Operator::open_measured() {
  const Reading reading(*measured_);
  ++measured_->figures.loops;
  return start();
}

Result<void> Operator::reopen_measured() {
  const Reading reading(*measured_);
  ++measured_->figures.loops;
  return restart();
}

Result<const Batch*> Operator::next_measured() {
  const Reading reading(*measured_);
  auto batch = produce();
  if (batch && *batch != nullptr) measured_->figures.rows += (*batch)->selection.count;
  return batch;
}

}  // namespace saturn::sql
