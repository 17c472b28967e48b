#include "functions/json/argument.hpp"
#include "functions/json/path.hpp"
#include "functions/json/text.hpp"
#include "functions/table_function.hpp"
#include "value/number.hpp"

// json_each and json_tree: the members of an element, and all that is in it. A row's id is the
// place of its label or, without one, of the element in the JSONB. jsonb_each and jsonb_tree are
// the same with JSONB for values that are arrays or objects.

namespace saturn::sql {
namespace {

using namespace json;

enum Column : std::size_t { key, value, type, atom, id, parent, fullkey, path, json_text, root };

class JsonCursor final : public TableCursor {
 public:
  JsonCursor(bool tree, bool binary) : tree_(tree), binary_(binary) {}

  Result<void> start(std::span<const std::optional<ValueRef>> arguments) override;
  Result<bool> next() override;
  Result<ValueRef> column(std::size_t column, ValueArena& arena) override;
  std::int64_t rowid() const noexcept override { return row_; }

 private:
  /// A container whose members are being visited.
  struct Level {
    Element container;
    std::size_t head = 0;  ///< its own id
    std::size_t at = 0;    ///< of the next member
    std::int64_t members = 0;
    std::size_t path_size = 0;  ///< of the path to it
  };

  void enter(const Element& container, std::size_t head);
  Result<bool> next_member_of_last();
  Result<ValueRef> key_of(ValueArena& arena) const;
  std::size_t last_step() const noexcept;

