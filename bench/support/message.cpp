#include "support/message.hpp"

#include <algorithm>
#include <charconv>

namespace gantry::bench {

namespace {

constexpr std::size_t kMaxHead = 64 * 1024;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// The value of a field in a lower-case head, "" when absent.
std::string_view field(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  if (at == std::string_view::npos) return {};
  auto value = head.substr(at + name.size());
  value = value.substr(0, value.find("\r\n"));
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

template <class Number>
bool read_number(std::string_view text, int base, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size() && number >= 0;
}

}  // namespace

std::string_view MessageReader::take(std::string_view& input) {
  switch (state_) {
    case State::head:
      take_head(input);
      return {};
    case State::sized:
    case State::chunk_data:
      return take_body(input);
    case State::chunk_size:
    case State::chunk_end:
    case State::trailer:
      take_line(input);
      return {};
    case State::done:
    case State::broken:
      break;
  }
  return {};
}

void MessageReader::take_head(std::string_view& input) {
  const std::size_t before = head_.size();
  head_ += input;
  const auto end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    input = {};
    if (head_.size() > kMaxHead) state_ = State::broken;
    return;
  }
  input.remove_prefix(end + 4 - before);
  head_.resize(end + 4);
  std::transform(head_.begin(), head_.end(), head_.begin(), lower);
  read_head();
}

void MessageReader::read_head() {
  if (head_.starts_with("http/1.")) {
    if (head_.size() < 12 || !read_number(std::string_view(head_).substr(9, 3), 10, status_)) {
      state_ = State::broken;
      return;
    }
  }
  const auto length = field(head_, "\r\ncontent-length:");
  if (field(head_, "\r\ntransfer-encoding:") == "chunked") {
    state_ = length.empty() ? State::chunk_size : State::broken;
  } else if (length.empty()) {
    // A response without a length would end with the connection: no proxy may do that to a keep-alive client.
    state_ = status_ == 0 ? State::done : State::broken;
  } else if (!read_number(length, 10, left_)) {
    state_ = State::broken;
  } else {
    state_ = left_ == 0 ? State::done : State::sized;
  }
}

std::string_view MessageReader::take_body(std::string_view& input) {
  const auto size = std::min<std::int64_t>(left_, static_cast<std::int64_t>(input.size()));
  const auto piece = input.substr(0, static_cast<std::size_t>(size));
  input.remove_prefix(piece.size());
  left_ -= size;
  body_bytes_ += size;
  if (left_ == 0) state_ = state_ == State::sized ? State::done : State::chunk_end;
  return piece;
}

void MessageReader::take_line(std::string_view& input) {
  const auto end = input.find('\n');
  line_ += input.substr(0, end);
  if (end == std::string_view::npos) {
    input = {};
    if (line_.size() > kMaxHead) state_ = State::broken;
    return;
  }
  input.remove_prefix(end + 1);
  if (!line_.ends_with('\r')) {
    state_ = State::broken;
    return;
  }
  line_.pop_back();
  end_line();
  line_.clear();
}

void MessageReader::end_line() {
  if (state_ == State::chunk_end) {
    state_ = line_.empty() ? State::chunk_size : State::broken;
  } else if (state_ == State::trailer) {
    if (line_.empty()) state_ = State::done;
  } else if (!read_number(std::string_view(line_).substr(0, line_.find(';')), 16, left_)) {
    state_ = State::broken;
  } else {
    state_ = left_ == 0 ? State::trailer : State::chunk_data;
  }
}

bool MessageReader::says_close() const { return field(head_, "\r\nconnection:") == "close"; }

void MessageReader::reset() {
  state_ = State::head;
  head_.clear();
  line_.clear();
  left_ = body_bytes_ = 0;
  status_ = 0;
}

}  // namespace gantry::bench
