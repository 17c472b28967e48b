#pragma once

#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace saturn::protocol {

/// What a baton stands for: the `sequence`-th turn of an HTTP stream. Whoever keeps the streams
/// accepts a baton only with the sequence it gave out last, so that each is used once.
struct Baton {
  std::uint64_t stream_id = 0;
  std::uint64_t sequence = 0;
  bool operator==(const Baton&) const = default;
};

enum class BatonVerdict : std::uint8_t {
  valid,
  other_boot,  ///< well-formed, but of another run of the server: its stream is gone
  invalid,     ///< nothing that this server ever gave out
};

/// Makes and checks batons: 61 bytes in 82 characters of base64url, signed with HMAC-SHA256.
///
///     version 1 | boot id 8 | stream id 8 | sequence 8 | check 4 | HMAC-SHA256 of the first 29: 32
///
/// Integers are big-endian; `check` is the start of SHA-256 of what precedes it. It carries no
/// secrecy: it lets a codec whose key is another one tell a baton of before a restart from noise.
/// Both verdicts refuse the baton, so a forged `other_boot` gains nothing. Constant after
/// construction: any thread may use it. Never suspends.
class BatonCodec {
 public:
  using Key = std::array<std::uint8_t, 32>;

  /// `boot_id` differs from one run of the server to the next.
  BatonCodec(const Key& key, std::uint64_t boot_id) noexcept : key_(key), boot_id_(boot_id) {}
  /// With a random key and boot id; fails with `Code::internal` when the system has no randomness.
  static Result<BatonCodec> create();

  /// Fails with `Code::internal` when OpenSSL does.
  Result<std::string> encode(const Baton& baton) const;
  /// Fills `baton` when the verdict is `valid`, else leaves it alone.
  BatonVerdict decode(std::string_view text, Baton& baton) const;

 private:
  Key key_;
  std::uint64_t boot_id_;
};

}  // namespace saturn::protocol
