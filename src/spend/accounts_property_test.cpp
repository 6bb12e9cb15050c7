// Random trees of accounts, random interleavings, and a model that keeps its own books. A failing property
// prints its seed and its smallest script.
#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <utility>

#include "spend/accounts.hpp"

namespace gantry::spend {
namespace {

using std::chrono::hours;

const WallTime kBegin{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};

int below(int bound) { return *rc::gen::inRange(0, bound); }
PicoUsd amount() { return {below(40)}; }

struct ModelPot {
  std::int64_t granted = 0;
  std::int64_t settled = 0;
  int open = 0;
  bool ahead = false;   // made before its window
  bool passed = false;  // its window was left
};
using ModelPots = std::map<PotId, ModelPot>;

struct ModelHold {
  Hold hold;
  PendingHold pending{};
  bool is_pending = false;
  std::int64_t amount = 0;
  std::vector<PotId> pots;
};

struct ModelNode {
  AccountNode* node = nullptr;
  Limits limits;
};

class Model {
 public:
  Model() {
    AccountNode* parent = nullptr;
    std::int64_t id = 0;
    const auto grow = [&](auto&& self, AccountNode* above, std::size_t level) -> void {
      const int children = level == 0 ? 1 : 1 + below(2);
      for (int i = 0; i < children; ++i) {
        const Limits limits = some_limits();
        AccountNode* node = accounts_.set({++id}, above, limits).value();
        nodes_.push_back({node, limits});
        if (level + 1 == kLevels) leaves_.push_back(node);
        if (level + 1 < kLevels) self(self, node, level + 1);
      }
    };
    grow(grow, parent, 0);
  }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        take();
        break;
      case 3:
        extend();
        break;
      case 4:
        settle();
        break;
      case 5:
        keep_pending();
        break;
      case 6:
        resolve();
        break;
      case 7:
        lease();
        break;
      case 8:
        keep();
        break;
      case 9:
        now_ += hours{below(30) - 8};
        break;
      case 10:
        change_limits();
        break;
      default:
        below(2) == 0 ? survey() : lead();
        break;
    }
    check();
  }

  void drain() {
    while (!holds_.empty()) {
      if (holds_.back().is_pending) {
        end(holds_.size() - 1, amount().value);
      } else {
        end(holds_.size() - 1, below(2) == 0 ? std::optional<std::int64_t>() : amount().value);
      }
      check();
    }
    for (const auto& [id, pot] : pots_) RC_ASSERT(accounts_.look(id)->open == 0);
  }

 private:
  static Limits some_limits() {
    Limits limits;
    for (auto& limit : limits)
      if (below(3) == 0) limit = PicoUsd{below(200)};
    return limits;
  }

  WallTime at() const { return std::max(now_, reached_); }

  std::int64_t committed(PotId id) const {
    std::int64_t sum = pots_.at(id).settled;
    for (const ModelHold& hold : holds_)
      if (std::ranges::count(hold.pots, id) > 0) sum += hold.amount;
    return sum;
  }

  bool fits(PotId id, std::int64_t amount) const { return committed(id) + amount <= pots_.at(id).granted; }

  const Limits& limits(const AccountNode* node) const {
    return std::ranges::find(nodes_, node, &ModelNode::node)->limits;
  }

  // ---- windows

  const PotId* current(AccountId account, Period period) const {
    for (const auto& [id, pot] : pots_)
      if (id.account == account && id.window.period == period && !pot.ahead && !pot.passed) return &id;
    return nullptr;
  }

  void roll(PotId to) {
    for (auto& [id, pot] : pots_)
      if (id.account == to.account && id.window.period == to.window.period && !pot.ahead) pot.passed = true;
    std::erase_if(pots_, [&](const auto& entry) {
      const auto& [id, pot] = entry;
      return id.account == to.account && id.window.period == to.window.period && pot.ahead && id != to;
    });
    pots_[to].ahead = false;
    reached_ = std::max(reached_, begin_of(to.window));
  }

