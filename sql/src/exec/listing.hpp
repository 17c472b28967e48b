#pragma once

#include "exec/expr.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saturn::sql {

/// What EXPLAIN shows of a program: its parts, each followed by those that it is made of.
/// Operators, access paths and programs list themselves; an expression is listed from outside.
///
/// Whoever lists itself opens one part, and adds what belongs to it while that is open:
///
///     const Listing::Part part = listing.part("Filter");
///     listing.add("condition", condition_);
///     listing.add("input", *input_);
class Listing {
 public:
  struct Row {
    std::string kind;         ///< of part: "Join", "Constant", "Index"
    std::int64_t number = 0;  ///< that goes with it: of a slot, a parameter, a database
    std::size_t parent = 0;   ///< the row that it is a part of; the first row is its own
    std::size_t depth = 0;    ///< how many rows it is below the first one
    std::string text;         ///< its name or value
    std::string role;         ///< what it is to its parent
  };

  /// While it lives, parts that are added are parts of it.
  class [[nodiscard]] Part {
   public:
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() { listing_.open_.pop_back(); }

   private:
    friend class Listing;
    explicit Part(Listing& listing) : listing_(listing) {}
    Listing& listing_;
  };

  Part part(std::string_view kind, std::string text = {}, std::int64_t number = 0);
  /// A part without parts of its own.
  void leaf(std::string_view role, std::string_view kind, std::string text = {},
            std::int64_t number = 0);

  /// Each adds `what` as a part of the open one; nothing where it is null.
  void add(std::string_view role, const ExprNode& what);
  void add(std::string_view role, const ExprPtr& what) {
    if (what) add(role, *what);
  }
  void add(std::string_view role, const std::vector<ExprPtr>& what);
  /// Anything that has `void list(Listing&) const`.
  template <typename T>
  void add(std::string_view role, const T& what) {
    role_ = role;
    what.list(*this);
  }

  /// False when it was asked for the same thing before: what several parts share is listed once.
  bool is_new(const void* shared);

  const std::vector<Row>& rows() const noexcept { return rows_; }

 private:
  void add_subquery(const ExprNode& node);

  std::vector<Row> rows_;
  std::vector<std::size_t> open_;  ///< the rows whose parts are being added, outermost first
  std::string role_;               ///< of the next part
  std::vector<const void*> shared_;
};

}  // namespace saturn::sql
