#include "base/text.hpp"
#include "config/config.hpp"
#include "file_syntax.hpp"

#include <algorithm>

namespace saturn::config {

namespace {

constexpr std::string_view kVariablePrefix = "SATURN_";

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string_view nearest = nearest_name(word, candidates);
  return nearest.empty() ? std::string() : cat("; did you mean '", nearest, "'?");
}

template <typename Name>
std::vector<std::string> names_of_all(Name name) {
  std::vector<std::string> names;
  for (const Option& o : options()) names.push_back(name(o));
  return names;
}

/// "/etc/saturn/saturn.conf" -> "/etc/saturn/conf.d".
std::string drop_in_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return cat(slash == std::string::npos ? std::string() : path.substr(0, slash + 1), "conf.d");
}

template <typename T>
Error placed(std::string_view place, Result<T>&& failed) {
  Error error = std::move(failed).error();
  return Error(error.code(), cat(place, ": ", error.message()), error.sys_errno());
}

}  // namespace

/// One run of `load`. Flags are read first, since they name the file, and applied last.
class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {}

  Result<Config> run() {
    TRY(read_flags());
    if (config_.action_ == Action::help || config_.action_ == Action::version) return config_;
    if (!config_.config_path_.empty()) TRY(apply_files());
    TRY(apply_environment());
    for (const Flag& flag : flags_) {
      const std::string name = flag_name(*flag.option);
      auto set = config_.set(*flag.option, flag.value, cat("flag ", name));
      if (!set) return placed(name, std::move(set));
    }
    return std::move(config_);
  }

 private:
  struct Flag {
    const Option* option;
    std::string value;
  };

  Result<void> read_flags() {
    for (next_ = 0; next_ < sources_.args.size();) TRY(read_flag(sources_.args[next_++]));
    return {};
  }

  Result<void> read_flag(const std::string& arg) {
    const std::size_t equals = arg.find('=');
    const std::string name = arg.substr(0, equals);
    if (name == "--help" || name == "-h") return read_action(arg, name, Action::help);
    if (name == "--version") return read_action(arg, name, Action::version);
    if (name == "--print-config") return read_action(arg, name, Action::print_config);
    if (name == "--check-config") return read_action(arg, name, Action::check_config);
    if (name == "--probe-vfs") return read_action(arg, name, Action::probe_vfs);
    if (name == "--config") {
      if (!config_.config_path_.empty()) return Error(Code::error, "--config is given twice");
      config_.config_path_ = TRY(flag_value(arg, equals, "the path of a file"));
      if (config_.config_path_.empty()) return Error(Code::error, "--config: the path is empty");
      return {};
    }
    for (const Option& o : options()) {
      if (flag_name(o) != name) continue;
      flags_.push_back({&o, TRY(flag_value(arg, equals, accepted(o)))});
      return {};
    }
    if (!arg.starts_with('-')) return Error(Code::error, cat("unexpected argument '", arg, "'"));
    auto names = names_of_all(flag_name);
    names.insert(names.end(), {"--check-config", "--config", "--help", "--print-config",
                               "--probe-vfs", "--version"});
    return Error(Code::error, cat("unknown flag '", name, "'", did_you_mean(name, names)));
  }

  /// Help wins over version, and both over everything else.
  Result<void> read_action(const std::string& arg, const std::string& name, Action action) {
    if (arg != name) return Error(Code::error, cat(name, " takes no value"));
    const auto rank = [](Action a) {
      return a == Action::help ? 3 : a == Action::version ? 2 : a == Action::run ? 0 : 1;
    };
    if (rank(action) > rank(config_.action_)) config_.action_ = action;
    return {};
  }

  /// What follows the '=', or the next argument. One that looks like a flag is none: then the value
  /// was forgotten.
  Result<std::string> flag_value(const std::string& arg, std::size_t equals,
                                 std::string_view accepts) {
    if (equals != std::string::npos) return arg.substr(equals + 1);
    if (next_ == sources_.args.size() || sources_.args[next_].starts_with("--")) {
      return Error(Code::error, cat(arg, " needs a value; accepted: ", accepts));
    }
    return sources_.args[next_++];
  }

  Result<void> apply_files() {
    TRY(apply_file(config_.config_path_));
    const std::string directory = drop_in_directory(config_.config_path_);
    auto names = TRY(sources_.files->list(directory));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (name.ends_with(".conf") && !name.starts_with('.')) {
        TRY(apply_file(cat(directory, '/', name)));
      }
    }
    return {};
  }

  Result<void> apply_file(const std::string& path) {
    const std::string text = TRY(sources_.files->read(path));
    const auto entries = TRY(parse_file(path, text));
    std::array<unsigned, kOptionCount> line_of{};  // 0 = not set in this file
    for (const Entry& entry : entries) {
      const std::string place = cat(path, ':', entry.line);
      const Option* found = find_option(entry.key);
      if (found == nullptr) {
        const auto names = names_of_all([](const Option& o) { return std::string(o.name); });
        return Error(Code::error, cat(place, ": unknown option '", entry.key, "'",
                                      did_you_mean(entry.key, names)));
      }
      unsigned& first = line_of[static_cast<std::size_t>(found->id)];
      if (first != 0) {
        return Error(Code::error, cat(place, ": '", entry.key, "' is set already on line ", first));
      }
      first = entry.line;
      auto set = config_.set(*found, entry.value, place);
      if (!set) return placed(place, std::move(set));
    }
    return {};
  }

  Result<void> apply_environment() {
    const auto names = names_of_all(variable_name);
    for (const auto& [name, value] : sources_.environment) {
      if (!name.starts_with(kVariablePrefix)) continue;
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) {
        return Error(Code::error,
                     cat("unknown environment variable '", name, "'", did_you_mean(name, names)));
      }
      const Option& o = options()[static_cast<std::size_t>(found - names.begin())];
      auto set = config_.set(o, value, cat("environment ", name));
      if (!set) return placed(cat("environment variable ", name), std::move(set));
    }
    return {};
  }

  const Sources& sources_;
  Config config_;
  std::vector<Flag> flags_;
  std::size_t next_ = 0;  // the argument to read next
};

Result<Config> load(const Sources& sources) { return Loader(sources).run(); }

std::vector<std::pair<std::string, std::string>> split_environment(const char* const* environment) {
  std::vector<std::pair<std::string, std::string>> out;
  for (; *environment != nullptr; ++environment) {
    const std::string_view text = *environment;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

}  // namespace saturn::config
