// What a client is told of attempts: when they failed, or when it asks.
#include <fmt/format.h>

#include <algorithm>

#include "engine/call.hpp"
#include "observe/log.hpp"
#include "wire/shown_text.hpp"

namespace gantry::engine {
namespace {

std::int64_t to_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

}  // namespace

wire::ErrorBody Call::error_body(const AttemptEnd& end) const {
  if (stopped_ && stopped_why_ == Why::draining)
    return own_body("This gateway is shutting down and could not finish the call.",
                    "Send the request again; another instance answers it.");
  if (no_money_) return no_money_body();
  if (end.ours)
    return own_body(
        "This gateway holds too many bytes of requests and replies to take in the model's answer.",
        "Send the request again a little later, or raise server.max_inflight_bytes.");
  if (tries_ == 0) return left_alone_body();
  if (end.verdict && end.verdict->affordable_tokens) return too_dear_body(*end.verdict->affordable_tokens);
  const auto client = route::client_status(end.outcome, end.upstream_status);
  const auto fixed = wire::fixed_text(client.status, client.error_type);
  std::string message(fixed.message);
  if (!end.why.empty()) message += fmt::format(" The last answer was: {}", end.why);
  return {.code = client.status,
          .message = std::move(message),
          .error_type = std::string(client.error_type),
          .remedy = std::string(fixed.remedy),
          .param = {},
          .call_id = std::string(id_.text()),
          .attempts = attempt_lines(Answered::no)};
}

// Credit is left, only not for so many tokens: whoever sends less is answered.
wire::ErrorBody Call::too_dear_body(std::int64_t affordable) const {
  auto body = own_body(
      fmt::format(
          "The answer may be longer than this gateway's upstream credit pays for: {} tokens can be paid.",
          affordable),
      "Send a max_tokens of at most that, add credit at OpenRouter, or let the gateway lower it: "
      "on_tight_budget = \"clamp\" in the route.");
  body.code = 400;
  body.error_type = "max_tokens_exceeded";
  body.param = "max_tokens";
  return body;
}

// Nothing was asked: everything on the call's way is inside open breakers, or cannot be asked for it at all.
wire::ErrorBody Call::left_alone_body() const {
  const auto& candidates = planning_->candidates;
  const auto unable = std::ranges::count(candidates, true, &route::Candidate::cannot);
  if (unable == std::ssize(candidates)) return unable_body();
  const auto key = shard_.with_.failover.scopes.breaker(targets_->front().key_scopes.front().key);
  const bool shut = key.state() != route::Breaker::State::closed;
  if (shut && key.reason() == route::OpenReason::out_of_money)
    return own_body("This gateway's upstream key has no credit left, so nothing was asked.",
                    "Add credit at OpenRouter or raise the key's limit; the gateway looks every 30 seconds "
                    "and goes on by itself.");
  if (shut && key.reason() == route::OpenReason::bad_key)
    return own_body("OpenRouter does not accept this gateway's upstream key, so nothing was asked.",
                    "Put a valid key where [upstream] key points and send SIGHUP.");
  return own_body(
      fmt::format(
          "Every model of this call's chain{} has failed lately and is left alone for a while, so nothing "
          "was asked.",
          unable > 0 ? " that can do what it needs" : ""),
      "Send the request again after the time in Retry-After, or name another model; GET /admin/v1/breakers "
      "and the "
      "log tell what is left alone and why.");
}

wire::ErrorBody Call::unable_body() const {
  return {.code = 400,
          .message =
              "No model of this call's chain may be asked: none of their upstreams is declared to be what "
              "the call demands.",
          .error_type = "invalid_request",
          .remedy =
              "The attempts tell what each one lacks. Demand less in provider, name a model that OpenRouter "
              "serves, or declare under [upstreams.NAME] what the upstream satisfies.",
          .param = "provider",
          .call_id = std::string(id_.text()),
          .attempts = attempt_lines(Answered::no)};
}

// What is this gateway's doing, not upstream's.
wire::ErrorBody Call::own_body(std::string message, std::string remedy) const {
  return {.code = 503,
          .message = std::move(message),
          .error_type = "provider_overloaded",
          .remedy = std::move(remedy),
          .param = {},
          .call_id = std::string(id_.text()),
          .attempts = attempt_lines(Answered::no)};
}

// In the order of time; a model that was passed over stands before those behind it in the chain.
std::vector<wire::AttemptLine> Call::attempt_lines(Answered answered) const {
  std::vector<wire::AttemptLine> lines;
  std::size_t looked_at = 0;  // of the chain
  const auto add_skipped = [&](std::size_t end) {
    for (; looked_at < end && planning_; ++looked_at)
      if (auto why = why_skipped(looked_at); !why.empty())
        lines.push_back({.model = wire::shown_text(admission_.chain[looked_at], 200),
                         .outcome = {},
                         .next = {},
                         .skipped = std::move(why)});
  };
  const auto add = [&](std::size_t model, route::Outcome outcome, Duration took, const std::string& next) {
    add_skipped(model);
    lines.push_back({.model = wire::shown_text(admission_.chain[model], 200),
                     .outcome = std::string(route::name(outcome)),
                     .milliseconds = to_ms(took),
                     .next = next});
  };
  for (const Tried& tried : attempts_) add(tried.model, tried.outcome, tried.took, tried.next);
  if (answered == Answered::yes)
    add(model_, route::Outcome::delivered, shard_.loop_.now() - attempt_began_, {});
  add_skipped(admission_.chain.size());
  return lines;
}

// What was tried and why, for a client that asked for it (`x-gantry-explain: 1`).
void Call::explain(std::vector<net::Header>& headers, Answered answered) {
  if (!request_.headers || request_.headers->get("x-gantry-explain") != "1") return;
  explanation_ = std::make_unique<std::string>(wire::attempts_json(attempt_lines(answered)));
  headers.push_back({"x-gantry-explain", *explanation_});
}

Task<void> Call::deliver_failure(const AttemptEnd& last) {
  // Where nothing was asked, nobody hung up, and nothing new is known of upstream.
  const bool left_alone = tries_ == 0 && !stopped_ && !no_money_;
  record_.outcome = left_alone ? route::Outcome::overloaded : last.outcome;
  record_.ours = last.ours || left_alone;
  error_ = left_alone ? "all that could be asked is left alone" : last.why;
  const auto body = error_body(last);
  record_.status = body.code;
  if (facts_.stream) co_await end_patience();
  if (stream_open_) {
    const auto event = wire::error_event(body, generation_id_, served_model_, request_.dialect->chunk_object,
                                         unix_seconds(shard_.loop_.time().wall()));
    const auto sent = co_await delivery_.piece(event);
    if (sent) co_await delivery_.close_stream();
    co_return;
  }
  const auto text = wire::error_json(body);
  auto headers = answer_headers("application/json", Answered::no);
  // Some SDKs heed only one of the two (DESIGN §4).
  headers.push_back({"x-should-retry", "false"});
  const Duration wish = std::max(last.wish, halt_ ? halt_->retry_after : Duration::zero());
  const auto wait = std::to_string(std::max<std::int64_t>(1, to_ms(wish) / 1000));
  if (body.code >= 500 || body.code == 429) headers.push_back({"Retry-After", wait});
  co_await delivery_.whole(body.code, headers, text);
}

Task<void> Call::deliver_refusal(wire::Refusal refusal) {
  const auto text = wire::error_json({.code = refusal.status,
                                      .message = refusal.message,
                                      .error_type = refusal.error_type,
                                      .remedy = refusal.remedy,
                                      .param = refusal.param,
                                      .call_id = std::string(id_.text()),
                                      .attempts = {}});
  const auto headers = answer_headers("application/json", Answered::no);
  shard_.with_.observer.refused(shard_.index_, refusal.status);
  observe::log(observe::Level::info, "refused",
               {{"id", id_.text()},
                {"dialect", request_.dialect->name},
                {"status", static_cast<std::int64_t>(refusal.status)},
                {"error", refusal.message}});
  co_await delivery_.whole(refusal.status, headers, text);
}

}  // namespace gantry::engine
