#include "soak/mix.hpp"

#include <string_view>

namespace gantry::bench {

namespace {

constexpr std::string_view kHealthy = "openai/gpt-4o-mini";
constexpr std::string_view kSlowStream = "sim/slow-tokens";
constexpr std::string_view kSlowAnswer = "sim/slow-first";

std::string request_of(int port, std::string_view model, bool stream) {
  std::string body = R"({"model":")";
  body.append(model).append(R"(",)").append(stream ? R"("stream":true,)" : "");
  body +=
      R"("max_tokens":30,"messages":[{"role":"user","content":"Which checks are still red, and whose are they?"}]})";
  std::string head = "POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                     "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
  return head + "\r\n\r\n" + body;
}

}  // namespace

Asked Mix::next() {
  std::uniform_real_distribution<double> share(0, 1);
  const auto coin = [this] { return random_() % 2 == 0; };
  const double drawn = share(random_);
  Asked asked;
  asked.stream = coin();
  std::string model(kHealthy);
  if (drawn < shares_.faults) {
    asked.kind = Kind::faulty;
    model = "soak-" + std::to_string(random_() % shares_.routes);
  } else if (drawn < shares_.faults + shares_.hang_ups) {
    asked.kind = Kind::leaving;
    model = asked.stream ? kSlowStream : kSlowAnswer;
  }
  asked.request = request_of(port_, model, asked.stream);
  return asked;
}

}  // namespace gantry::bench
