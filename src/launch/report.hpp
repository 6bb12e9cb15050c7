#pragma once
// What the launch checks found. A check is one box of the checklist (DESIGN §1).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"

namespace gantry::launch {

enum class Verdict { pass, warn, fail, skipped };
/// "pass", "warn", "fail", "skipped".
std::string_view name(Verdict verdict);

struct Check {
  std::string id;     ///< stable: "api", "key", "primary", "fallback", "credit"
  std::string title;  ///< "Primary openai/gpt-4.1"
  Verdict verdict = Verdict::skipped;
  std::string evidence = {};  ///< what was seen
  std::string remedy = {};    ///< what to do; empty when there is nothing to do
  std::string model = {};     ///< empty where a check is not about one
  std::optional<Duration> latency = {};
  std::optional<PicoUsd> cost = {};  ///< nullopt = not known or nothing was bought
};

struct Report {
  std::string route;
  std::string upstream;  ///< base URL
  std::vector<Check> checks = {};
  Duration took{};
  bool key_refused = false;  ///< upstream said a definite 401, of every key
  /// No check failed; warnings pass.
  [[nodiscard]] bool passed() const;
};

/// A table for people, one line a check with ✓, ✗, ! or –, then the remedies.
std::string table(const Report& report);
/// One JSON object with a newline at its end.
std::string json(const Report& report);

}  // namespace gantry::launch
