#include "upstream/reply.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "support/system.hpp"

namespace gantry::bench {

namespace {

constexpr std::string_view kBeforeContent =
    R"({"id":"gen-1764000000-benchbenchbench00000","object":"chat.completion","created":1764000000,)"
    R"("model":"openai/gpt-4o-mini","provider":"OpenAI","system_fingerprint":null,"choices":[{"index":0,)"
    R"("logprobs":null,"finish_reason":"stop","native_finish_reason":"stop","message":{"role":"assistant",)"
    R"("content":")";
constexpr std::string_view kAfterContent =
    R"(","refusal":null,"reasoning":null}}],"usage":{"prompt_tokens":148,"completion_tokens":161,)"
    R"("total_tokens":309,"cost":0.0001188,"is_byok":false,"prompt_tokens_details":{"cached_tokens":0,)"
    R"("audio_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":)"
    R"({"reasoning_tokens":0,"image_tokens":0}}})";
constexpr std::string_view kWords = "A toll gantry meters everything that passes below it. ";

constexpr std::string_view kFrameStart =
    R"({"id":"gen-1764000000-benchbenchbench00000","object":"chat.completion.chunk","created":1764000000,)"
    R"("model":"openai/gpt-4o-mini","provider":"OpenAI","choices":[{"index":0,"delta":)";

std::string response(std::string_view body) {
  std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n";
  text += body;
  return text;
}

std::string chunk(std::string_view data) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  std::string text = size;
  text += data;
  text += "\r\n";
  return text;
}

}  // namespace

Order read_order(std::string_view start_of_body) {
  Order order;
  order.stream = start_of_body.find(R"("stream":true)") != std::string_view::npos;
  order.reply_bytes = static_cast<std::size_t>(number_after(start_of_body, "reply=", 1453));
  order.tokens = std::llround(number_after(start_of_body, "tokens=", 100));
  const double rate = number_after(start_of_body, "rate=", 50);
  order.interval_ns = rate > 0 ? std::llround(1e9 / rate) : 0;
  return order;
}

const std::string& ReplyBook::chat(std::size_t body_bytes) {
  std::string& text = chats_[body_bytes];
  if (!text.empty()) return text;
  const std::size_t frame = kBeforeContent.size() + kAfterContent.size();
  std::string body(kBeforeContent);
  while (body.size() + kAfterContent.size() < std::max(body_bytes, frame))
    body += kWords.substr(0, body_bytes - body.size() - kAfterContent.size());
  body += kAfterContent;
  return text = response(body);
}

const std::string& ReplyBook::other() {
  static const std::string text = response(R"({"data":[]})");
  return text;
}

std::string_view stream_head() {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
         "Transfer-Encoding: chunked\r\n\r\n";
}

std::string token_chunk(std::int64_t made_at_ns) {
  char delta[160];
  std::snprintf(
      delta, sizeof delta,
      R"({"role":"assistant","content":" at=%lld"},"finish_reason":null,"native_finish_reason":null,)"
      R"("logprobs":null}]})",
      static_cast<long long>(made_at_ns));
  return chunk("data: " + std::string(kFrameStart) + delta + "\n\n");
}

std::string stream_end(std::int64_t tokens) {
  const std::string count = std::to_string(tokens);
  const std::string last =
      std::string(kFrameStart) +
      R"({"role":"assistant","content":""},"finish_reason":"stop","logprobs":null}],"usage":)"
      R"({"prompt_tokens":148,"completion_tokens":)" +
      count + R"(,"total_tokens":)" + std::to_string(tokens + 148) + R"(,"cost":0.0001188}})";
  return chunk("data: " + last + "\n\n") + chunk("data: [DONE]\n\n") + "0\r\n\r\n";
}

}  // namespace gantry::bench
