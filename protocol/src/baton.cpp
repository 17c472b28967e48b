#include "protocol/baton.hpp"

#include "base/bytes.hpp"
#include "protocol/base64.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <algorithm>

namespace saturn::protocol {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kBootAt = 1;
constexpr std::size_t kStreamAt = 9;
constexpr std::size_t kSequenceAt = 17;
constexpr std::size_t kCheckAt = 25;
constexpr std::size_t kMacAt = 29;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kBatonBytes = kMacAt + kDigestBytes;
static_assert(kBatonBytes == 61);

using Digest = std::array<std::uint8_t, kDigestBytes>;

/// SHA-256 of what precedes the check.
bool check_of(const std::uint8_t* bytes, Digest& digest) {
  unsigned size = 0;
  return EVP_Digest(bytes, kCheckAt, digest.data(), &size, EVP_sha256(), nullptr) == 1 &&
         size == kDigestBytes;
}

bool mac_of(const BatonCodec::Key& key, const std::uint8_t* bytes, Digest& digest) {
  unsigned size = 0;
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, kMacAt, digest.data(),
              &size) != nullptr &&
         size == kDigestBytes;
}

}  // namespace

Result<BatonCodec> BatonCodec::create() {
  Key key;
  std::array<std::uint8_t, 8> boot_id;
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1 ||
      RAND_bytes(boot_id.data(), static_cast<int>(boot_id.size())) != 1) {
    return Error(Code::internal, "no random bytes for the key of batons");
  }
  return BatonCodec(key, load_be64(boot_id.data()));
}

Result<std::string> BatonCodec::encode(const Baton& baton) const {
  std::array<std::uint8_t, kBatonBytes> bytes{};
  bytes[0] = kVersion;
  store_be64(&bytes[kBootAt], boot_id_);
  store_be64(&bytes[kStreamAt], baton.stream_id);
  store_be64(&bytes[kSequenceAt], baton.sequence);
  Digest digest{};
  if (!check_of(bytes.data(), digest)) return Error(Code::internal, "SHA-256 failed");
  std::copy_n(digest.begin(), kMacAt - kCheckAt, &bytes[kCheckAt]);
  if (!mac_of(key_, bytes.data(), digest)) return Error(Code::internal, "HMAC-SHA256 failed");
  std::copy_n(digest.begin(), kDigestBytes, &bytes[kMacAt]);

  std::string text;
  append_base64(text, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

BatonVerdict BatonCodec::decode(std::string_view text, Baton& baton) const {
  constexpr std::size_t kTextBytes = (kBatonBytes * 4 + 2) / 3;
  if (text.size() != kTextBytes) return BatonVerdict::invalid;
  std::string standard(text);
  for (char& c : standard) {
    if (c == '+' || c == '/' || c == '=') return BatonVerdict::invalid;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  const auto decoded = decode_base64(standard);
  if (!decoded || decoded->size() != kBatonBytes) return BatonVerdict::invalid;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(decoded->data());
  Digest digest{};
  if (bytes[0] != kVersion || !check_of(bytes, digest) ||
      CRYPTO_memcmp(digest.data(), bytes + kCheckAt, kMacAt - kCheckAt) != 0) {
    return BatonVerdict::invalid;
  }
  if (load_be64(bytes + kBootAt) != boot_id_) return BatonVerdict::other_boot;
  if (!mac_of(key_, bytes, digest) ||
      CRYPTO_memcmp(digest.data(), bytes + kMacAt, kDigestBytes) != 0) {
    return BatonVerdict::invalid;
  }
  baton = {load_be64(bytes + kStreamAt), load_be64(bytes + kSequenceAt)};
  return BatonVerdict::valid;
}

}  // namespace saturn::protocol
