#include "engine/call.hpp"

#include "engine/headers.hpp"
#include "engine/reply_buffer.hpp"

namespace gantry::engine {
namespace {

constexpr std::size_t kMaxPlainReply = 64ull * 1024 * 1024;

bool is_event_stream(const net::ClientResponse& response) {
  const auto type = response.headers().get("content-type");
  return type && type->starts_with("text/event-stream");
}

bool is_encoded(const net::ClientResponse& response) {
  const auto encoding = response.headers().get("content-encoding");
  return encoding && !encoding->empty() && !net::same_name(*encoding, "identity");
}

}  // namespace

CallId::CallId(std::uint64_t number) : text_{'c', 'a', 'l', 'l', '-'} {
  for (auto digit = text_.rbegin(); *digit == 0; ++digit, number >>= 4)
    *digit = "0123456789abcdef"[number & 15];
}

Call::Call(Shard& shard, CallRequest request, Delivery& delivery)
    : shard_(shard),
      request_(request),
      delivery_(delivery),
      config_(shard.config_),
      target_(shard.target_),
      started_(shard.loop_.now()),
      id_(shard.random_.next()) {
  next_ = shard_.calls_;
  if (next_) next_->prev_ = this;
  shard_.calls_ = this;
  shard_.call_begins();
}

Call::~Call() {
  if (abandoned_) --shard_.abandoned_;
  (prev_ ? prev_->next_ : shard_.calls_) = next_;
  if (next_) next_->prev_ = prev_;
  shard_.call_ends();
}

void Call::stop(Why why) {
  if (stopped_ || (why == Why::client_gone && abandon())) return;
  stopped_ = true;
  stopped_why_ = why;
  canceller_.cancel();
  wake_.notify();
}

Task<void> Call::run() {
  if (auto refusal = prepare()) return deliver_refusal(std::move(*refusal));
  return walk();
}

// A plain attempt is billed in full whether it is cancelled or not (CONTRACT §5.4), so nothing is saved by
// cutting it: within bounds it is read to its end, and its exact cost is known.
bool Call::abandon() {
  constexpr Duration kLongest = std::chrono::minutes{5};
  if (abandoned_) return true;
  if (facts_.stream || !asked_ || shard_.abandoned_ >= Shard::kMostAbandoned) return false;
  abandoned_ = true;
  ++shard_.abandoned_;
  const auto cut = [](void* self) {
    auto& call = *static_cast<Call*>(self);
    call.stop(Why::draining);
  };
  shard_.loop_.set_timer(patience_.timer, earlier(deadline_, shard_.loop_.now(), kLongest), cut, this);
  return true;
}

Task<void> Call::walk() {
  shard_.with_.observer.call_started(shard_.index_);
  delivery_.on_gone([](void* self) { static_cast<Call*>(self)->stop(Why::client_gone); }, this);
  if (facts_.stream) be_patient();
  co_await ask_upstream();
  if (facts_.stream) co_await end_patience();
  delivery_.on_gone(nullptr, nullptr);
  record();
}

// Reads the request and decides what will be asked of upstream.
std::optional<wire::Refusal> Call::prepare() {
  record_.dialect = request_.dialect->name;
  record_.request_bytes = request_.body.size();
  auto facts = request_.dialect->scan(shard_.request_scanner_, request_.body);
  if (!facts) return std::move(facts.error());
  facts_ = std::move(*facts);
  auto admitted =
      admit(facts_, *config_, request_.headers ? request_.headers->get("x-gantry-fallback") : std::nullopt);
  if (!admitted) return std::move(admitted.error());
  admission_ = std::move(*admitted);
  deadline_ = earlier(kNever, started_, admission_.route->timeouts.call);
  return std::nullopt;
}

Task<void> Call::ask_upstream() {
  plan_.emplace(admission_.chain.size(), route::PlanLimits{.retries = admission_.route->retries}, deadline_);
  AttemptEnd end;
  auto step = plan_->first(started_);
  while (const auto* next = std::get_if<route::Try>(&step)) {
    model_ = next->model;
    const MonoTime at = next->at;
    if (at > shard_.loop_.now()) co_await pause_until(at);
    attempt_began_ = shard_.loop_.now();
    if (stopped_) {
      end = cancelled_end();
    } else {
      end = co_await attempt(model_);
      asked_ = false;
    }
    if (abandoned_) end = abandoned_end(std::move(end));
    note_attempt(model_, end, shard_.loop_.now() - attempt_began_);
    if (end.final || end.outcome == route::Outcome::delivered) co_return;
    if (end.ours) {
      attempts_.back().next = "another try would not find more room";
      break;
    }
    step = plan_->next(model_, end.outcome, end.retry_after, shard_.loop_.now(), shard_.random_);
    if (const auto* again = std::get_if<route::Try>(&step))
      attempts_.back().next =
          again->model == model_ ? "the same model again, after a pause" : "another model of the chain";
  }
  if (const auto* stop = std::get_if<route::Stop>(&step); stop && !attempts_.empty())
    attempts_.back().next = stop->why;
  co_await deliver_failure(end);
}

Task<void> Call::pause_until(MonoTime at) {
  net::Timer timer;
  wake_.reset();
  shard_.loop_.set_timer(timer, at, [](void* self) { static_cast<net::Signal*>(self)->notify(); }, &wake_);
  if (!stopped_) co_await wake_;
}

Task<AttemptEnd> Call::attempt(std::size_t model) {
  auto sent = co_await send(model);
  if (!sent) co_return transport_end(sent.error());
  net::ClientResponse response = std::move(*sent);
  if (is_encoded(response)) {
    co_return AttemptEnd{.outcome = route::Outcome::upstream_error,
                         .upstream_status = response.status(),
                         .why = "the reply is compressed although identity was asked for"};
  }
  keep_reply_headers(response);
  const bool streams = facts_.stream && response.status() == 200 && is_event_stream(response);
  if (streams) response.forget_headers();
  auto reading = streams ? relay_stream(response) : read_plain(response);
  AttemptEnd end = co_await std::move(reading);
  if (end.upstream_status == 0) end.upstream_status = response.status();
  co_return end;
}

// The edited request, and the head of its answer: the edits go when it has come.
Task<Call::Sent> Call::send(std::size_t model) {
  wire::Splice body(request_.body);
  edit(body, facts_, *admission_.route, *request_.dialect, admission_.chain[model]);
  const auto pieces = body.pieces();
  const auto accept = facts_.stream ? "text/event-stream" : "application/json";
  const UpstreamHeaders headers(admission_.route->attribution, target_->authorization, request_.headers,
                                accept);
  std::string path;
  path.reserve(target_->base.path.size() + request_.dialect->path.size());
  path.append(target_->base.path).append(request_.dialect->path);
  const net::ClientRequest request{
      .method = "POST", .path = path, .headers = headers.all(), .body = pieces, .on_its_way = &asked_};
  const auto& limits = admission_.route->timeouts;
  const MonoTime now = shard_.loop_.now();
  const net::ClientDeadlines deadlines{
      .connect = earlier(deadline_, now, limits.connect),
      .head = earlier(deadline_, now,
                      facts_.stream ? std::min(limits.silence, limits.first_token) : limits.silence)};
  auto sent = co_await shard_.client_->send(target_->base.origin, request, deadlines, &canceller_);
  co_return sent;
}

// ---- plain replies

Task<AttemptEnd> Call::read_plain(net::ClientResponse& response) {
  ReplyBuffer gathered(shard_.with_.inflight);
  std::string_view body;
  const auto length = response.length();
  for (;;) {
    // White space before the JSON is bytes too (CONTRACT §5.1): each piece starts the silence anew.
    const MonoTime until = earlier(deadline_, shard_.loop_.now(), admission_.route->timeouts.silence);
    const auto piece = co_await response.read(until);
    if (!piece) co_return transport_end({piece.error(), net::Reached::head_received});
    if (piece->empty()) break;
    if (gathered.size() == 0 && piece->size() == length) {
      body = *piece;  // all of it: used where it was received
      break;
    }
    if (gathered.size() + piece->size() > kMaxPlainReply)
      co_return AttemptEnd{.outcome = route::Outcome::upstream_error,
                           .why = "the reply is larger than 64 MiB"};
    if (!gathered.append(*piece, length))
      co_return AttemptEnd{.outcome = route::Outcome::overloaded,
                           .why = "this gateway holds as many bytes as it may",
                           .ours = true};
    body = gathered.view();
  }
  if (response.status() != 200) co_return status_end(response.status(), body);
  auto reply = request_.dialect->reply(shard_.reply_scanner_, body);
  if (!reply)
    co_return AttemptEnd{.outcome = route::Outcome::upstream_error,
                         .why = "the reply is not JSON: " + reply.error().detail};
  const auto outcome = route::judge(*reply).outcome;
  note_usage(reply->usage);
  if (outcome != route::Outcome::delivered) {
    auto why = reply->error ? reply->error->message : std::string("the reply holds no answer");
    co_return AttemptEnd{.outcome = outcome, .why = std::move(why)};
  }
  if (facts_.stream) co_await end_patience();
  if (stream_open_)  // the client has been promised events
    co_return AttemptEnd{.outcome = route::Outcome::upstream_error,
                         .why = "the answer came whole, not as a stream"};
  served_model_ = std::move(reply->model);
  if (generation_id_.empty()) generation_id_ = std::move(reply->id);
  if (abandoned_) co_return AttemptEnd{.outcome = route::Outcome::delivered, .final = true};
  const auto headers = answer_headers("application/json", Answered::yes);
  const auto sent = co_await delivery_.whole(200, headers, body);
  if (!sent) co_return client_left();
  co_return AttemptEnd{.outcome = route::Outcome::delivered, .final = true};
}

// ---- ends

AttemptEnd Call::abandoned_end(AttemptEnd end) const {
  const bool whole = end.outcome == route::Outcome::delivered;
  end = client_left();
  if (whole) end.why = "the client left; the answer was read to its end for its cost";
  return end;
}

AttemptEnd Call::cancelled_end() const {
  const bool draining = stopped_why_ == Why::draining;
  return {.outcome = route::Outcome::cancelled,
          .why = draining ? "this gateway is shutting down" : "the client left",
          .final = !draining};
}

AttemptEnd Call::transport_end(const net::ClientFailure& failure) const {
  if (stopped_) return cancelled_end();
  const auto sent = failure.reached == net::Reached::nothing_sent ? route::Sent::no : route::Sent::yes;
  const auto outcome = route::judge(failure.failure.fault, sent).outcome;
  std::string why(name(failure.failure.fault));
  if (!failure.failure.detail.empty()) why += ": " + failure.failure.detail;
  return {.outcome = outcome, .why = std::move(why)};
}

AttemptEnd Call::status_end(int status, std::string_view body) const {
  const auto error = wire::read_error(status, body);
  AttemptEnd end{.outcome = route::judge(error).outcome, .upstream_status = status, .why = error.message};
  if (error.retry_after_s) {
    end.retry_after = route::bounded_retry_after(*error.retry_after_s);
  } else {
    for (const auto& [header, value] : kept_headers_)
      if (net::same_name(header, "retry-after"))
        end.retry_after = route::parse_retry_after(value, shard_.loop_.time().wall());
  }
  return end;
}

void Call::keep_reply_headers(const net::ClientResponse& response) {
  kept_headers_.clear();
  generation_id_.clear();
  for (const auto& header : response.headers()) {
    if (passes_to_client(header.name)) kept_headers_.emplace_back(header.name, header.value);
    if (net::same_name(header.name, "x-generation-id")) generation_id_ = header.value;
  }
}

std::vector<net::Header> Call::answer_headers(std::string_view content_type, Answered answered) {
  attempts_text_ = std::to_string(plan_ ? plan_->attempts() : 0);
  std::vector<net::Header> headers;
  headers.reserve(8 + kept_headers_.size());  // with what the callers add
  headers.assign({{"Content-Type", content_type},
                  {"x-gantry-call-id", id_.text()},
                  {"x-gantry-attempts", attempts_text_}});
  if (answered == Answered::yes) {
    if (!served_model_.empty()) headers.push_back({"x-gantry-model", served_model_});
    if (model_ != 0) headers.push_back({"x-gantry-substituted", admission_.chain[model_]});
  }
  explain(headers, answered);
  for (const auto& [name, value] : kept_headers_)
    if (!net::same_name(name, "retry-after")) headers.push_back({name, value});
  return headers;
}

// ---- the record

void Call::note_attempt(std::size_t model, const AttemptEnd& end, Duration took) {
  if (!end.ours)
    shard_.with_.observer.attempt_ended(shard_.index_, {.model = admission_.chain[model],
                                                        .outcome = end.outcome,
                                                        .upstream_status = end.upstream_status,
                                                        .took = took});
  attempts_.push_back({.model = model, .outcome = end.outcome, .took = took});
  if (last_asked_ && *last_asked_ != model) ++record_.fallbacks;
  last_asked_ = model;
  record_.outcome = end.outcome;
  if (end.outcome != route::Outcome::delivered) error_ = end.why;
}

void Call::note_usage(const std::optional<wire::Usage>& usage) {
  if (!usage) return;
  record_.prompt_tokens = usage->prompt_tokens;
  record_.completion_tokens = usage->completion_tokens;
  // Every attempt that was billed counts, also one whose answer was not used.
  if (!usage->cost) return;
  const auto sum = add(record_.cost.value_or(PicoUsd{}), *usage->cost);
  if (sum) record_.cost = *sum;
}

void Call::record() {
  record_.call_id = id_.text();
  record_.route = admission_.route_name;
  record_.model_asked = admission_.route ? admission_.asked
                        : facts_.model   ? *facts_.model
                                         : std::string_view{};
  record_.model_served = served_model_;
  record_.generation_id = generation_id_;
  record_.stream = facts_.stream;
  record_.attempts = static_cast<int>(attempts_.size());
  record_.ended = shard_.loop_.now();
  record_.took = record_.ended - started_;
  record_.reply_bytes = delivery_.bytes_sent();
  // As nginx logs it: the client closed its request before it was given a status.
  if (record_.outcome == route::Outcome::cancelled && record_.reply_bytes == 0) record_.status = 499;
  record_.error = record_.outcome == route::Outcome::delivered ? std::string_view{} : error_;
  shard_.with_.observer.call_ended(shard_.index_, record_);
}

}  // namespace gantry::engine
