#include "wire/sse.hpp"

#include <algorithm>
#include <cstring>

namespace gantry::wire {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kKeepTail = 16 * 1024;  // a stream's memory stays small after one large event

// The first CR or LF at or after `from`.
std::size_t find_terminator(std::string_view bytes, std::size_t from) {
  if (from < bytes.size() && (bytes[from] == '\n' || bytes[from] == '\r')) return from;  // a blank line
  const std::size_t lf = bytes.find('\n', from);
  const std::size_t cr = bytes.substr(0, lf).find('\r', from);
  return cr != kNone ? cr : lf;
}

// Bytes to take over into the tail at once: to the end of a line, and one byte more, because what a line end
// means may depend on the byte behind it.
std::size_t step_of(std::string_view input) {
  const std::size_t end = find_terminator(input, 0);
  return end == kNone ? input.size() : std::min(input.size(), end + 3);
}

}  // namespace

SseParser::SseParser(Limits limits) : limits_(limits) {}

void SseParser::feed(std::string_view bytes) {
  if (failure_) return;
  if (input_.empty()) {
    input_ = bytes;
    return;
  }
  std::string both(input_);
  both += bytes;
  backlog_ = std::move(both);
  input_ = backlog_;
}

// Where the event that starts bytes ends, or nothing when that cannot be known yet. Whatever it decides
// depends on the bytes up to the end and at most one more, never on where the input was cut.
std::optional<std::size_t> SseParser::find_end(std::string_view bytes) {
  Progress& p = progress_;
  if (!started_) {
    const std::size_t seen = std::min(bytes.size(), kBom.size());
    if (bytes.substr(0, seen) != kBom.substr(0, seen)) {
      started_ = true;
    } else if (seen < kBom.size()) {
      return std::nullopt;
    } else {
      started_ = started_at_bom_ = true;
      p.line = p.searched = kBom.size();
    }
  }
  while (p.line < bytes.size()) {
    const char first = bytes[p.line];
    const bool run_ends = p.comments && !p.fields && first != ':' && first != '\r' && first != '\n';
    if (run_ends) return p.line;
    const std::size_t end = find_terminator(bytes, std::max(p.line, p.searched));
    p.searched = end == kNone ? bytes.size() : end;
    if (end == kNone) return std::nullopt;
    const bool blank = end == p.line;
    LineEnd style = LineEnd::lf;
    if (bytes[end] == '\r') {
      // After a line that ended in a bare CR a blank line does too, and need not wait for what follows.
      if (blank && p.last == LineEnd::cr) return end + 1;
      if (end + 1 == bytes.size()) return std::nullopt;
      style = bytes[end + 1] == '\n' ? LineEnd::crlf : LineEnd::cr;
    }
    const std::size_t after = end + (style == LineEnd::crlf ? 2 : 1);
    if (blank) return after;
    (first == ':' && !p.fields ? p.comments : p.fields) = true;
    p.line = p.searched = after;
    p.last = style;
  }
  return std::nullopt;
}

// The same where the event began in an earlier feed: takes input over line by line until the end is known,
// and leaves in input_ what lies behind it.
std::optional<std::size_t> SseParser::find_end_of_tail() {
  while (!input_.empty()) {
    const std::size_t before = tail_.size(), step = step_of(input_);
    tail_.append(input_.substr(0, step));
    const auto end = find_end(tail_);
    if (end) {
      input_.remove_prefix(*end - before);
      tail_.resize(*end);
      return end;
    }
    input_.remove_prefix(step);
    if (tail_.size() > limits_.max_event) return tail_.size();
  }
  return std::nullopt;
}

void SseParser::drop_given_tail() {
  if (joined_.capacity() > kKeepTail) std::string().swap(joined_);
  if (!tail_given_) return;
  tail_given_ = false;
  tail_.clear();
  if (tail_.capacity() > kKeepTail) std::string().swap(tail_);
}

std::optional<SseEvent> SseParser::next() {
  drop_given_tail();
  if (failure_ || input_.empty()) return std::nullopt;
  const bool from_tail = !tail_.empty();
  const auto end = from_tail ? find_end_of_tail() : find_end(input_);
  const std::size_t size = end ? *end : (from_tail ? tail_.size() : input_.size());
  if (size > limits_.max_event) {
    failure_ = Failure{Fault::too_large, "an event of the stream is larger than " +
                                             std::to_string(limits_.max_event) + " bytes"};
    input_ = {};
    std::string().swap(tail_);
    progress_ = {};
    return std::nullopt;
  }
  if (!end) {
    if (!from_tail) tail_.assign(input_);
    input_ = {};
    return std::nullopt;
  }
  std::string_view raw = tail_;
  if (!from_tail) {
    raw = input_.substr(0, size);
    input_.remove_prefix(size);
  }
  tail_given_ = from_tail;
  SseEvent event = read(raw);
  progress_ = {};
  return event;
}

SseEvent SseParser::read(std::string_view raw) {
  SseEvent event;
  event.raw = raw;
  event.kind = progress_.comments && !progress_.fields ? SseEvent::Kind::comment : SseEvent::Kind::other;
  lines_ = 0;
  // A BOM at the very start is not part of the first line; elsewhere the same bytes are the start of a
  // field's name.
  std::size_t at = started_at_bom_ ? kBom.size() : 0;
  started_at_bom_ = false;
  while (at < raw.size()) {
    const std::size_t end = std::min(find_terminator(raw, at), raw.size());
    read_line(raw.substr(at, end - at), event);
    at = end + (raw.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  return event;
}

// One line of an event. Data that is one line is a view; only more lines are joined in memory.
void SseParser::read_line(std::string_view line, SseEvent& event) {
  const bool comment = line.starts_with(':');
  if (line.empty() || (comment && event.kind != SseEvent::Kind::comment)) return;
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == kNone ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") event.name = value;
  if (!comment && name != "data") return;
  if (!comment) event.kind = SseEvent::Kind::data;
  if (lines_++ == 0) {
    event.data = value;
    return;
  }
  if (lines_ == 2) joined_.assign(event.data);
  joined_ += '\n';
  joined_ += value;
  event.data = joined_;
}

bool SseParser::mid_event() const {
  if (progress_.fields) return true;
  const std::string_view line = unfinished().substr(std::min(progress_.line, unfinished().size()));
  return !line.empty() && line.front() != ':' && line.front() != '\r';
}

}  // namespace gantry::wire
