// A call's streamed answers: upstream's events on their way to the client.
#include "engine/call.hpp"
#include "engine/reply_buffer.hpp"
#include "engine/stream_clocks.hpp"

namespace gantry::engine {

Task<void> Call::open_stream(const Relay& relay) {
  stream_open_ = true;
  served_model_ = relay.facts().model;
  auto headers = answer_headers("text/event-stream", Answered::yes);
  headers.push_back({"Cache-Control", "no-cache"});
  co_await delivery_.open_stream(headers, Delivery::Flush::with_first_piece);
}

// A stream that has begun asks nobody else: thousands of them need not hold their questions.
void Call::forget_request() {
  if (request_.body.empty()) return;
  request_.body = {};
  request_.headers = nullptr;
  decltype(kept_headers_)().swap(kept_headers_);
  planning_.reset();
  until_ = deadline_;  // what was kept for the rest of the chain
  delivery_.request_done();
}

namespace {

// What was read, or that nothing came, as the relay sees it. Small: it is held while the client takes the
// bytes.
struct Turn {
  std::string_view forward{};  // goes out first
  bool token = false;
  bool over = false;
  std::unique_ptr<StreamFailure> failure{};  // why it is over, if it is not whole
};

[[gnu::noinline]] Turn broken_off(route::Verdict verdict, std::string why) {
  return {.over = true, .failure = std::make_unique<StreamFailure>(std::move(verdict), std::move(why))};
}

[[gnu::noinline]] Turn take_turn(Relay& relay, const Result<std::string_view>& piece,
                                 const StreamClocks::Limit& limit) {
  if (!piece && piece.error().fault == Fault::timed_out)
    return broken_off(route::judge(limit.outcome, relay.facts().provider), std::string(limit.why));
  if (!piece)
    return broken_off(route::judge(piece.error().fault, route::Sent::yes),
                      "the stream broke: " + piece.error().detail);
  Relay::Step step = piece->empty() ? relay.end() : relay.feed(*piece);
  Turn turn{.forward = step.forward, .token = step.token, .over = step.done || step.failure};
  if (step.failure) turn.failure = std::make_unique<StreamFailure>(std::move(*step.failure));
  return turn;
}

}  // namespace

Task<AttemptEnd> Call::relay_stream(net::ClientResponse& response) {
  Relay relay(*request_.dialect, shard_.reply_scanner_);
  const config::Route& route = *admission_.route;
  StreamClocks clocks(route.timeouts, route.min_rate, shard_.loop_.now());
  if (route.delivery == config::DeliveryMode::assured)
    taken_whole_ = std::make_unique<ReplyBuffer>(shard_.with_.inflight);
  if (soft_) relay.count(soft_->count());
  Turn turn;
  while (!turn.over) {
    const auto limit = clocks.limit(until_);
    const auto piece = co_await response.read(limit.until);
    const MonoTime now = shard_.loop_.now();
    if (stopped_) {
      turn = broken_off({.outcome = route::Outcome::cancelled}, cancelled_end().why);
      break;
    }
    if (stream_open_) relay.let_comments_through();
    turn = take_turn(relay, piece, limit);
    clocks.byte(now);
    if (turn.token && !record_.first_token) record_.first_token = now - started_;
    if (taken_whole_ && !turn.forward.empty()) {
      if (!taken_whole_->append(turn.forward, std::nullopt)) co_return no_room_end();
    } else if (!turn.forward.empty()) {
      while (patience_.commenting) co_await patience_.commented;
      patience_.delivering = true;
      if (!stream_open_) co_await open_stream(relay);
      const auto sent = co_await delivery_.piece(turn.forward);
      patience_.delivering = false;
      last_write_ = shard_.loop_.now();
      if (!sent) co_return client_left();
      if (relay.facts().usable) forget_request();
    }
    if (turn.token && !clocks.token(now) && !turn.over)
      turn = broken_off(route::judge(route::Outcome::slow, relay.facts().provider),
                        "its tokens came slower than the route's min_rate");
    if (turn.token && soft_ && !turn.over) {
      const bool paid = co_await set_more_aside();
      if (paid) continue;
      served_by_ = relay.facts().provider;
      AttemptEnd cut = co_await cut_at_budget(relay);
      co_return cut;
    }
  }
  served_by_ = relay.facts().provider;
  auto ending = turn.failure ? break_stream(relay, std::move(turn.failure)) : end_stream(relay, response);
  AttemptEnd end = co_await std::move(ending);
  co_return end;
}

Task<AttemptEnd> Call::end_stream(const Relay& relay, net::ClientResponse& response) {
  served_model_ = relay.facts().model;
  if (generation_id_.empty()) generation_id_ = relay.facts().id;
  note_usage(relay.facts().usage);
  // The end of the body comes with or right after [DONE]; reading it gives the connection back to the pool.
  const auto rest = co_await response.read(shard_.loop_.now() + std::chrono::milliseconds{100});
  (void)rest;
  co_await end_patience();
  if (taken_whole_) {
    if (!stream_open_) co_await open_stream(relay);
    const auto given = co_await delivery_.piece(taken_whole_->view());
    if (!given) co_return client_left();
  }
  const auto sent = co_await delivery_.close_stream();
  if (!sent) co_return client_left();
  co_return delivered_end();
}

AttemptEnd Call::client_left() const {
  return {.outcome = route::Outcome::cancelled, .why = "the client left", .final = true};
}

// Before the first token nothing of this attempt has reached the client, with `assured` delivery not before
// the last: the next model may answer. After it, the client is told in-band, so that a cut stream never looks
// complete.
Task<AttemptEnd> Call::break_stream(const Relay& relay, std::unique_ptr<StreamFailure> failure) {
  note_usage(relay.facts().usage);
  AttemptEnd end = failed_end(std::move(failure->verdict), std::move(failure->why));
  end.told = failure->told;
  if (stopped_ && stopped_why_ == Why::client_gone) co_return cancelled_end();
  if (!relay.facts().usable || taken_whole_) co_return end;
  served_model_ = relay.facts().model;
  end.final = true;
  co_await end_patience();
  auto body = error_body(end);
  record_.status = 200;
  if (!stopped_) body.message = "The stream broke off after it had begun. " + end.why;
  co_await close_with(body, relay);
  co_return end;
}

// Ends what has begun with an error in the stream.
Task<void> Call::close_with(const wire::ErrorBody& body, const Relay& relay) {
  const auto event =
      wire::error_event(body, relay.facts().id, relay.facts().model, request_.dialect->chunk_object,
                        unix_seconds(shard_.loop_.time().wall()));
  const auto sent = co_await delivery_.piece(event);
  if (sent) co_await delivery_.close_stream();
}

}  // namespace gantry::engine