  const bool tree_;
  const bool binary_;
  ValueRef given_;
  Document document_;
  std::vector<Level> levels_;
  std::string path_;           ///< to the container, and in a tree to the row itself
  std::size_t root_size_ = 0;  ///< of the path that was asked for
  bool before_first_ = false;
  bool done_ = true;
  Member member_;              ///< the row
  bool is_root_ = false;       ///< the row is the element that was asked for
  std::size_t base_size_ = 0;  ///< of the path to the row's container
  std::int64_t row_ = -1;
  Place start_;
};

Result<void> JsonCursor::start(std::span<const std::optional<ValueRef>> arguments) {
  document_ = Document();
  levels_.clear();
  done_ = true;
  row_ = -1;
  given_ = arguments[0].value_or(ValueRef());
  const bool present = TRY(document_.read(given_));
  if (!present) return {};
  path_ = "$";
  if (arguments[1]) {
    if (arguments[1]->is_null()) return {};
    ValueArena arena;
    path_ = to_text(*arguments[1], arena);
  }
  root_size_ = path_.size();
  const Found found = find(document_.bytes(), path_, start_);
  if (found == Found::bad_path) return bad_path(path_);
  if (found == Found::malformed) return malformed();
  done_ = found == Found::no;
  before_first_ = true;
  return {};
}

void JsonCursor::enter(const Element& container, std::size_t head) {
  levels_.push_back({container, head, container.payload_at(), -1, path_.size()});
}

/// Goes on in the innermost container; false when it has no more.
Result<bool> JsonCursor::next_member_of_last() {
  Level& level = levels_.back();
  path_.resize(level.path_size);
  const Walk walk = next_member(document_.bytes(), level.container, level.at, member_);
  if (walk == Walk::malformed) return malformed();
  if (walk == Walk::end) return false;
  ++level.members;
  base_size_ = path_.size();
  if (member_.label) {
    append_label_step(path_, member_.label->payload(document_.bytes()));
  } else {
    path_ += '[';
    path_ += std::to_string(level.members);
    path_ += ']';
  }
  return true;
}

Result<bool> JsonCursor::next() {
  if (done_) return false;
  if (before_first_) {
    before_first_ = false;
    const Element& element = start_.element;
    is_root_ = tree_ || !is_container(element.kind);
    if (is_root_) {
      member_ = Member();
      member_.value = element;
      if (start_.label_at != 0) member_.label = element_at(document_.bytes(), start_.label_at);
      base_size_ = tree_ ? last_step() : path_.size();
      ++row_;
      return true;
    }
    enter(element, element.at);
  } else if (tree_ && is_container(member_.value.kind)) {
    enter(member_.value, member_.at());
  }
  is_root_ = false;
  while (!levels_.empty()) {
    const bool more = TRY(next_member_of_last());
    if (more) {
      ++row_;
      return true;
    }
    levels_.pop_back();
  }
  done_ = true;
  return false;
}

/// Where the last step of the path that was asked for starts; its end when it has none.
std::size_t JsonCursor::last_step() const noexcept {
  std::size_t at = path_.size();
  if (at <= 1) return at;
  for (--at; at > 1; --at) {
    if (path_[at] != '[' && path_[at] != '.') continue;
    Place place;
    // A bracket or a point in a quoted label starts no step: then what is before it is no path.
    const Found found = find(document_.bytes(), std::string_view(path_).substr(0, at), place);
    if (found == Found::yes && is_container(place.element.kind)) return at;
  }
  return at;
}

/// The key of the row; of the element that was asked for the last step of its path.
Result<ValueRef> JsonCursor::key_of(ValueArena& arena) const {
  if (!is_root_) {
    if (!member_.label) return ValueRef::integer(levels_.back().members);
    return to_value(arena, document_.bytes(), *member_.label, false);
  }
  const std::string_view step = std::string_view(path_).substr(base_size_, root_size_ - base_size_);
  if (root_size_ <= 1 || step.empty()) return ValueRef();
  if (step[0] == '[') {
    return ValueRef::integer(parse_integer(step.substr(1, step.size() - 2)).value);
  }
  if (step.size() > 1 && step[1] == '"') {
    return ValueRef::text(arena.copy(step.substr(2, step.size() - 3)));
  }
  return ValueRef::text(arena.copy(step.substr(1)));
}

Result<ValueRef> JsonCursor::column(std::size_t column, ValueArena& arena) {
  const Element& element = member_.value;
  switch (column) {
    case Column::key: return key_of(arena);
    case Column::value: return to_value(arena, document_.bytes(), element, binary_);
    case Column::type: return ValueRef::text(type_name(element.kind));
    case Column::atom:
      if (is_container(element.kind)) return ValueRef();
      return to_value(arena, document_.bytes(), element, false);
    case Column::id: return ValueRef::integer(static_cast<std::int64_t>(member_.at()));
    case Column::parent:
      if (!tree_ || levels_.empty()) return ValueRef();
      return ValueRef::integer(static_cast<std::int64_t>(levels_.back().head));
    case Column::fullkey: return ValueRef::text(arena.copy(path_));
    case Column::path:
      return ValueRef::text(arena.copy(std::string_view(path_).substr(0, base_size_)));
    case Column::json_text: return given_;
    default: return ValueRef::text(arena.copy(std::string_view(path_).substr(0, root_size_)));
  }
}

class JsonTable final : public TableFunction {
 public:
  JsonTable(std::string_view function, bool tree, bool binary) : tree_(tree), binary_(binary) {
    name = function;
    columns = {{"key", ""}, {"value", ""},  {"type", ""},    {"atom", ""},
               {"id", ""},  {"parent", ""}, {"fullkey", ""}, {"path", ""}};
    arguments = {{"json", ""}, {"root", ""}};
  }
  std::unique_ptr<TableCursor> make_cursor(Runtime&, const Schemas&) const override {
    return std::make_unique<JsonCursor>(tree_, binary_);
  }

 private:
  const bool tree_;
  const bool binary_;
};

}  // namespace

std::span<const TableFunction* const> json_table_functions() noexcept {
  static const JsonTable kEach("json_each", false, false);
  static const JsonTable kTree("json_tree", true, false);
  static const JsonTable kBinaryEach("jsonb_each", false, true);
  static const JsonTable kBinaryTree("jsonb_tree", true, true);
  static const TableFunction* const kAll[] = {&kEach, &kTree, &kBinaryEach, &kBinaryTree};
  return kAll;
}

}  // namespace saturn::sql
