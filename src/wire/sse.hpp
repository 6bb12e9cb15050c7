#pragma once
// Server-sent events, parsed incrementally (WHATWG HTML §9.2; CONTRACT §5.1). Pure: bytes in, events out.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gantry::wire {

/// One event or comment. Views are valid until the next call on the parser.
struct SseEvent {
  enum class Kind {
    data,
    comment,
    other
  };  ///< other: no data line (only id:, event:, retry:, unknown, a stray blank line)
  Kind kind = Kind::data;
  std::string_view data;  ///< data lines joined with '\n'; a comment's text
  std::string_view name;  ///< the event: field, "" when absent
  std::string_view raw;   ///< the bytes as they came, terminator included: what a relay forwards
  [[nodiscard]] bool done() const { return kind == Kind::data && data == "[DONE]"; }
};

/// Accepts LF, CRLF and CR, a BOM, any chunking (also inside a UTF-8 sequence or between CR and LF): the
/// events, their raw bytes included, do not depend on how the input was cut, and all raw bytes in order plus
/// unfinished() are the input. Consecutive comment lines are one comment event once their run ends or a blank
/// line comes, so that keep-alives are relayed at once. Usage:  parser.feed(bytes);  while (auto event =
/// parser.next()) …;  — feed() keeps views of `bytes` until next() has returned nullopt, then copies only the
/// unfinished tail. Events wholly inside one feed are not copied.
class SseParser {
 public:
  struct Limits {
    std::size_t max_event = 4 * 1024 * 1024;  ///< raw bytes of one event
  };
  explicit SseParser(Limits limits);
  SseParser() : SseParser(Limits{}) {}

  void feed(std::string_view bytes);
  /// The next whole event; nullopt when more bytes are needed or after a failure.
  std::optional<SseEvent> next();
  /// The first failure (too_large); nothing is parsed after it.
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
  /// At the end of input: true when an unfinished event is being dropped.
  [[nodiscard]] bool mid_event() const;
  /// The bytes that belong to no event yet, once next() has returned nullopt; valid until the next call.
  [[nodiscard]] std::string_view unfinished() const { return tail_given_ ? std::string_view() : tail_; }

 private:
  enum class LineEnd { none, lf, cr, crlf };
  /// How far the event at hand has been looked at; offsets count from its first byte.
  struct Progress {
    std::size_t line = 0;      // where the line at hand starts
    std::size_t searched = 0;  // no terminator before this
    bool fields = false;       // a line that is not a comment has been seen
    bool comments = false;
    LineEnd last = LineEnd::none;
  };

  std::optional<std::size_t> find_end(std::string_view bytes);
  std::optional<std::size_t> find_end_of_tail();
  SseEvent read(std::string_view raw);
  void read_line(std::string_view line, SseEvent& event);
  void drop_given_tail();

  Limits limits_;
  std::string tail_;             // an unfinished event from earlier feeds, or the one just given
  bool tail_given_ = false;      // tail_ was given to the caller and goes with the next call
  std::string backlog_;          // input that was fed before the last was drained
  std::string_view input_;       // what is being parsed now
  std::string joined_;           // data of multi-line events
  std::size_t lines_ = 0;        // data lines, or comment lines, of the event being read
  bool started_ = false;         // a BOM is only one at the very start
  bool started_at_bom_ = false;  // the event at hand starts with it
  Progress progress_;
  std::optional<Failure> failure_;
};

}  // namespace gantry::wire
