#include "base/limits.hpp"
#include "functions/json/argument.hpp"
#include "value/number.hpp"

// json_group_array() and json_group_object(), and their jsonb_ forms.

namespace saturn::sql {
namespace {

using namespace json;

/// Collects the members of an array or object as JSONB.
template <Kind Container, bool Binary>
class Group final : public Aggregate {
 public:
  Result<void> step(FunctionContext& context, Arguments a) override {
    if (Container == Kind::object) {
      if (a[0].is_null()) return {};  // no label, no member
      append_element(members_, Kind::text_raw, to_text(a[0], context.arena));
    }
    const std::size_t before = members_.size();
    TRY(append_value(members_, a.back(), context.arena, kLongInfinity));
    context.kept_bytes += members_.size() - before;
    if (members_.size() > limits::kLengthMax) return Error(Code::toobig);
    return {};
  }
  Result<ValueRef> finalize(FunctionContext& context) override {
    std::string document;
    append_element(document, Container, members_);
    return to_built_result(context.arena, document, Binary);
  }

 private:
  std::string members_;
};

template <Kind Container, bool Binary>
std::unique_ptr<Aggregate> make() {
  return std::make_unique<Group<Container, Binary>>();
}

constexpr Function kFunctions[] = {
    {"json_group_array", 1, 1, nullptr, make<Kind::array, false>, true, true},
    {"json_group_object", 2, 2, nullptr, make<Kind::object, false>, true, true},
    {"jsonb_group_array", 1, 1, nullptr, make<Kind::array, true>, true, true},
    {"jsonb_group_object", 2, 2, nullptr, make<Kind::object, true>, true, true},
};

}  // namespace

std::span<const Function> json_aggregates() noexcept { return kFunctions; }

}  // namespace saturn::sql
