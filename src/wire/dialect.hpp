#pragma once
// An API dialect says where model, limits, usage, errors and the end of a stream lie (DESIGN §2). One engine
// serves all.

#include <string_view>

#include "wire/reply.hpp"
#include "wire/request.hpp"

namespace gantry::wire {

struct Dialect {
  std::string_view name;              ///< "chat", "completions": metrics and logs
  std::string_view path;              ///< under the base URL: "/chat/completions"
  std::string_view chunk_object;      ///< the `object` of stream chunks
  std::string_view max_tokens_field;  ///< what is inserted when no limit is given
  std::expected<RequestFacts, Refusal> (*scan)(RequestScanner&, std::string_view body);
  Result<ReplyFacts> (*reply)(ReplyScanner&, std::string_view body);
  Result<ChunkFacts> (*chunk)(ReplyScanner&, std::string_view data);
};

extern const Dialect kChat;
extern const Dialect kCompletions;

}  // namespace gantry::wire
