#include "config/config.hpp"

#include "base/text.hpp"

namespace saturn::config {

Config::Config() {
  for (const Option& o : options()) {
    auto defaulted = set(o, o.default_text, "default");
    ASSERT(defaulted.has_value());
  }
}

Result<void> Config::set(const Option& o, std::string_view text, std::string source) {
  auto parsed = TRY(parse_value(o, text));
  settings_[static_cast<std::size_t>(o.id)] = {std::move(parsed), std::move(source)};
  return {};
}

Listen Config::listen() const {
  const Parsed& value = setting(Id::listen).value;
  std::string host = value.text.substr(0, value.text.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {std::move(host), static_cast<std::uint16_t>(value.number)};
}

log::Level Config::log_level() const {
  log::Level level = log::Level::info;
  const bool known = log::parse_level(setting(Id::log_level).value.text, level);
  ASSERT(known);
  return level;
}

Differences reloadable_differences(const Config& before, const Config& after) {
  Differences out;
  for (const Option& o : options()) {
    const std::string& a = before.setting(o.id).value.text;
    const std::string& b = after.setting(o.id).value.text;
    if (a != b) (o.reloadable ? out.reloadable : out.needs_restart).push_back({&o, a, b});
  }
  return out;
}

}  // namespace saturn::config