  std::vector<PotId> pots_of(const AccountNode* leaf, WallTime at) {
    std::vector<PotId> path;
    for (const AccountNode* node = leaf; node != nullptr; node = node->parent())
      for (const Period period : kPeriods) {
        if (!limits(node)[static_cast<std::size_t>(period)]) continue;
        const PotId id{node->id(), window_of(period, at)};
        const PotId* is = current(node->id(), period);
        if (is == nullptr || *is != id) roll(id);
        path.push_back(id);
      }
    return path;
  }

  // ---- steps

  void expect_lacks(const Shortage& shortage, const std::vector<PotId>& pots, std::int64_t amount) {
    std::vector<PotId> lacking, told;
    for (const PotId id : pots)
      if (!fits(id, amount)) lacking.push_back(id);
    for (const Lack& lack : shortage.lacks()) {
      told.push_back(lack.pot);
      RC_ASSERT(lack.needed.value == committed(lack.pot) + amount);
    }
    RC_ASSERT(told == lacking);
    RC_ASSERT(!lacking.empty());
  }

  void take() {
    AccountNode* leaf = leaves_[static_cast<std::size_t>(below(static_cast<int>(leaves_.size())))];
    const auto wanted = amount();
    const WallTime moment = at();
    auto taken = accounts_.take(*leaf, wanted, now_);
    const auto pots = pots_of(leaf, moment);
    RC_LOG() << "take " << wanted.value << " at " << leaf->id().value << (taken ? "" : ": lacks") << "\n";
    if (!taken) return expect_lacks(taken.error(), pots, wanted.value);
    for (const PotId id : pots) {
      RC_ASSERT(fits(id, wanted.value));
      RC_ASSERT(window_of(id.window.period, taken->at()) == id.window);
      ++pots_[id].open;
    }
    holds_.push_back({.hold = std::move(*taken), .amount = wanted.value, .pots = pots});
  }

