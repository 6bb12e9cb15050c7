#pragma once
// What of a stream goes on to the client, decided byte by byte and without a socket: nothing but comments
// before the first token, so that failover stays invisible; nothing that would make a cut stream look
// complete (DESIGN §4).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/soft_hold.hpp"
#include "route/verdict.hpp"
#include "wire/dialect.hpp"
#include "wire/sse.hpp"

namespace gantry::engine {

/// What a stream has told about itself so far.
struct StreamFacts {
  std::string id;
  std::string model;
  std::string provider;  ///< who answers; "" until that is told
  wire::FinishReason finish = wire::FinishReason::none;
  std::optional<wire::Usage> usage;
  bool several_choices = false;  ///< n > 1: only [DONE] says that all of them are whole
  bool usable = false;  ///< a token, or a finish that needs none, has come: from here on there is no failover
};

/// Why a stream cannot go on.
struct StreamFailure {
  route::Verdict verdict;
  std::string why{};  ///< for people
  bool told = false;  ///< the stream itself said so, or said [DONE] without an answer
};

/// One attempt's stream. Pure; one per attempt.
class Relay {
 public:
  static constexpr std::size_t kMaxHeld = 64 * 1024;  ///< role-only and empty deltas before the first token

  Relay(const wire::Dialect& dialect, wire::ReplyScanner& scanner) : dialect_(dialect), scanner_(scanner) {}

  struct Step {
    std::string_view forward;              ///< to write now; valid until the next call. Empty = nothing yet
    bool token = false;                    ///< a token came: the stall clock starts anew
    bool done = false;                     ///< the stream said [DONE]
    std::optional<StreamFailure> failure;  ///< `forward` still goes out first
  };
  Step feed(std::string_view bytes);
  /// Upstream's body has ended. Without failure the stream is complete after `forward`.
  Step end();
  /// The client has been given its 200 already (patience): comments may flow from now on.
  void let_comments_through() { comments_flow_ = true; }
  /// Tokens are counted there from now on; it outlives the relay.
  void count(TokenCount& tokens) { tokens_ = &tokens; }

  [[nodiscard]] const StreamFacts& facts() const { return facts_; }

 private:
  void take(const wire::SseEvent& event, Step& step);
  void take_chunk(const wire::SseEvent& event, Step& step);
  void learn(const wire::ChunkFacts& chunk);
  void forward(std::string_view raw);
  void forward_copy(std::string_view bytes);

  const wire::Dialect& dialect_;
  wire::ReplyScanner& scanner_;
  wire::SseParser parser_;
  StreamFacts facts_;
  std::string_view fed_;
  std::string held_;
  std::string gathered_;       // what could not be shown in place
  std::string_view outgoing_;  // either a run of the fed bytes, or gathered_
  TokenCount* tokens_ = nullptr;
  bool comments_flow_ = false;
  bool done_ = false;
  bool failed_ = false;
};

}  // namespace gantry::engine
