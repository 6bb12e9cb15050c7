#pragma once
// A streamed answer as a sequence of steps: bytes to send and pauses to make. Pure: it knows neither time nor
// sockets, so every fault's bytes are tested here.

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/answer.hpp"
#include "sim/faults.hpp"
#include "sim/request.hpp"

namespace gantry::sim {

/// What to do after the bytes of a step.
enum class Pause : std::uint8_t {
  none,
  first_token,  ///< wait for the time to the first token
  token,        ///< wait for the time between tokens
  stall_first,  ///< fault stall-first
  stall_mid,    ///< fault stall-mid
  flush,        ///< let what was written so far leave, on its own
  close,        ///< break off with a close
  reset,        ///< break off with a reset
  end,          ///< the stream is complete; nothing follows
};

/// Produces a chat or text completion stream. `identity`, `answer` and `faults` outlive it.
class EventSource {
 public:
  EventSource(Api api, const Identity& identity, const Answer& answer, const FaultSet& faults);

  /// Appends the next bytes (perhaps none) to `out` and says what to do after them. Not to be called after
  /// close, reset or end. `usage_json` is what the usage chunk says.
  Pause next(std::string& out, std::string_view usage_json);

  /// Tokens sent so far, reasoning included: what a stream cut here has cost.
  [[nodiscard]] std::int64_t tokens() const { return tokens_; }

 private:
  enum class Phase : std::uint8_t { comments, early, stall, wait, body, finish, usage, done, over };

  Pause next_token(std::string& out);
  Pause strike(std::string& out);
  Pause finish(std::string& out);
  void usage(std::string& out, std::string_view usage_json);
  bool emit_piece(std::string& out);
  bool emit_tool_piece(std::string& out);

  void event(std::string& out, std::string_view json) const;
  void head(std::string& json) const;
  void choice(std::string& json, std::string_view members, std::string_view finish,
              std::string_view native) const;
  void delta_event(std::string& out, std::string_view member, std::string_view text) const;
  void content_event(std::string& out, std::string_view text);
  void error_event(std::string& out, std::string_view code, bool bare) const;
  void line_end(std::string& out) const { out += eol_; }

  Api api_;
  const Identity& identity_;
  const Answer& answer_;
  const FaultSet& faults_;
  std::string_view eol_ = "\n";
  std::string_view field_ = "data: ";
  bool multi_line_ = false, has_faults_ = false, strikes_ = false;
  Phase phase_ = Phase::comments;
  std::int64_t tokens_ = 0;
  std::int64_t strike_at_ = -1;
  std::size_t reasoning_at_ = 0, content_at_ = 0;
  std::size_t call_ = 0, argument_at_ = 0;
  bool call_open_ = false, first_piece_ = true;
  std::string prefix_;  // of a plain content chunk; built at the second one
};

}  // namespace gantry::sim