  std::optional<std::size_t> some_hold(bool pending) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < holds_.size(); ++i)
      if (holds_[i].is_pending == pending) found.push_back(i);
    if (found.empty()) return std::nullopt;
    return found[static_cast<std::size_t>(below(static_cast<int>(found.size())))];
  }

  void extend() {
    const auto which = some_hold(false);
    if (!which) return;
    const auto by = amount();
    ModelHold& hold = holds_[*which];
    const auto extended = hold.hold.extend(by);
    if (!extended) return expect_lacks(extended.error(), hold.pots, by.value);
    for (const PotId id : hold.pots) RC_ASSERT(fits(id, by.value));
    hold.amount += by.value;
    RC_ASSERT(hold.hold.amount().value == hold.amount);
  }

  void settle() {
    if (const auto which = some_hold(false))
      end(*which, below(4) == 0 ? std::optional<std::int64_t>() : below(60));
  }

  void resolve() {
    if (const auto which = some_hold(true)) end(*which, below(60));
  }

  // No cost: released.
  void end(std::size_t which, std::optional<std::int64_t> cost) {
    ModelHold hold = std::move(holds_[which]);
    holds_.erase(holds_.begin() + static_cast<std::ptrdiff_t>(which));
    if (hold.is_pending) {
      hold.pending.resolve({cost.value()});
    } else if (cost) {
      const PicoUsd overshoot = hold.hold.settle({*cost});
      RC_ASSERT(overshoot.value == (hold.pots.empty() ? 0 : std::max<std::int64_t>(0, *cost - hold.amount)));
    } else {
      hold.hold.release();
    }
    for (const PotId id : hold.pots) pots_[id].settled += cost.value_or(0), --pots_[id].open;
  }

  void keep_pending() {
    const auto which = some_hold(false);
    if (!which) return;
    ModelHold& hold = holds_[*which];
    const auto estimate = amount();
    hold.pending = hold.hold.keep_pending(estimate);
    hold.is_pending = true;
    hold.amount = estimate.value;
  }

  std::optional<PotId> some_pot() {
    if (pots_.empty()) return std::nullopt;
    return std::next(pots_.begin(), below(static_cast<int>(pots_.size())))->first;
  }

  std::optional<PicoUsd> limit_of(PotId id) {
    for (const ModelNode& node : nodes_)
      if (node.node->id() == id.account) return node.limits[static_cast<std::size_t>(id.window.period)];
    return std::nullopt;
  }

  void lower(PotId id, std::int64_t wanted) {
    auto& granted = pots_[id].granted;
    granted = std::min(granted, std::max(wanted, committed(id)));
  }

  // The ledger answers with what it granted in all, and what others have of it.
  void lease() {
    const auto id = some_pot();
    if (!id) return;
    const auto limit = limit_of(*id);
    const std::int64_t total = below(300), others = below(100);
    const Granted lease{.total = {total}, .limit = limit, .settled = {others}, .leased = {total}};
    RC_ASSERT(accounts_.granted(*id, lease));
    if (!limit) return;
    const auto usable = std::clamp<std::int64_t>(limit->value - others, 0, total);
    lower(*id, usable);
    pots_[*id].granted = std::max(pots_[*id].granted, usable);
  }

  void keep() {
    const auto id = some_pot();
    if (!id) return;
    const auto wanted = amount();
    lower(*id, wanted.value);
    RC_ASSERT(accounts_.keep(*id, wanted).value == pots_[*id].granted);
  }

  void change_limits() {
    ModelNode& node = nodes_[static_cast<std::size_t>(below(static_cast<int>(nodes_.size())))];
    const Limits limits = some_limits();
    RC_ASSERT(accounts_.set(node.node->id(), nullptr, limits).value() == node.node);
    for (auto& [id, pot] : pots_) {
      if (id.account != node.node->id() || pot.passed) continue;
      const auto period = static_cast<std::size_t>(id.window.period);
      const auto before = node.limits[period], after = limits[period];
      if (after && (!before || *after < *before)) lower(id, 0);
    }
    node.limits = limits;
  }

  void lead() {
    const auto id = some_pot();
    if (!id) return;
    const auto made = accounts_.next_pot(*id);
    const PotId* is = current(id->account, id->window.period);
    RC_ASSERT(made.has_value() == (id->window.period != Period::total && is != nullptr && *is == *id));
    if (made && !pots_.contains(*made)) pots_[*made].ahead = true;
  }

  void survey() {
    const auto survey = accounts_.survey(now_);
    for (const Wish& wish : survey.wishes) RC_ASSERT(wish.least <= wish.most);
    for (const ModelNode& node : nodes_) {
      const WallTime moment = at();
      for (const Period period : kPeriods) {
        const PotId* is = current(node.node->id(), period);
        if (is != nullptr && moment >= end_of(is->window)) roll({is->account, window_of(period, moment)});
      }
    }
    std::map<PotId, PicoUsd> gone;
    for (const Passed& passed : survey.passed) RC_ASSERT(gone.emplace(passed.pot, passed.committed).second);
    for (const auto& [id, committed_then] : gone) {
      RC_ASSERT(pots_.contains(id) && committed(id) == committed_then.value);
      RC_ASSERT(pots_[id].passed && pots_[id].open == 0);
      pots_.erase(id);
    }
    for (const auto& [id, pot] : pots_) RC_ASSERT(!pot.passed || pot.open > 0);
  }

  void check() {
    for (const auto& [id, pot] : pots_) {
      const auto state = accounts_.look(id);
      RC_ASSERT(state.has_value());
      RC_ASSERT(state->committed.value == committed(id));
      RC_ASSERT(state->granted.value == pot.granted);
      RC_ASSERT(static_cast<int>(state->open) == pot.open);
    }
  }

  Accounts accounts_;
  std::vector<ModelNode> nodes_;
  std::vector<AccountNode*> leaves_;
  WallTime now_ = kBegin;
  WallTime reached_ = WallTime::min();
  ModelPots pots_;
  std::vector<ModelHold> holds_;  // before accounts_ is gone
};

TEST(AccountsProperty, the_book_says_what_was_held_pending_and_settled_after_every_step) {
  EXPECT_TRUE(rc::check([] {
    Model model;
    const int steps = below(120);
    for (int i = 0; i < steps; ++i) model.step();
    model.drain();
  }));
}

}  // namespace
}  // namespace gantry::spend
