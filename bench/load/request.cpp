#include "load/request.hpp"

#include "support/system.hpp"

namespace gantry::bench {

namespace {

constexpr std::string_view kProse =
    "The hoist crew asks which checks are still red before the arm swings back, and who has to sign them. ";

}  // namespace

std::string chat_request(int port, const RequestShape& shape) {
  std::string body = R"({"model":"openai/gpt-4o-mini",)";
  if (shape.stream) body += R"("stream":true,)";
  body += R"("user":"bench )" + shape.order +
          R"( ","temperature":0.7,"top_p":0.95,"messages":[)"
          R"({"role":"system","content":"Answer in one paragraph, plainly, and name the check."},)"
          R"({"role":"user","content":")";
  const std::string_view end = R"("}]})";
  if (body.size() + end.size() > shape.body_bytes)
    fail("a request of that size is too small to hold a question");
  while (body.size() + end.size() < shape.body_bytes)
    body += kProse.substr(0, shape.body_bytes - body.size() - end.size());
  body += end;
  return "POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
         "\r\nUser-Agent: gantry-bench\r\nAccept: application/json\r\nAuthorization: Bearer bench\r\n"
         "Content-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace gantry::bench
