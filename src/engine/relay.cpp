#include "engine/relay.hpp"

#include <functional>

namespace gantry::engine {

Relay::Step Relay::feed(std::string_view bytes) {
  Step step;
  outgoing_ = {};
  gathered_.clear();
  fed_ = bytes;
  parser_.feed(bytes);
  while (!done_ && !failed_) {
    const auto event = parser_.next();
    if (!event) break;
    take(*event, step);
  }
  if (!failed_ && parser_.failure()) {
    failed_ = true;
    step.failure = StreamFailure{route::judge(route::Outcome::upstream_error, facts_.provider),
                                 "an event larger than the limit"};
  }
  step.forward = outgoing_;
  step.done = done_;
  return step;
}

Relay::Step Relay::end() {
  Step step;
  outgoing_ = {};
  if (done_ || failed_) return step;
  const bool finished =
      facts_.finish != wire::FinishReason::none && facts_.finish != wire::FinishReason::error;
  if (finished && facts_.usable && !facts_.several_choices) {
    step.forward = "data: [DONE]\n\n";  // upstream left it out; every client waits for it
    step.done = true;
    return step;
  }
  const auto outcome = facts_.usable ? route::Outcome::upstream_error : route::Outcome::empty;
  step.failure = StreamFailure{route::judge(outcome, facts_.provider),
                               "the stream ended without [DONE] and without a finish_reason"};
  return step;
}

void Relay::take(const wire::SseEvent& event, Step& step) {
  using Kind = wire::SseEvent::Kind;
  if (event.kind == Kind::data && event.done()) {
    if (!facts_.usable) {
      failed_ = true;
      step.failure = StreamFailure{.verdict = route::judge(route::Outcome::empty, facts_.provider),
                                   .why = "the stream ended without an answer",
                                   .told = true};
      return;
    }
    done_ = true;
    return forward(event.raw);
  }
  if (event.kind == Kind::data) return take_chunk(event, step);
  if (facts_.usable || comments_flow_) forward(event.raw);
}

void Relay::take_chunk(const wire::SseEvent& event, Step& step) {
  const auto chunk = dialect_.chunk(scanner_, event.data);
  if (!chunk) {
    // What is no object was no chunk, and behind a finish_reason comes only usage: skipped, and the stream
    // goes on. A broken object may have held text: without it the answer would look whole and not be.
    const auto first = event.data.find_first_not_of(" \t\r\n");
    const bool object = first != std::string_view::npos && event.data[first] == '{';
    if (!object || facts_.finish != wire::FinishReason::none) return;
    failed_ = true;
    step.failure = StreamFailure{route::judge(route::Outcome::upstream_error, facts_.provider),
                                 "an event of the stream is not JSON"};
    return;
  }
  learn(*chunk);
  if (chunk->error || chunk->finish == wire::FinishReason::error) {
    failed_ = true;
    step.failure = StreamFailure{.verdict = *route::judge(*chunk),
                                 .why = chunk->error ? chunk->error->message : "finish_reason is error",
                                 .told = true};
    return;
  }
  step.token = step.token || chunk->first_token;
  if (tokens_ && chunk->first_token) tokens_->chunk(event.data.size());
  const bool usable_now = chunk->first_token || chunk->finish != wire::FinishReason::none;
  if (usable_now && !facts_.usable) {
    facts_.usable = true;
    if (!held_.empty()) forward_copy(held_);
    held_ = {};
  }
  if (facts_.usable) return forward(event.raw);
  held_ += event.raw;
  if (held_.size() <= kMaxHeld) return;
  failed_ = true;
  step.failure = StreamFailure{route::judge(route::Outcome::upstream_error, facts_.provider),
                               "too much came before the first token"};
}

void Relay::learn(const wire::ChunkFacts& chunk) {
  if (facts_.id.empty()) facts_.id = chunk.id;
  if (facts_.model.empty()) facts_.model = chunk.model;
  if (facts_.provider.empty()) facts_.provider = chunk.provider;
  if (chunk.usage) facts_.usage = chunk.usage;
  facts_.several_choices = facts_.several_choices || chunk.several_choices;
  if (chunk.finish != wire::FinishReason::none) facts_.finish = chunk.finish;
}

// Events that stand beside each other in the fed bytes are shown in place; one that began in an earlier feed
// lives in the parser's own memory, which its next event takes again, so it is copied.
void Relay::forward(std::string_view raw) {
  const std::less_equal<const char*> not_after;
  const bool in_place =
      not_after(fed_.data(), raw.data()) && not_after(raw.data() + raw.size(), fed_.data() + fed_.size());
  if (in_place && outgoing_.empty()) {
    outgoing_ = raw;
  } else if (in_place && outgoing_.data() + outgoing_.size() == raw.data()) {
    outgoing_ = {outgoing_.data(), outgoing_.size() + raw.size()};
  } else {
    forward_copy(raw);
  }
}

void Relay::forward_copy(std::string_view bytes) {
  if (outgoing_.data() != gathered_.data()) gathered_ = outgoing_;
  gathered_ += bytes;
  outgoing_ = gathered_;
}

}  // namespace gantry::engine
