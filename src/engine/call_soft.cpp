// Calls of routes with hold = "calibrated": what is set aside is learned, and grows while a stream goes on.
#include <variant>

#include "engine/call.hpp"
#include "engine/soft_hold.hpp"

namespace gantry::engine {

// False when the stream is at its budget.
Task<bool> Call::set_more_aside() {
  while (soft_->due()) {
    const PicoUsd by = soft_->more();
    auto extended = co_await money_.extend(shard_.loop_, by);
    if (extended) {
      soft_->extended(by);
      continue;
    }
    if (!soft_->refused()) break;
    no_lease(extended.error());
    co_return false;
  }
  co_return true;
}

// Nothing is retried, and no breaker hears of it: upstream did nothing wrong. What it cost is not known yet.
Task<AttemptEnd> Call::cut_at_budget(const Relay& relay) {
  note_usage(relay.facts().usage);
  served_model_ = relay.facts().model;
  if (generation_id_.empty()) generation_id_ = relay.facts().id;
  cut_ = true;
  auto body =
      own_body("The answer was cut: what could be set aside for it is spent. " + no_money_text(),
               "Send a smaller max_tokens; an operator can raise the limit (gantry accounts, gantry keys).");
  if (!std::holds_alternative<Failure>(*no_money_)) {
    body.code = 402;
    body.error_type = "payment_required";
  }
  AttemptEnd end{
      .outcome = route::Outcome::out_of_money, .why = "the stream was cut at its budget", .ours = true};
  if (taken_whole_) co_return end;
  end.final = true;
  record_.status = 200;
  co_await end_patience();
  co_await close_with(body, relay);
  co_return end;
}

// Also what was cut or left: without those, long answers would never be learned.
void Call::learn_cost(const AttemptBill& bill, bool known) {
  const bool free = known && !bill.delivered && bill.source == spend::CostSource::free;
  if (!free)
    shard_.calibrated_.learn(request_.payer.path.key, admission_.chain[model_],
                             known ? bill.cost : soft_->held());
  soft_.reset();
}

}  // namespace gantry::engine
