#pragma once
// Reading what operators send: every value is checked, every mistake is told with its field's name, all at
// once, and a member that nobody knows is a mistake too. Pure.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"
#include "spend/account.hpp"
#include "wire/envelope.hpp"
#include "wire/json_index.hpp"

namespace gantry::access {

/// What is wrong so far. Nothing is changed as long as it holds something.
class Problems {
 public:
  void add(std::string field, std::string message) {
    found_.push_back({std::move(field), std::move(message)});
  }
  [[nodiscard]] bool empty() const { return found_.empty(); }
  [[nodiscard]] const std::vector<wire::FieldProblem>& all() const { return found_; }

 private:
  std::vector<wire::FieldProblem> found_;
};

/// A value with its name, for messages ("policy.models").
struct Field {
  std::string name;
  wire::JsonValue value;
};

/// The members of an object by the names that it may have; what is no object, named twice or not known is a
/// problem. `prefix` is "" for the body itself.
std::vector<Field> members(const Field& object, std::span<const std::string_view> known, Problems& problems);
/// The last part of a field's name: "models" of "policy.models".
std::string_view leaf(const Field& field);

// Each says what is wrong and gives nothing then. A null is a problem, unless said otherwise.
std::optional<std::string> read_text(const Field& field, Problems& problems);
std::optional<bool> read_flag(const Field& field, Problems& problems);
std::optional<std::int64_t> read_integer(const Field& field, std::int64_t least, std::int64_t most,
                                         Problems& problems);
/// USD, as a decimal text or a number, exactly: not negative, with at most twelve decimals.
std::optional<PicoUsd> read_money(const Field& field, Problems& problems);
/// A moment, UTC.
std::optional<WallTime> read_moment(const Field& field, Problems& problems);

/// What a change says of a value that may be nothing: nullopt = not a word, inner nullopt = null.
template <class T>
using Said = std::optional<std::optional<T>>;

/// {"daily":…,"weekly":…,"monthly":…,"total":…}, each money or null.
using SaidLimits = std::array<Said<PicoUsd>, spend::kPeriodCount>;
SaidLimits read_limits(const Field& field, Problems& problems);

/// 1 to 100 bytes on one line, not blank at its ends.
std::optional<std::string> read_name(const Field& field, Problems& problems);

/// A name that is not known, as it may be told back: it is the sender's text, and may be a key.
std::string told_name(std::string_view name);
/// True when something in it looks like a key.
bool holds_key(std::string_view text);

/// "is not known; there are a, b and c"
std::string not_known(std::span<const std::string_view> known);

}  // namespace gantry::access
