#include "functions/json/path.hpp"

#include "base/limits.hpp"
#include "functions/json/text.hpp"

#include <algorithm>

namespace saturn::sql::json {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

struct Step {
  bool is_label = false;
  std::string_view label;
  bool plain = true;  ///< the label has no escapes
  bool from_end = false;
  std::uint32_t number = 0;
};

/// As SQLite counts: modulo 2^32.
std::uint32_t read_number(std::string_view path, std::size_t& at) noexcept {
  std::uint32_t v = 0;
  for (; at < path.size() && is_digit(path[at]); ++at) {
    v = v * 10 + static_cast<std::uint32_t>(path[at] - '0');
  }
  return v;
}

bool take_quoted_label(std::string_view& path, Step& step) noexcept {
  std::size_t end = 2;
  for (; end < path.size() && path[end] != '"'; ++end) {
    if (path[end] == '\\' && end + 1 < path.size()) ++end;
  }
  if (end >= path.size()) return false;
  step.label = path.substr(2, end - 2);
  step.plain = step.label.find('\\') == std::string_view::npos;
  path.remove_prefix(end + 1);
  return true;
}

bool take_index(std::string_view& path, Step& step) noexcept {
  const auto byte = [&](std::size_t i) { return i < path.size() ? path[i] : '\0'; };
  std::size_t at = 1;
  if (byte(1) == '#') {
    step.from_end = true;
    at = 2;
    if (byte(2) == '-' && is_digit(byte(3))) {
      at = 3;
      step.number = read_number(path, at);
    }
  } else {
    step.number = read_number(path, at);
    if (at == 1) return false;
  }
  if (byte(at) != ']') return false;
  path.remove_prefix(at + 1);
  return true;
}

/// Cuts the first step off; false when it is none.
bool take_step(std::string_view& path, Step& step) noexcept {
  step = Step();
  if (path[0] == '[') return take_index(path, step);
  if (path[0] != '.') return false;
  step.is_label = true;
  if (path.size() > 1 && path[1] == '"') return take_quoted_label(path, step);
  const std::size_t end = std::min(path.find_first_of(".[", 1), path.size());
  if (end == 1) return false;
  step.label = path.substr(1, end - 1);
  path.remove_prefix(end);
  return true;
}

/// The way to an element: the containers around it, outermost first.
struct Way {
  std::vector<std::size_t> containers;
  Place place;
  /// Where it ended too early: what is left of the path, and its first step.
  std::string_view rest;
  Step step;
  bool may_append = false;  ///< the last container could take the step's element at its end
};

Found step_into_object(std::string_view document, const Step& step, Way& way) {
  const Element object = way.place.element;
  std::size_t at = object.payload_at();
  Member member;
  for (;;) {
    const Walk walk = next_member(document, object, at, member);
    if (walk == Walk::malformed) return Found::malformed;
    if (walk == Walk::end) break;
    const Element& label = *member.label;
    if (!same_label(step.label, step.plain, label.payload(document), is_plain_text(label.kind))) {
      continue;
    }
    way.place = {member.value, label.at};
    return Found::yes;
  }
  way.may_append = true;
  return Found::no;
}

Found step_into_array(std::string_view document, Step step, Way& way) {
  const Element array = way.place.element;
  Member member;
  std::uint64_t number = step.number;
  if (step.from_end) {
    std::uint64_t count = 0;
    std::size_t at = array.payload_at();
    for (;; ++count) {
      const Walk walk = next_member(document, array, at, member);
      if (walk == Walk::malformed) return Found::malformed;
      if (walk == Walk::end) break;
    }
    if (step.number > count) return Found::no;
    number = count - step.number;
  }
  std::size_t at = array.payload_at();
  for (;; --number) {
    const Walk walk = next_member(document, array, at, member);
    if (walk == Walk::malformed) return Found::malformed;
    if (walk == Walk::end) break;
    if (number > 0) continue;
    way.place = {member.value, 0};
    return Found::yes;
  }
  way.may_append = number == 0;
  return Found::no;
}

Found walk_path(std::string_view document, std::string_view path, Way& way) {
  if (path.empty() || path[0] != '$') return Found::bad_path;
  const auto root = element_at(document, 0);
  if (!root) return Found::malformed;
  way.place = {*root, 0};
  path.remove_prefix(1);
  while (!path.empty()) {
    const Kind kind = way.place.element.kind;
    if (path[0] == '[' && kind != Kind::array) return Found::no;
    if (!take_step(path, way.step)) return Found::bad_path;
    if (way.step.is_label && kind != Kind::object) return Found::no;
    way.containers.push_back(way.place.element.at);
    way.rest = path;
    const Found found = way.step.is_label ? step_into_object(document, way.step, way)
                                          : step_into_array(document, way.step, way);
    if (found != Found::yes) return found;
  }
  return Found::yes;
}

/// Puts `bytes` in the place of document[from, to), which is in the first `around` of `containers`,
/// each in the one before. Their headers may grow or shrink: what lies behind is moved along.
void splice(std::string& document, std::vector<std::size_t>& containers, std::size_t around,
            std::size_t from, std::size_t to, std::string_view bytes) {
  document.replace(from, to - from, bytes);
  auto by = static_cast<std::ptrdiff_t>(bytes.size()) - static_cast<std::ptrdiff_t>(to - from);
  for (std::size_t i = around; i-- > 0;) {
    const std::ptrdiff_t grown = grow(document, containers[i], by);
    for (std::size_t inner = i + 1; inner < containers.size(); ++inner) {
      containers[inner] += static_cast<std::size_t>(grown - by);
    }
    by = grown;
  }
}

/// Puts an element in the place of document[from, to). Like SQLite's, a shorter one gets a longer
/// header if that fills the room, so that nothing behind it has to move.
void replace_element(std::string& document, std::vector<std::size_t>& containers,
                     std::size_t around, std::size_t from, std::size_t to,
                     std::string_view element) {
  std::string stretched(element);
  const std::size_t room = to - from;
  if (room > element.size() && stretch_header(stretched, room - element.size())) {
    element = stretched;
  }
  splice(document, containers, around, from, to, element);
}

void append_label(std::string& out, const Step& step) {
  append_element(out, step.plain ? Kind::text_raw : Kind::text_escaped5, step.label);
}

/// What has to be added where `step` found nothing, `rest` being the path behind it: the value in
/// new objects and arrays.
Found make_member(const Step& step, std::string_view rest, std::string_view value,
                  std::string& out) {
  std::vector<Step> steps;
  while (!rest.empty()) {
    Step next;
    if (!take_step(rest, next)) return Found::bad_path;
    // A new array has no elements to find.
    if (!next.is_label && next.number != 0) return Found::no;
    steps.push_back(next);
  }
  if (step.is_label) append_label(out, step);
  std::vector<std::size_t> open;
  for (const Step& next : steps) {
    open.push_back(begin_container(out, next.is_label ? Kind::object : Kind::array));
    if (next.is_label) append_label(out, next);
  }
  out += value;
  for (std::size_t i = open.size(); i-- > 0;) end_container(out, open[i]);
  return Found::yes;
}

/// Merges a patch into the element that is last in `targets_`; those before it are around it.
class Merger {
 public:
  Merger(std::string& document, std::string_view patch) : document_(document), patch_(patch) {}

