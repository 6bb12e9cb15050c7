// A call's attempts: asked one after the other as its plan says, each told to the breakers on its way.
#include <algorithm>

#include "engine/call.hpp"
#include "engine/headers.hpp"
#include "observe/log.hpp"

namespace gantry::engine {
namespace {

bool is_event_stream(const net::ClientResponse& response) {
  const auto type = response.headers().get("content-type");
  return type && type->starts_with("text/event-stream");
}

bool is_encoded(const net::ClientResponse& response) {
  const auto encoding = response.headers().get("content-encoding");
  return encoding && !encoding->empty() && !net::same_name(*encoding, "identity");
}

}  // namespace

// ---- the plan

route::Shared Call::shared() const {
  auto& failover = shard_.with_.failover;
  return {.scopes = failover.scopes, .retries = failover.retries, .client = request_.client};
}

// Which key comes first is drawn by weight, for each call anew.
std::span<const route::Source> Call::sources(Planning& planning) {
  const auto source = [this](const UpstreamTarget& target) {
    route::Source out{.scope = target.scope, .keys = target.key_scopes};
    if (target.keys.size() > 1)
      out.first_key =
          choose_key(target.weights, KeySet::first(target.keys.size()), shard_.random_.next()).value_or(0);
    return out;
  };
  if (targets_->size() == 1) {
    planning.only = source(targets_->front());
    return {&planning.only, 1};
  }
  planning.sources.reserve(targets_->size());
  for (const auto& target : *targets_) planning.sources.push_back(source(target));
  return planning.sources;
}

bool Call::is_forbidden(std::string_view model) const {
  return request_.key && !request_.key->policy.allows_model(model);
}

void Call::add_candidates(Planning& planning) {
  const std::size_t models = admission_.chain.size();
  if (models > planning.few.size()) planning.many.resize(models);
  planning.candidates =
      planning.many.empty() ? std::span(planning.few).first(models) : std::span(planning.many);
  if (targets_->size() == 1) {
    for (std::size_t i = 0; i < models; ++i) {
      const auto model = admission_.chain[i];
      planning.candidates[i] = {.model = shard_.model_scope(targets_->front(), model),
                                .is_free = model.ends_with(":free"),
                                .cannot = is_forbidden(model)};
    }
    return;
  }
  planning.destinations =
      destinations(admission_.chain, *config_, admission_.demands, admission_.route->region);
  for (std::size_t i = 0; i < models; ++i) {
    const auto& to = planning.destinations[i];
    planning.candidates[i] = {.model = shard_.model_scope((*targets_)[to.upstream], to.model),
                              .source = static_cast<std::uint32_t>(to.upstream),
                              .is_free = to.free,
                              .cannot = to.unmet != Unmet::none || is_forbidden(admission_.chain[i])};
  }
}

route::Step Call::first_step() {
  planning_.emplace();
  add_candidates(*planning_);
  const route::PlanLimits limits{.retries = admission_.route->retries,
                                 .fallback_on_policy = admission_.route->fallback_on_policy};
  planning_->plan.emplace(route::Chain{sources(*planning_), planning_->candidates}, limits, deadline_);
  if (!first_may_be_asked()) look_at_models();
  return planning_->plan->first(started_, shared());
}

// A 402 on a key that has credit is about max_tokens (CONTRACT §11.8): once a call it is sent again with what
// can be paid for, if its route says so.
bool Call::lower_limit(const AttemptEnd& end) {
  const bool clamps = admission_.route->on_tight_budget == config::TightBudget::clamp;
  const auto affordable = end.verdict ? end.verdict->affordable_tokens : std::nullopt;
  if (!clamps || most_tokens_ != 0 || !affordable || *affordable < kFewestTokens) return false;
  most_tokens_ = *affordable;
  return true;
}

route::Step Call::next_step(const AttemptEnd& end) {
  const route::Verdict ended_by_us{.outcome = end.outcome};
  const route::Report report{
      .verdict = end.verdict ? *end.verdict : ended_by_us, .wish = end.wish, .mended = lower_limit(end)};
  look_at_models();
  auto step = planning_->plan->next(report, shard_.loop_.now(), shared(), shard_.random_);
  if (attempts_.empty()) return step;
  if (const auto* next = std::get_if<route::Try>(&step)) attempts_.back().next = text(next->because);
  return step;
}

void Call::begin(const route::Try& next) {
  if (last_asked_ && *last_asked_ != next.candidate) ++record_.fallbacks;
  if (model_ != next.candidate) most_tokens_ = 0;  // another model has another price
  last_asked_ = model_ = next.candidate;
  upstream_ = planning_->candidates[next.candidate].source;
  key_ = static_cast<std::uint32_t>(next.key);
  way_ = planning_->plan->way(next);
  until_ = next.until;
  served_by_.clear();
  served_model_.clear();
  generation_id_.clear();
  usage_.reset();
  ++tries_;
}

Task<void> Call::ask_upstream() {
  AttemptEnd end;
  auto step = first_step();
  while (const auto* next = std::get_if<route::Try>(&step)) {
    begin(*next);
    if (next->at > shard_.loop_.now()) co_await pause_until(next->at);
    attempt_began_ = shard_.loop_.now();
    bool paid = stopped_ || pay_at_once();
    if (!paid && !no_money_) paid = co_await wait_for_money();
    if (stopped_) {
      end = cancelled_end();
    } else if (paid) {
      end = co_await attempt();
    } else {
      end = no_money_end();
    }
    book(end);
    asked_ = false;
    note_attempt(end);
    if (abandoned_) end = abandoned_end(std::move(end));
    record_.outcome = end.outcome;
    if (end.outcome != route::Outcome::delivered) error_ = end.why;
    if (end.final) co_return;
    if (end.ours) {
      attempts_.back().next =
          no_money_ ? "no money can be set aside" : "another try would not find more room";
      break;
    }
    step = next_step(end);
  }
  if (const auto* stop = std::get_if<route::Stop>(&step)) halted(*stop);
  co_await deliver_failure(end);
}

void Call::halted(const route::Stop& stop) {
  halt_ = stop;
  if (!attempts_.empty()) attempts_.back().next = text(stop.why);
}

Task<void> Call::pause_until(MonoTime at) {
  net::Timer timer;
  wake_.reset();
  shard_.loop_.set_timer(timer, at, [](void* self) { static_cast<net::Signal*>(self)->notify(); }, &wake_);
  if (!stopped_) co_await wake_;
}

Task<AttemptEnd> Call::attempt() {
  auto sent = co_await send();
  if (!sent) co_return transport_end(sent.error());
  net::ClientResponse response = std::move(*sent);
  if (is_encoded(response)) {
    AttemptEnd end = unusable_end("the reply is compressed although identity was asked for");
    end.upstream_status = response.status(), end.answered = true;
    co_return end;
  }
  keep_reply_headers(response);
  const bool streams = facts_.stream && response.status() == 200 && is_event_stream(response);
  if (streams) response.forget_headers();
  auto reading = streams ? relay_stream(response) : read_plain(response);
  AttemptEnd end = co_await std::move(reading);
  if (end.upstream_status == 0) end.upstream_status = response.status();
  end.answered = true;
  co_return end;
}

std::string_view Call::space() const {
  return request_.key ? std::string_view(request_.key->id) : std::string_view{};
}

void Call::edit_request(wire::Splice& body) {
  const bool again = std::ranges::find(attempts_, model_, &Tried::model) != attempts_.end();
  const std::string_view as =
      planning_->destinations.empty() ? std::string_view{} : planning_->destinations[model_].model;
  std::vector<std::string_view> avoid;
  const bool tracked = shard_.with_.failover.scopes.names().first_below(way_.model).tracked();
  if (tracked && upstream_ == 0) avoid = providers_to_avoid();
  edit(body, facts_, admission_, *request_.dialect,
       {.candidate = model_,
        .as = as,
        .again = again,
        .avoid = avoid,
        .most_tokens = most_tokens_,
        .space = space(),
        .price_cap = price_cap_.get()});
}

// The edited request, and the head of its answer: the edits go when it has come.
Task<Call::Sent> Call::send() {
  wire::Splice body(request_.body);
  edit_request(body);
  const auto pieces = body.pieces();
  const UpstreamTarget& to = target();
  const auto accept = facts_.stream ? "text/event-stream" : "application/json";
  const UpstreamHeaders headers(admission_.route->attribution, to.keys[key_].authorization, request_.headers,
                                accept, &shard_.headers_room_, space());
  std::string& path = shard_.path_room_;
  path.assign(to.base.path).append(request_.dialect->path);
  const net::ClientRequest request{
      .method = "POST", .path = path, .headers = headers.all(), .body = pieces, .on_its_way = &asked_};
  const auto& limits = admission_.route->timeouts;
  const MonoTime now = shard_.loop_.now();
  const net::ClientDeadlines deadlines{
      .connect = earlier(until_, now, limits.connect),
      .head = earlier(until_, now,
                      facts_.stream ? std::min(limits.silence, limits.first_token) : limits.silence)};
  auto sent = co_await to.client->send(to.base.origin, request, deadlines, &canceller_);
  co_return sent;
}

// ---- what an attempt leaves behind

void Call::note_attempt(const AttemptEnd& end) {
  const MonoTime now = shard_.loop_.now();
  if (!end.ours)
    shard_.with_.observer.attempt_ended(shard_.index_, {.model = admission_.chain[model_],
                                                        .outcome = end.outcome,
                                                        .upstream_status = end.upstream_status,
                                                        .took = now - attempt_began_});
  const route::Verdict plain{.outcome = end.ours ? route::Outcome::cancelled : end.outcome};
  const route::End ended{.verdict = end.verdict ? *end.verdict : plain,
                         .answered = end.answered,
                         .wish = end.wish,
                         .served_by = served_by_};
  const bool of_the_model =
      ended.verdict.scope == route::Scope::model || ended.verdict.scope == route::Scope::provider;
  if (of_the_model && !way_.model.tracked()) way_.model = shard_.track(target(), admission_.chain[model_]);
  // A key that a reload has replaced may fail as it likes: its name stands for another one by now.
  if (targets_ != shard_.upstreams() && !is_current(*shard_.upstreams(), target(), key_))
    way_.key = way_.free_allowance = route::kUntracked;
  told(feed_.ended(way_, ended, now, shard_.random_));
  if (end.verdict && end.verdict->key != route::KeyDoubt::none) shard_.key_watch_.doubt(way_.key);
  if (end.outcome != route::Outcome::delivered)
    attempts_.push_back({.model = model_, .outcome = end.outcome, .took = now - attempt_began_});
}

// A breaker's change is told once, where it happened.
void Call::told(const route::Changes& changes) {
  const auto tell = [this](route::ScopeId id, route::Change change) {
    if (change == route::Change::none) return;
    const auto& scopes = shard_.with_.failover.scopes;
    const auto& named = scopes.names().at(id);
    const auto level = change == route::Change::closed ? observe::Level::info : observe::Level::warn;
    observe::log(level, "breaker",
                 {{"id", id_.text()},
                  {"scope", name(named.kind)},
                  {"name", named.name},
                  {"change", name(change)},
                  {"reason", name(scopes.breaker(id).reason())}});
  };
  tell(way_.upstream, changes.upstream);
  tell(way_.key, changes.key);
  tell(way_.free_allowance, changes.free_allowance);
  tell(way_.model, changes.model);
  tell(changes.provider_id, changes.provider);
}

}  // namespace gantry::engine
