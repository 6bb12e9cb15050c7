#include "engine/call.hpp"

#include "engine/headers.hpp"
#include "engine/reply_buffer.hpp"

namespace gantry::engine {
CallId::CallId(std::uint64_t number) : number_(number), text_{'c', 'a', 'l', 'l', '-'} {
  for (auto digit = text_.rbegin(); *digit == 0; ++digit, number >>= 4)
    *digit = "0123456789abcdef"[number & 15];
}

Call::Call(Shard& shard, CallRequest request, Delivery& delivery)
    : shard_(shard),
      request_(request),
      delivery_(delivery),
      config_(shard.config_),
      targets_(shard.upstreams_.targets()),
      started_(shard.loop_.now()),
      id_(shard.random_.next()),
      feed_(shard.with_.failover.scopes, shard.index_, request.client) {
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
  shard_.with_.failover.retries.call_began(shard_.index_);
  delivery_.on_gone([](void* self) { static_cast<Call*>(self)->stop(Why::client_gone); }, this);
  if (facts_.stream) be_patient();
  co_await ask_upstream();
  if (facts_.stream) co_await end_patience();
  delivery_.on_gone(nullptr, nullptr);
  record();
}

// Reads the request and decides what will be asked of upstream.
std::optional<wire::Refusal> Call::prepare() {
  record_.request_bytes = request_.body.size();
  auto facts = request_.dialect->scan(shard_.request_scanner_, request_.body);
  if (!facts) return std::move(facts.error());
  facts_ = std::move(*facts);
  auto admitted = admit(request_.body, facts_, *config_,
                        request_.headers ? request_.headers->get("x-gantry-fallback") : std::nullopt);
  if (!admitted) return std::move(admitted.error());
  admission_ = std::move(*admitted);
  if (auto refused = kept_from(admission_)) return refused;
  std::erase_if(admission_.upstream_chain, [this](std::string_view model) { return is_forbidden(model); });
  deadline_ = earlier(kNever, started_, admission_.route->timeouts.call);
  return std::nullopt;
}

// What the client's key does not allow.
std::optional<wire::Refusal> Call::kept_from(const Admission& admission) const {
  if (!request_.key) return std::nullopt;
  const bool named = admission.route_name != "-";
  std::vector<std::string_view> models(facts_.models.begin(), facts_.models.end());
  if (!named) models.insert(models.begin(), *facts_.model);
  const bool chose = !models.empty();
  const access::Asked asked{.route = named ? admission.route_name : std::string_view{},
                            .models = models,
                            .chain = chose ? std::span<const std::string_view>{} : std::span(admission.chain),
                            .features = features()};
  return access::why_not(request_.key->policy, asked, request_.key->id);
}

access::Features Call::features() const {
  access::Features out{};
  const auto set = [&out](access::Feature feature, bool on) {
    out.at(static_cast<std::size_t>(feature)) = on;
  };
  const std::string_view model = facts_.model ? std::string_view(*facts_.model) : std::string_view{};
  const auto header = [this](std::string_view name) {
    return request_.headers && request_.headers->get(name);
  };
  set(access::Feature::plugins, facts_.has_plugins);
  set(access::Feature::server_tools, facts_.has_server_tools || model.contains(":online"));
  set(access::Feature::presets, facts_.has_preset || model.contains("@preset/"));
  set(access::Feature::debug, facts_.has_debug);
  set(access::Feature::response_cache,
      header("x-openrouter-cache") || header("x-openrouter-cache-ttl") || header("x-openrouter-cache-clear"));
  return out;
}

void Call::keep_reply_headers(const net::ClientResponse& response) {
  kept_headers_.clear();
  generation_id_.clear();
  for (const auto& header : response.headers()) {
    if (passes_to_client(header.name)) kept_headers_.emplace_back(header.name, header.value);
    if (net::same_name(header.name, "x-generation-id")) generation_id_ = header.value;
  }
  // Should this process end before the call does, that is how its cost is found out. What has come whole is
  // about to be booked.
  if (!response.has_all()) money_.seen(generation_id_);
}

std::vector<net::Header> Call::answer_headers(std::string_view content_type, Answered answered) {
  attempts_text_ = std::to_string(tries_);
  std::vector<net::Header> headers;
  headers.reserve(8 + kept_headers_.size());  // with what the callers add
  headers.assign({{"Content-Type", content_type},
                  {"x-gantry-call-id", id_.text()},
                  {"x-gantry-attempts", attempts_text_}});
  if (answered == Answered::yes) {
    if (!served_model_.empty()) headers.push_back({"x-gantry-model", served_model_});
    if (const auto name = substitute(); !name.empty()) headers.push_back({"x-gantry-substituted", name});
    if (most_tokens_ != 0) {
      most_tokens_text_ = std::to_string(most_tokens_);
      headers.push_back({"x-gantry-max-tokens", most_tokens_text_});
    }
  }
  explain(headers, answered);
  for (const auto& [name, value] : kept_headers_)
    if (!net::same_name(name, "retry-after")) headers.push_back({name, value});
  return headers;
}

// ---- the record

void Call::note_usage(const std::optional<wire::Usage>& usage) {
  if (!usage) return;
  usage_ = usage;
  record_.prompt_tokens = usage->prompt_tokens;
  record_.completion_tokens = usage->completion_tokens;
  // Every attempt that was billed counts, also one whose answer was not used.
  if (!usage->cost) return;
  const auto sum = add(record_.cost.value_or(PicoUsd{}), *usage->cost);
  if (sum) record_.cost = *sum;
}

void Call::record() {
  if (request_.tokens)
    *request_.tokens = record_.prompt_tokens.value_or(0) + record_.completion_tokens.value_or(0);
  const MonoTime ended = shard_.loop_.now();
  const std::size_t sent = delivery_.bytes_sent();
  // As nginx logs it: the client closed its request before it was given a status.
  if (record_.outcome == route::Outcome::cancelled && sent == 0) record_.status = 499;
  shard_.with_.observer.call_ended(
      shard_.index_, {.call_id = id_.text(),
                      .dialect = request_.dialect->name,
                      .route = admission_.route_name,
                      .model_asked = admission_.route ? admission_.asked
                                     : facts_.model   ? *facts_.model
                                                      : std::string_view{},
                      .model_served = served_model_,
                      .generation_id = generation_id_,
                      .outcome = record_.outcome,
                      .status = record_.status,
                      .ours = record_.ours,
                      .stream = facts_.stream,
                      .attempts = tries_,
                      .fallbacks = record_.fallbacks,
                      .took = ended - started_,
                      .ended = ended,
                      .first_token = record_.first_token,
                      .prompt_tokens = record_.prompt_tokens,
                      .completion_tokens = record_.completion_tokens,
                      .cost = record_.cost,
                      .request_bytes = record_.request_bytes,
                      .reply_bytes = sent,
                      .error = record_.outcome == route::Outcome::delivered ? std::string_view{}
                                                                            : std::string_view(error_)});
}

}  // namespace gantry::engine
