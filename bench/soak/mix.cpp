#include "soak/mix.hpp"

#include <array>
#include <string_view>

namespace gantry::bench {

namespace {

// Each fault fails its own model only: what is wrong with a key or a whole upstream would rightly fail
// healthy calls too.
constexpr std::array<std::string_view, 18> kFaults{
    "sim/status-500",   "sim/status-502",       "sim/status-503",      "sim/status-529", "sim/status-429",
    "sim/status-404",   "sim/status-400",       "sim/moderation",      "sim/error-200",  "sim/empty",
    "sim/html-200",     "sim/broken-json",      "sim/no-choices",      "sim/mid-error",  "sim/no-finish",
    "sim/close-at-100", "sim/close-mid-stream", "sim/reset-mid-stream"};
constexpr std::string_view kHealthy = "openai/gpt-4o-mini";
constexpr std::string_view kSlowStream = "sim/slow-tokens";
constexpr std::string_view kSlowAnswer = "sim/slow-first";

std::string request_of(int port, std::string_view model, bool stream, bool lone) {
  std::string body = R"({"model":")";
  body.append(model).append(R"(",)").append(stream ? R"("stream":true,)" : "");
  body +=
      R"("max_tokens":30,"messages":[{"role":"user","content":"Which checks are still red, and whose are they?"}]})";
  std::string head = "POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                     "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
  if (lone) head += "\r\nx-gantry-fallback: none";
  return head + "\r\n\r\n" + body;
}

}  // namespace

Asked Mix::next() {
  std::uniform_real_distribution<double> share(0, 1);
  const auto coin = [this] { return random_() % 2 == 0; };
  const double drawn = share(random_);
  Asked asked;
  asked.stream = coin();
  std::string_view model = kHealthy;
  bool lone = false;
  if (drawn < shares_.faults) {
    asked.kind = Kind::faulty;
    model = kFaults[random_() % kFaults.size()];
    lone = coin();
  } else if (drawn < shares_.faults + shares_.hang_ups) {
    asked.kind = Kind::leaving;
    model = asked.stream ? kSlowStream : kSlowAnswer;
  }
  asked.request = request_of(port_, model, asked.stream, lone);
  return asked;
}

}  // namespace gantry::bench
