#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace saturn::sql {

/// What the rows take that a session's statements keep (sorts, hash tables, materialised
/// queries, ...), against a limit. Whoever keeps rows charges for them as they come and never
/// fails; `Runtime::poll` looks whether it has become too much. One fiber at a time.
class MemoryAccount {
 public:
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

  void charge(std::size_t bytes) noexcept { used_ += bytes; }
  void release(std::size_t bytes) noexcept { used_ -= bytes; }
  std::uint64_t used() const noexcept { return used_; }  ///< bytes
  std::uint64_t limit() const noexcept { return limit_; }
  void set_limit(std::uint64_t bytes) noexcept { limit_ = bytes; }
  /// Whether somebody who has `own` bytes of it should put them into a file: the account is used to
  /// 1/`share`, and it would be worth a file.
  bool wants_back(std::uint64_t own, std::uint64_t share = 2) const noexcept {
    return used_ > limit_ / share && own >= limit_ / 16;
  }
  /// `nomem` when the account, with `more` bytes besides, is past its limit.
  Result<void> check(std::size_t more = 0) const {
    if (used_ + more <= limit_) return {};
    return Error(Code::nomem, "out of memory");
  }

 private:
  std::uint64_t used_ = 0;
  std::uint64_t limit_ = kNoLimit;
};

/// The part of an account that one object answers for: given back with the object.
class MemoryCharge {
 public:
  explicit MemoryCharge(MemoryAccount& account) noexcept : account_(&account) {}
  MemoryCharge(MemoryCharge&& other) noexcept
      : account_(other.account_), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryCharge& operator=(MemoryCharge&& other) noexcept {
    if (this == &other) return *this;
    set(0);
    account_ = other.account_;
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  ~MemoryCharge() { account_->release(bytes_); }
  std::size_t bytes() const noexcept { return bytes_; }

  void add(std::size_t bytes) noexcept {
    account_->charge(bytes);
    bytes_ += bytes;
  }
  void set(std::size_t bytes) noexcept {
    account_->release(bytes_);
    account_->charge(bytes);
    bytes_ = bytes;
  }

 private:
  MemoryAccount* account_;
  std::size_t bytes_ = 0;
};

}  // namespace saturn::sql
