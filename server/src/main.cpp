#include "base/log.hpp"
#include "base/text.hpp"
#include "config/config.hpp"
#include "io/backends.hpp"
#include "notify.hpp"
#include "server.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>

// saturnd: reads the configuration, starts the server, and waits for signals: SIGTERM and SIGINT
// end it in order, SIGHUP reads the configuration again.

/// What jemalloc reads before main (its manual, "TUNING"). Queries take and free memory by the
/// megabyte; pages that nothing uses go back to the system after one second instead of ten, so that
/// what is resident follows what is in use: two daemons side by side under `tests/bench/soak.py
/// --seconds 60 --rate 300` had 87 MiB with ten seconds and 66 MiB with one at the end. MALLOC_CONF
/// in the environment comes later and wins.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:1000";
}

namespace saturn::server {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "saturnd: %s\n", error.message().c_str());
  return 1;
}

/// The log's lines have no time stamp where systemd adds one.
void start_log(const config::Config& config) {
  log::start({.level = config.log_level(), .journal = std::getenv("JOURNAL_STREAM") != nullptr});
}

/// Applies what may change while the server runs, and says what may not.
void reload(Server& server, const config::Sources& sources, config::Config& config) {
  notify_reloading();
  auto fresh = config::load(sources);
  if (!fresh) {
    log::error(cat("reload: ", fresh.error().message(), "; the old configuration stays"));
  } else {
    const config::Differences differences = config::reloadable_differences(config, *fresh);
    for (const config::Difference& d : differences.needs_restart) {
      log::warn(cat("reload: ", d.option->name, " = ", d.after, " needs a restart"));
    }
    for (const config::Difference& d : differences.reloadable) {
      log::info(cat("reload: ", d.option->name, " = ", d.after));
      Result<void> set = config.set(*d.option, d.after, "reload");
      if (!set) log::error(cat("reload: ", set.message()));
    }
    log::set_level(config.log_level());
    server.reload(config);
    log::info("reloaded");
  }
  notify(cat("READY=1\nSTATUS=serving on port ", server.port()));
}

/// A connection is a descriptor: as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const config::Sources& sources, config::Config& config) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  // Before any thread starts, so that all of them leave these signals to this one.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  auto server = Server::start(config);
  if (!server) return fail(server.error());
  notify(cat("READY=1\nSTATUS=serving on port ", (*server)->port()));
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    reload(**server, sources, config);
  }
  notify("STOPPING=1\nSTATUS=waiting for statements to end");
  log::info("stopping");
  (*server)->stop();
  Result<void> closed = (*server)->wait();
  if (!closed) return fail(std::move(closed).error());
  log::info("stopped");
  return 0;
}

int run(const config::Sources& sources) {
  auto loaded = config::load(sources);
  if (!loaded) return fail(loaded.error());
  switch (loaded->action()) {
    case config::Action::help: std::fputs(config::help_text().c_str(), stdout); return 0;
    case config::Action::version: std::printf("saturnd %s\n", SATURN_VERSION); return 0;
    case config::Action::print_config:
      std::fputs(config::print_text(*loaded).c_str(), stdout);
      return 0;
    case config::Action::check_config: std::puts("the configuration is good"); return 0;
    case config::Action::probe_vfs: std::fputs(io::probe_report().c_str(), stdout); return 0;
    case config::Action::run: break;
  }
  start_log(*loaded);
  return serve(sources, *loaded);
}

}  // namespace
}  // namespace saturn::server

int main(int argc, char** argv) {
  saturn::config::Sources sources;
  sources.args.assign(argv + 1, argv + argc);
  sources.environment = saturn::config::split_environment(environ);
  return saturn::server::run(sources);
}
