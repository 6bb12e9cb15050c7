#include "wire/dialect.hpp"

namespace gantry::wire {
namespace {

// Replies of both dialects differ only in where a choice carries its answer (`message`, `delta` or `text`),
// and the scanner knows all three.
Result<ReplyFacts> scan_reply(ReplyScanner& scanner, std::string_view body) { return scanner.reply(body); }
Result<ChunkFacts> scan_chunk(ReplyScanner& scanner, std::string_view data) { return scanner.chunk(data); }

std::expected<RequestFacts, Refusal> scan_chat(RequestScanner& scanner, std::string_view body) {
  return scanner.chat(body);
}
std::expected<RequestFacts, Refusal> scan_completions(RequestScanner& scanner, std::string_view body) {
  return scanner.completions(body);
}

}  // namespace

// CONTRACT §3, §5.
const Dialect kChat = {.name = "chat",
                       .path = "/chat/completions",
                       .chunk_object = "chat.completion.chunk",
                       .max_tokens_field = "max_tokens",
                       .scan = scan_chat,
                       .reply = scan_reply,
                       .chunk = scan_chunk};

// CONTRACT §4.5; the object's name is OpenAI's.
const Dialect kCompletions = {.name = "completions",
                              .path = "/completions",
                              .chunk_object = "text_completion",
                              .max_tokens_field = "max_tokens",
                              .scan = scan_completions,
                              .reply = scan_reply,
                              .chunk = scan_chunk};

}  // namespace gantry::wire
