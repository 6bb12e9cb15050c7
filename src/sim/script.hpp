#pragma once
// A timeline of faults. One rule a line, # begins a comment:
//
//   from 0s to 60s model openai/gpt-4.1 answers 503
//   from 1m model anthropic/* answers status=429;retry-after=5
//   calls 1-3 model * answers stall-mid
//   path /key from 10s to 20s answers 401
//
// Times count from the script's start (the simulator's, a POST of the script, or a reset); `calls` counts the
// requests that the rest of the rule fits. `*` stands for any run of characters. A rule without `path` is
// about completions. All rules that apply are merged, later lines winning.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/faults.hpp"

namespace gantry::sim {

struct ScriptRule {
  Duration from{0};
  Duration to = Duration::max();
  std::uint64_t first_call = 0, last_call = 0;  ///< from 1; 0 = any
  std::string model = "*";
  std::string path;  ///< below /api/v1; empty = completions
  FaultSet faults;
  int line = 0;
};

/// Immutable rules with their counters; the counters are atomic, so one script serves all shards.
class Script {
 public:
  /// Errors: bad_input with every wrong line as "source:line: what is wrong", one a line.
  static Result<std::shared_ptr<Script>> parse(std::string_view text, std::string_view source);
  static Result<std::shared_ptr<Script>> load(const std::string& file);
  ~Script();

  /// The faults of a request `elapsed` after the start. `path` is below /api/v1 ("/chat/completions");
  /// `completion` says whether it is one. Counts the request.
  [[nodiscard]] FaultSet faults_for(Duration elapsed, std::string_view path, bool completion,
                                    std::string_view model);
  /// Counts calls from zero again.
  void restart();
  [[nodiscard]] const std::vector<ScriptRule>& rules() const { return rules_; }

 private:
  struct Counters;
  Script(std::vector<ScriptRule> rules);
  std::vector<ScriptRule> rules_;
  std::unique_ptr<Counters> counters_;
};

/// `*` matches any run of characters, everything else itself.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace gantry::sim
