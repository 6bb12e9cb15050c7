// A call's money: set aside before each attempt, booked after it (DESIGN §5).
#include <fmt/format.h>

#include <algorithm>

#include "access/utc_text.hpp"
#include "engine/call.hpp"
#include "engine/prices.hpp"
#include "engine/settlement.hpp"
#include "observe/log.hpp"
#include "spend/cost.hpp"
#include "wire/cost_drivers.hpp"

namespace gantry::engine {
namespace {

PicoUsd left_of(const ledger::OverBudget& over) {
  return {std::max<std::int64_t>(0, over.limit.value - over.settled.value - over.held.value)};
}

template <class... Cases>
struct Either : Cases... {
  using Cases::operator()...;
};

}  // namespace

// ---- prices

template <class Use>
auto Call::with_prices(Use use) const {
  const std::string_view model = admission_.chain[model_];
  if (upstream_ != 0) {
    const AttemptPrices prices(config::upstream_at(*config_, upstream_),
                               config::locate(*config_, model).model, admission_.route->prices);
    return use(prices);
  }
  std::vector<std::string_view> along(admission_.upstream_chain.begin(), admission_.upstream_chain.end());
  if (admission_.models_as_sent) along.insert(along.end(), facts_.models.begin(), facts_.models.end());
  const auto* const catalogue = shard_.catalogue();
  const AttemptPrices prices(catalogue ? &catalogue->prices : nullptr, model, along,
                             admission_.route->prices);
  return use(prices);
}

spend::Served Call::served(const AttemptPrices& prices) const {
  return prices.served(shard_.till_->bank.now(),
                       until_ == kNever ? Duration::zero() : until_ - shard_.loop_.now());
}

std::optional<PicoUsd> Call::computed(const wire::Usage& usage) const {
  const WallTime at = shard_.till_->bank.now();
  return with_prices(
      [&](const AttemptPrices& prices) { return prices.computed(usage, served_model_, served_by_, at); });
}

// ---- before an attempt

bool Call::is_limited() const {
  const auto* const account = request_.payer.account;
  return account && account->limited();
}

// Out of what is leased, without waiting. False with no_money_: nothing may be sent; without: the ledger must
// be asked.
bool Call::pay_at_once() {
  if (!shard_.till_ || !request_.payer.account) return true;
  if (!is_limited()) return begin_paid({});
  const auto amount = most_it_costs();
  if (!amount) return false;
  auto held = shard_.till_->bank.take(*request_.payer.account, *amount);
  return held && begin_paid(std::move(*held));
}

// With `clamp` the limit of the answer is lowered to what is left; what is left may have changed by then.
Task<bool> Call::wait_for_money() {
  for (;;) {
    const auto amount = most_it_costs();
    if (!amount) co_return false;
    auto held = co_await shard_.till_->bank.hold(shard_.loop_, *request_.payer.account, *amount);
    if (held) co_return begin_paid(std::move(*held));
    const auto* const over = std::get_if<ledger::OverBudget>(&held.error());
    if (over && lower_limit_to(left_of(*over))) continue;
    no_lease(held.error());
    co_return false;
  }
}

bool Call::begin_paid(spend::Hold hold) {
  const auto guess = hold.empty() ? rough_estimate() : std::optional(hold.amount());
  no_estimate_ = !guess;
  const PicoUsd estimate = guess.value_or(PicoUsd{});
  const AttemptLabels labels{.call = id_.number(),
                             .model = admission_.chain[model_],
                             .route = admission_.route_name,
                             .upstream = config::upstream_at(*config_, upstream_).name,
                             .upstream_key = target().keys[key_].books};
  if (money_.begin(*shard_.till_, request_.payer, std::move(hold), estimate, labels, shard_.random_))
    return true;
  no_money(Failure{Fault::overloaded, "This gateway cannot write down what the call costs just now."});
  return false;
}

// Where the ledger lies is nothing to a client; the log has it.
void Call::no_lease(const ledger::NoHold& why) {
  if (const auto* const over = std::get_if<ledger::OverBudget>(&why)) return no_money(*over);
  observe::log(observe::Level::error, "no_lease",
               {{"id", id_.text()}, {"error", std::get<Failure>(why).detail}});
  no_money(Failure{Fault::overloaded, "This gateway's ledger does not answer just now."});
}

void Call::no_money(NoMoney why) { no_money_ = std::make_unique<const NoMoney>(std::move(why)); }

// The bound, or what the route says where there is none; nullopt with no_money_.
std::optional<PicoUsd> Call::most_it_costs() {
  const auto bound = bound_of_attempt();
  if (admission_.route->hold == config::kCalibrated) {
    if (const auto learned = soft_amount(bound ? std::optional(*bound) : std::nullopt)) return learned;
  }
  if (bound) return *bound;
  if (const auto told = parse_usd(admission_.route->hold)) return *told;
  if (upstream_ == 0 && !shard_.catalogue()) {
    no_money(Failure{Fault::overloaded, "OpenRouter's prices are not known yet."});
  } else {
    no_money(bound.error());
  }
  return std::nullopt;
}

std::expected<PicoUsd, spend::Unbounded> Call::bound_of_attempt() {
  price_cap_.reset();
  soft_.reset();
  if (const auto* const catalogue = shard_.catalogue(); catalogue && upstream_ == 0)
    catalogue->want(admission_.chain[model_]);
  const auto drivers = drivers_of_attempt();
  auto bound =
      with_prices([&](const AttemptPrices& prices) { return spend::bound(drivers, served(prices)); });
  if (!bound) return std::unexpected(std::move(bound.error()));
  if (bound->cap && upstream_ == 0)
    price_cap_ = std::make_unique<const spend::PriceCap>(std::move(*bound->cap));
  return bound->most;
}

// What calls like it cost, once enough are known. Here, because with_prices() is.
std::optional<PicoUsd> Call::soft_amount(std::optional<PicoUsd> bound) {
  const auto held = shard_.calibrated_.hold(request_.payer.path.key, admission_.chain[model_], bound);
  if (!held) return std::nullopt;
  const auto drivers = drivers_of_attempt();
  const auto bytes = static_cast<std::int64_t>(record_.request_bytes);
  soft_ = with_prices([&](const AttemptPrices& prices) {
    return std::make_unique<SoftHold>(engine::soft_hold(*held, bound, drivers, served(prices), bytes));
  });
  return held;
}

wire::CostDrivers Call::drivers_of_attempt() {
  if (!drivers_)
    drivers_ = std::make_unique<wire::CostDrivers>(wire::read_cost_drivers(request_.body, facts_));
  auto drivers = *drivers_;
  wire::add_model(drivers, admission_.chain[model_]);
  drivers.max_tokens = sent_limit(facts_, *admission_.route, most_tokens_);
  return drivers;
}

bool Call::lower_limit_to(PicoUsd budget) {
  if (admission_.route->on_tight_budget != config::TightBudget::clamp) return false;
  const auto drivers = drivers_of_attempt();
  const auto tokens = with_prices(
      [&](const AttemptPrices& prices) { return spend::affordable_tokens(drivers, served(prices), budget); });
  if (!tokens || *tokens < kFewestTokens || (most_tokens_ != 0 && *tokens >= most_tokens_)) return false;
  most_tokens_ = *tokens;
  return true;
}

// For accounts without a limit, should nobody ever tell what the attempt cost: a token is about four bytes.
// Without a price it is what the route holds for calls without a bound, or as dear as OpenRouter gets;
// nullopt at other upstreams, of which nothing is known.
std::optional<PicoUsd> Call::rough_estimate() const {
  const auto prompt = static_cast<std::int64_t>(record_.request_bytes) / kBytesAToken;
  const auto completion = sent_limit(facts_, *admission_.route, most_tokens_);
  const auto* const catalogue = shard_.catalogue();
  const bool listed = upstream_ == 0 && admission_.route->prices.empty();
  const auto known = listed
                         ? rough_cost(catalogue ? catalogue->prices.find(admission_.chain[model_]) : nullptr,
                                      prompt, completion)
                         : with_prices([&](const AttemptPrices& prices) {
                             return rough_cost(prices.asked(), prompt, completion);
                           });
  if (known) return known;
  if (const auto told = parse_usd(admission_.route->hold)) return *told;
  if (upstream_ != 0 || !catalogue) return std::nullopt;
  return rough_cost(&catalogue->prices.dearest(), prompt, completion);
}

// ---- after it

void Call::book(const AttemptEnd& end) {
  if (no_money_ && !cut_) --tries_;  // nobody was asked
  if (!money_.open()) return;
  const bool whole = end.outcome == route::Outcome::delivered && !abandoned_;
  const bool part = end.final && end.outcome != route::Outcome::cancelled && !whole;
  const bool client_left = end.outcome == route::Outcome::cancelled || abandoned_;
  AttemptBill bill{.delivered = whole || part,
                   .generation = generation_id_,
                   .served_model = served_model_,
                   .provider = served_by_,
                   .outcome = route::name(end.outcome)};
  bill.waste = waste_of({.delivered = bill.delivered, .client_left = client_left, .primary = model_ == 0});
  if (usage_) {
    bill.prompt_tokens = usage_->prompt_tokens.value_or(0);
    bill.completion_tokens = usage_->completion_tokens.value_or(0);
    if (usage_->is_byok && usage_->upstream_cost) bill.upstream_cost = *usage_->upstream_cost;
  }
  const bool known = bill_attempt(bill, end);
  if (soft_) learn_cost(bill, known);
  if (!known && no_estimate_) shard_.tell_unpriced(admission_.chain[model_]);
  if (!known) return money_.leave_pending(bill);
  const PicoUsd over = money_.settle(bill);
  if (over > PicoUsd{})
    observe::log(observe::Level::warn, "overshoot",
                 {{"id", id_.text()},
                  {"model", admission_.chain[model_]},
                  {"cost_usd", to_decimal(bill.cost)},
                  {"over_usd", to_decimal(over)}});
}

// False: the cost is not known.
bool Call::bill_attempt(AttemptBill& bill, const AttemptEnd& end) const {
  switch (bill_of({.outcome = end.outcome,
                   .sent = asked_,
                   .status = end.upstream_status,
                   .told_failure = end.told,
                   .maybe_billed = end.verdict && end.verdict->maybe_billed,
                   .insured = upstream_ == 0,
                   .usage = usage_})) {
    case Bill::told:
      bill.cost = *usage_->cost;
      return true;
    case Bill::nothing:
      bill.source = spend::CostSource::free;
      return true;
    case Bill::tokens:
      if (const auto cost = computed(*usage_)) {
        bill.cost = *cost;
        bill.source = spend::CostSource::computed;
        return true;
      }
      return false;
    case Bill::unknown:
      break;
  }
  return false;
}

// ---- what the client is told

AttemptEnd Call::no_money_end() const {
  return {.outcome = route::Outcome::out_of_money, .why = no_money_text(), .ours = true};
}

std::string Call::no_money_text() const {
  const auto& bank = shard_.till_->bank;
  const Either say{
      [&](const ledger::OverBudget& over) {
        return fmt::format(
            "The {} budget of {} does not hold this call: of ${} are ${} spent and ${} held{}, and it may "
            "cost up to ${}.",
            spend::name(over.pot.window.period), bank.name_of(over.pot.account), to_decimal(over.limit),
            to_decimal(over.settled), to_decimal(over.held),
            over.lost > PicoUsd{} ? fmt::format(" (${} by a gateway that is gone)", to_decimal(over.lost))
                                  : "",
            to_decimal(over.amount));
      },
      [](const spend::Unbounded& why) {
        return fmt::format("This call is charged to a budget, and it has no bound on its cost: {}",
                           why.reason);
      },
      [this](const Failure& why) { return (cut_ ? "" : "Nothing was asked. ") + why.detail; }};
  return std::visit(say, *no_money_);
}

wire::ErrorBody Call::no_money_body() const {
  auto body =
      own_body(no_money_text(), "Send the request again a little later; GET /ready and the log tell why.");
  if (std::holds_alternative<Failure>(*no_money_)) return body;
  body.code = 402;
  body.error_type = "payment_required";
  if (const auto* const why = std::get_if<spend::Unbounded>(no_money_.get())) {
    body.param = why->field;
    body.remedy = "Leave that out, or let the route say what to set aside for such calls: hold = \"$1\".";
    return body;
  }
  const auto& pot = std::get<ledger::OverBudget>(*no_money_).pot;
  const auto end = spend::end_of(pot.window);
  body.remedy =
      "Send a smaller max_tokens or wait for calls under way to end; an operator can raise the limit (gantry "
      "accounts, gantry keys).";
  if (end != WallTime::max()) body.remedy += fmt::format(" It resets at {}.", access::utc_text(end));
  return body;
}

}  // namespace gantry::engine
