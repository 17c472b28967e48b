#pragma once

#include <string_view>

namespace saturn::server {

/// Tells systemd of a change of state ("READY=1"); does nothing when nobody asked to be told, or in
/// a build without libsystemd.
void notify(std::string_view state);

/// The state that begins a reload, with the time that systemd wants beside it.
void notify_reloading();

}  // namespace saturn::server
