#include "engine/probe.hpp"

#include "engine/prices.hpp"
#include "engine/settlement.hpp"
#include "route/verdict.hpp"

namespace gantry::engine {
namespace {

// A ping is some eight tokens; the answer has at most sixteen.
wire::Usage usual_usage() {
  wire::Usage usage;
  usage.prompt_tokens = 8, usage.completion_tokens = 16;
  return usage;
}

struct Told {
  std::string model{}, provider{};
  std::optional<wire::Usage> usage{};
  route::Outcome outcome = route::Outcome::ambiguous;
};

Told told_by(const Result<Fetched>& fetched) {
  if (!fetched) return {.outcome = route::judge(fetched.error().fault, route::Sent::yes).outcome};
  if (fetched->status != 200)
    return {.outcome = route::judge(wire::read_error(fetched->status, fetched->body)).outcome};
  wire::ReplyScanner scanner;
  auto reply = scanner.reply(fetched->body);
  if (!reply) return {};
  return {.model = std::move(reply->model),
          .provider = reply->provider.value_or(""),
          .usage = reply->usage,
          .outcome = route::judge(*reply).outcome};
}

// What never left is known to cost nothing.
bool left(const Result<Fetched>& fetched) {
  if (fetched) return true;
  const Fault fault = fetched.error().fault;
  return fault != Fault::refused && fault != Fault::unresolved && fault != Fault::tls_failed;
}

void book(Shard& shard, AttemptMoney& money, const std::string& model, const Result<Fetched>& fetched) {
  const Told told = told_by(fetched);
  const WallTime now = shard.till()->bank.now();
  AttemptBill bill{.waste = spend::Waste::probe,
                   .served_model = told.model,
                   .provider = told.provider,
                   .outcome = route::name(told.outcome)};
  if (told.usage) {
    bill.prompt_tokens = told.usage->prompt_tokens.value_or(0);
    bill.completion_tokens = told.usage->completion_tokens.value_or(0);
  }
  const auto* const catalogue = shard.catalogue();
  const AttemptPrices prices(catalogue ? &catalogue->prices : nullptr, model, {});
  switch (bill_of({.outcome = told.outcome,
                   .sent = left(fetched),
                   .status = fetched ? fetched->status : 0,
                   .told_failure = told.outcome != route::Outcome::delivered && fetched,
                   .usage = told.usage})) {
    case Bill::told:
      bill.cost = *told.usage->cost;
      break;
    case Bill::nothing:
      bill.source = spend::CostSource::free;
      break;
    case Bill::tokens: {
      const auto cost = prices.computed(*told.usage, told.model, told.provider, now);
      if (!cost) return money.leave_pending(bill);
      bill.cost = *cost;
      bill.source = spend::CostSource::computed;
      break;
    }
    case Bill::unknown:
      return money.leave_pending(bill);
  }
  money.settle(bill);
}

}  // namespace

Task<Result<Fetched>> probe(Shard& shard, std::string model, std::string body, MonoTime deadline) {
  AttemptMoney money;
  if (Till* const till = shard.till()) {
    const auto* const catalogue = shard.catalogue();
    const AttemptPrices prices(catalogue ? &catalogue->prices : nullptr, model, {});
    const auto estimate = prices.computed(usual_usage(), "", "", till->bank.now()).value_or(PicoUsd{});
    const AttemptLabels labels{.model = model,
                               .route = "-",
                               .upstream = shard.config()->upstream.name,
                               .upstream_key = shard.upstreams()->front().keys.front().books};
    if (!money.begin(*till, keyless(till->bank), {}, estimate, labels, shard.random()))
      co_return fail(Fault::overloaded, "the journal has no room for what the probe costs");
  }
  auto fetched = co_await shard.ask("POST", "/chat/completions", std::move(body), deadline);
  if (money.open()) book(shard, money, model, fetched);
  co_return fetched;
}

}  // namespace gantry::engine
