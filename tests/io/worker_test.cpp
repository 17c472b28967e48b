#include "io/worker.hpp"
#include "io/sync.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace saturn::io;
using namespace std::chrono_literals;

TEST_CASE("run returns what its fiber returned") {
  CHECK(run([] { return 42; }) == 42);
  CHECK(run([] { return run([] { return std::string("nested"); }); }) == "nested");
  bool ran = false;
  run([&] { ran = current_fiber() != nullptr && Worker::current() != nullptr; });
  CHECK(ran);
  CHECK(current_fiber() == nullptr);
}

TEST_CASE("fibers take turns in order") {
  std::string trace;
  run([&] {
    for (char c : {'a', 'b', 'c'}) {
      Worker::current()->spawn([&trace, c] {
        trace += c;
        yield();
        trace += c;
      });
    }
  });
  CHECK(trace == "abcabc");
}

TEST_CASE("many fibers come and go on recycled stacks") {
  int ended = 0;
  run([&] {
    for (int i = 0; i < 2000; ++i) {
      Worker::current()->spawn([&] {
        yield();
        ++ended;
      });
      if (i % 100 == 0) yield();
    }
  });
  CHECK(ended == 2000);
}

TEST_CASE("sleepers wake in the order of their deadlines") {
  std::string trace;
  const auto begin = Clock::now();
  run([&] {
    Worker::current()->spawn([&] {
      sleep_for(20ms);
      trace += 'b';
    });
    Worker::current()->spawn([&] {
      sleep_for(5ms);
      trace += 'a';
    });
  });
  CHECK(trace == "ab");
  CHECK(Clock::now() - begin >= 20ms);
}

TEST_CASE("an event releases fibers of two workers and a thread") {
  Event event;
  std::atomic<int> released{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      run([&] {
        for (int j = 0; j < 10; ++j) {
          Worker::current()->spawn([&] {
            event.wait();
            ++released;
          });
        }
      });
    });
  }
  threads.emplace_back([&] {
    event.wait();
    ++released;
  });
  std::this_thread::sleep_for(10ms);
  event.set();
  for (std::thread& t : threads) t.join();
  CHECK(released == 21);
}

TEST_CASE("a wait gives up at its deadline") {
  run([] {
    Event event;
    CHECK_FALSE(event.wait_until(Clock::now() + 5ms));
    event.set();
    CHECK(event.wait_until(Clock::now()));
    event.reset();
    CHECK_FALSE(event.is_set());
    FiberMutex mutex;
    mutex.lock();
    CHECK_FALSE(mutex.lock_until(Clock::now() + 5ms));
    mutex.unlock();
    CHECK(mutex.lock_until(Clock::now() + 5ms));
    mutex.unlock();
  });
}

TEST_CASE("deadlines that race with notifications lose no wake") {
  FiberMutex mutex;
  std::atomic<int> held{0};
  int inside = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      const auto work = [&] {
        for (int i = 0; i < 200; ++i) {
          if (!mutex.lock_until(Clock::now() + std::chrono::microseconds(i))) continue;
          ++inside;
          if (current_fiber()) yield();
          ++held;
          mutex.unlock();
        }
      };
      if (t == 0) {
        work();
      } else {
        run([&] {
          for (int f = 0; f < 5; ++f) Worker::current()->spawn(work);
        });
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(inside == held);
}

TEST_CASE("the fiber mutex is first come, first served") {
  std::string trace;
  run([&] {
    auto mutex = std::make_shared<FiberMutex>();
    mutex->lock();
    for (char c : {'a', 'b', 'c'}) {
      Worker::current()->spawn([&trace, mutex, c] {
        const std::lock_guard lock(*mutex);
        trace += c;
      });
    }
    yield();
    mutex->unlock();
    CHECK_FALSE(mutex->try_lock());
  });
  CHECK(trace == "abc");
}

TEST_CASE("other threads post and spawn, and stop waits for the fibers") {
  Worker worker;
  std::thread thread([&] { worker.run(); });
  std::atomic<int> count{0};
  for (int i = 0; i < 100; ++i) {
    worker.post([&] { ++count; });
    worker.spawn([&] {
      sleep_for(1ms);
      ++count;
    });
  }
  worker.stop();
  thread.join();
  CHECK(count == 200);
}
