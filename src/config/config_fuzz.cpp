// Any bytes as a configuration file: building never crashes, no problem quotes a key, and what is accepted
// shows as a file that is accepted again and means the same.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "config/build.hpp"

namespace {

void require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gantry::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto draft = build(text, "fuzz.toml", {});
  for (const auto& problem : draft.problems) {
    require(!problem.message.empty() && !problem.remedy.empty() && !problem.where.empty(),
            "a problem says all three");
    require(!holds_key(problem.where) && !holds_key(problem.message) && !holds_key(problem.remedy),
            "no key is quoted");
  }
  if (!draft.problems.empty()) return 0;
  const auto shown = show(draft.config);
  const auto again = build(shown, "shown.toml", {});
  require(again.problems.empty(), "what is shown can be read");
  require(again.config == draft.config, "what is shown means the same");
  return 0;
}
