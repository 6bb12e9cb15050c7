#include "soak/answer_sink.hpp"

namespace gantry::bench {

namespace {

constexpr std::string_view kError = R"("finish_reason":"error")";
constexpr std::string_view kDone = "data: [DONE]\n\n";

}  // namespace

void AnswerSink::start(bool stream) {
  stream_ = stream;
  error_ = false;
  end_.clear();
}

void AnswerSink::body(std::string_view bytes, std::int64_t) {
  end_ += bytes;
  error_ = error_ || end_.find(kError) != std::string::npos;
  constexpr std::size_t kKept = 64;
  if (end_.size() > kKept) end_.erase(0, end_.size() - kKept);
}

bool AnswerSink::whole() {
  const std::string_view end = stream_ ? kDone : std::string_view("}");
  std::string_view seen = end_;
  while (!stream_ && !seen.empty() && (seen.back() == '\n' || seen.back() == ' ')) seen.remove_suffix(1);
  return !error_ && seen.ends_with(end);
}

}  // namespace gantry::bench
