#pragma once
// The flags that say what an account may spend and a key may do, and the body of a request that they come to.

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gantry::cli {

/// Given flags only; "none" lifts a limit.
struct LimitFlags {
  std::optional<std::string> daily, weekly, monthly, total;
  void add_to(CLI::App& command);
  [[nodiscard]] bool any() const { return daily || weekly || monthly || total; }
};
struct PolicyFlags {
  std::optional<std::string> routes, models, requests_per_minute, tokens_per_minute, concurrency;
  std::vector<std::string> allow, deny;
  void add_to(CLI::App& command);
  [[nodiscard]] bool any() const;
};

/// The members, in the order in which they are given; only what was set.
class AdminBody {
 public:
  void text(std::string_view name, const std::optional<std::string>& value);
  void flag(std::string_view name, const std::optional<bool>& value);
  void number(std::string_view name, long long value);
  void limits(const LimitFlags& flags);
  void policy(const PolicyFlags& flags);
  /// "2027-12-31T23:59:59Z", "2027-12-31" (to its end), "30d" or "12h" from now, "never".
  void expires(const std::optional<std::string>& value);
  [[nodiscard]] std::string json() const { return "{" + members_ + "}"; }
  [[nodiscard]] bool empty() const { return members_.empty(); }

 private:
  void raw(std::string_view name, std::string_view json);
  std::string members_;
};

/// A duration as in the configuration, or in days ("30d"); nullopt for what is none.
std::optional<long long> seconds_in(const std::string& text);

}  // namespace gantry::cli
