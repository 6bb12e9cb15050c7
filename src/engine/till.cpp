#include "engine/till.hpp"

#include <utility>

namespace gantry::engine {

Payer keyless(ledger::Bank& bank) {
  return {.account = bank.account(ledger::kKeyless),
          .path = {.key = ledger::kKeyless,
                   .project = ledger::kDefaultProject,
                   .organisation = ledger::kOrganisation}};
}

bool AttemptMoney::begin(Till& till, const Payer& payer, spend::Hold hold, PicoUsd estimate,
                         const AttemptLabels& labels, Random& random) {
  const ledger::AttemptBegun begun{.attempt = {random.next()},
                                   .call = labels.call,
                                   .payer = payer.path,
                                   .at = hold.empty() ? till.bank.now() : hold.at(),
                                   .hold = hold.amount(),
                                   .estimate = estimate,
                                   .model = labels.model,
                                   .route = labels.route,
                                   .upstream = labels.upstream,
                                   .upstream_key = labels.upstream_key,
                                   .places = hold.places()};
  if (!till.journal.write(begun)) return false;  // the hold goes back with its owner
  till_ = &till;
  attempt_ = begun.attempt;
  hold_ = std::move(hold);
  estimate_ = estimate;
  seen_ = false;
  return true;
}

void AttemptMoney::seen(std::string_view generation) {
  if (!open() || seen_ || generation.empty()) return;
  seen_ = till_->journal.write(ledger::GenerationSeen{.attempt = attempt_, .generation = generation});
}

Task<std::expected<void, ledger::NoHold>> AttemptMoney::extend(net::Loop& loop, PicoUsd by) {
  auto extended = co_await till_->bank.extend(loop, hold_, by);
  if (extended) estimate_ = hold_.amount();
  co_return extended;
}

PicoUsd AttemptMoney::settle(const AttemptBill& bill) {
  Till& till = *std::exchange(till_, nullptr);
  till.journal.write(ledger::AttemptSettled{.attempt = attempt_,
                                            .at = till.bank.now(),
                                            .cost = bill.cost,
                                            .upstream_cost = bill.upstream_cost,
                                            .source = bill.source,
                                            .waste = bill.waste,
                                            .delivered = bill.delivered,
                                            .prompt_tokens = bill.prompt_tokens,
                                            .completion_tokens = bill.completion_tokens,
                                            .served_model = bill.served_model,
                                            .provider = bill.provider,
                                            .outcome = bill.outcome,
                                            .generation = unless_seen(bill.generation)});
  return std::exchange(hold_, {}).settle(bill.cost);
}

// In memory before in the journal: whoever resolves it has read it there, and finds it here.
void AttemptMoney::leave_pending(const AttemptBill& bill) {
  Till& till = *std::exchange(till_, nullptr);
  spend::Hold hold = std::exchange(hold_, {});
  if (!hold.empty()) till.bank.keep(attempt_, hold.keep_pending(estimate_));
  till.journal.write(ledger::AttemptPending{.attempt = attempt_,
                                            .at = till.bank.now(),
                                            .estimate = estimate_,
                                            .waste = bill.waste,
                                            .delivered = bill.delivered,
                                            .outcome = bill.outcome,
                                            .generation = unless_seen(bill.generation)});
}

}  // namespace gantry::engine