  bool merge(const Element& patch) {
    if (targets_.size() > limits::kJsonNestingMax) return false;
    const auto target = element_at(document_, targets_.back());
    if (!target) return false;
    const bool is_object = patch.kind == Kind::object;
    if (!is_object) {
      replace_element(document_, targets_, targets_.size() - 1, target->at, target->end(),
                      patch_.substr(patch.at, patch.header + patch.size));
      return true;
    }
    if (target->kind != Kind::object) {
      splice(document_, targets_, targets_.size() - 1, target->at, target->end(), kEmptyObject);
    }
    std::size_t at = patch.payload_at();
    Member member;
    for (;;) {
      const Walk walk = next_member(patch_, patch, at, member);
      if (walk == Walk::malformed) return false;
      if (walk == Walk::end) return true;
      if (!merge_member(member)) return false;
    }
  }

 private:
  static constexpr std::string_view kEmptyObject{"\x0c", 1};

  bool merge_member(const Member& patch) {
    const auto target = element_at(document_, targets_.back());
    if (!target) return false;
    std::size_t at = target->payload_at();
    Member member;
    Walk walk = Walk::member;
    while ((walk = next_member(document_, *target, at, member)) == Walk::member) {
      if (same_label(patch.label->payload(patch_), is_plain_text(patch.label->kind),
                     member.label->payload(document_), is_plain_text(member.label->kind))) {
        break;
      }
    }
    if (walk == Walk::malformed) return false;
    if (patch.value.kind == Kind::null) {
      if (walk == Walk::end) return true;
      splice(document_, targets_, targets_.size(), member.at(), member.value.end(), "");
      return true;
    }
    std::size_t value_at = member.value.at;
    if (walk == Walk::end) {
      // A new member: the label, and null for the patch to be merged into.
      std::string added(patch_.substr(patch.label->at, patch.label->header + patch.label->size));
      added += '\0';
      splice(document_, targets_, targets_.size(), target->end(), target->end(), added);
      value_at = element_at(document_, targets_.back())->end() - 1;
    }
    targets_.push_back(value_at);
    const bool merged = merge(patch.value);
    targets_.pop_back();
    return merged;
  }

