#include "stream_table.hpp"

#include "base/limits.hpp"
#include "protocol/error.hpp"

#include <chrono>
#include <vector>

namespace saturn::server {

StreamTable::Taken StreamTable::take(const std::optional<std::string>& text) {
  Taken taken;
  if (!text) {
    std::uint64_t id = 0;
    {
      MutexLock lock(mutex_);
      if (streams_.size() >= limits::kHttpStreamsMax) {
        taken.error = protocol::make_error(protocol::codes::kBlocked, "too many open streams");
        return taken;
      }
      id = next_id_++;
    }
    taken.lease = Lease{shared_.new_stream(), {id, 0}};
    return taken;
  }
  protocol::Baton baton;
  switch (codec_.decode(*text, baton)) {
    case protocol::BatonVerdict::other_boot: taken.error = protocol::restarted(); return taken;
    case protocol::BatonVerdict::invalid:
      taken.error = protocol::make_error(protocol::codes::kProtocolError, "invalid baton");
      return taken;
    case protocol::BatonVerdict::valid: break;
  }
  MutexLock lock(mutex_);
  const auto found = streams_.find(baton.stream_id);
  if (found == streams_.end()) {
    taken.error = protocol::make_error(protocol::codes::kStreamExpired,
                                       "the stream has expired, or its baton is in use");
    return taken;
  }
  if (found->second.sequence != baton.sequence) {
    taken.error =
        protocol::make_error(protocol::codes::kProtocolError, "the baton has been used already");
    return taken;
  }
  taken.lease = Lease{std::move(found->second.stream), baton};
  streams_.erase(found);
  return taken;
}

Result<std::string> StreamTable::next_baton(const Lease& lease) const {
  return codec_.encode({lease.baton.stream_id, lease.baton.sequence + 1});
}

Result<std::string> StreamTable::put_back(Lease lease) {
  const protocol::Baton next{lease.baton.stream_id, lease.baton.sequence + 1};
  std::string text = TRY(codec_.encode(next));
  MutexLock lock(mutex_);
  streams_[next.stream_id] = Entry{std::move(lease.stream), next.sequence, io::Clock::now()};
  return text;
}

void StreamTable::sweep() {
  std::vector<std::unique_ptr<SqlStream>> ended;
  const io::Clock::time_point now = io::Clock::now();
  const std::chrono::milliseconds idle_max(shared_.stream_idle_timeout_ms.load());
  MutexLock lock(mutex_);
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->second.stream->is_overdue(now)) it->second.stream->expire_transaction();
    const bool expired = idle_max.count() != 0 && now - it->second.idle_since > idle_max;
    if (expired) {
      ended.push_back(std::move(it->second.stream));
      it = streams_.erase(it);
    } else {
      ++it;
    }
  }
}

void StreamTable::clear() {
  MutexLock lock(mutex_);
  streams_.clear();
}

}  // namespace saturn::server