  std::string& document_;
  const std::string_view patch_;
  std::vector<std::size_t> targets_{0};
};

bool is_simple_label(std::string_view label) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !label.empty() && letter(label[0]) &&
         std::all_of(label.begin(), label.end(), [&](char c) { return letter(c) || is_digit(c); });
}

}  // namespace

Found find(std::string_view document, std::string_view path, Place& out) {
  Way way;
  const Found found = walk_path(document, path, way);
  out = way.place;
  return found;
}

Found change(std::string& document, std::string_view path, Change how, std::string_view value) {
  Way way;
  const Found found = walk_path(document, path, way);
  if (found == Found::yes) {
    const std::size_t end = way.place.element.end();
    switch (how) {
      case Change::insert: return Found::no;
      case Change::remove:
        splice(document, way.containers, way.containers.size(),
               way.place.label_at != 0 ? way.place.label_at : way.place.element.at, end, "");
        return found;
      case Change::replace:
      case Change::set:
        replace_element(document, way.containers, way.containers.size(), way.place.element.at, end,
                        value);
        return found;
      case Change::array_insert:
        if (way.containers.empty() || way.place.label_at != 0) return Found::no;
        splice(document, way.containers, way.containers.size(), way.place.element.at,
               way.place.element.at, value);
        return found;
    }
  }
  const bool adds = how == Change::insert || how == Change::set || how == Change::array_insert;
  if (found != Found::no || !adds || !way.may_append) return found;
  std::string member;
  const Found made = make_member(way.step, way.rest, value, member);
  if (made != Found::yes) return made;
  const std::size_t end = way.place.element.end();
  splice(document, way.containers, way.containers.size(), end, end, member);
  return Found::yes;
}

bool merge_patch(std::string& document, std::string_view patch) {
  const auto root = element_at(patch, 0);
  return root && Merger(document, patch).merge(*root);
}

std::string arrow_path(std::string_view text, bool is_number) {
  std::string path = "$";
  const bool alphanumeric = std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (is_number) {
    path += '[';
    if (text.starts_with('-')) path += '#';
    path += text;
    path += ']';
  } else if (alphanumeric) {
    path += '.';
    path += text;
  } else if (text.size() >= 3 && text.starts_with('[') && text.ends_with(']')) {
    path += text;
  } else {
    path += ".\"";
    path += text;
    path += '"';
  }
  return path;
}

void append_label_step(std::string& path, std::string_view label) {
  path += '.';
  const bool simple = is_simple_label(label);
  if (!simple) path += '"';
  path += label;
  if (!simple) path += '"';
}

}  // namespace saturn::sql::json
