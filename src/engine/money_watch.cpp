#include "engine/money_watch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "access/client_key.hpp"
#include "access/utc_text.hpp"
#include "engine/shard.hpp"
#include "observe/log.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kRoundEvery = std::chrono::seconds{1};  // breakers may tell of a key at any time
constexpr Duration kFirst = std::chrono::seconds{5};
constexpr Duration kLongestWait = std::chrono::minutes{30};  // after failures, unless looks are rarer anyway
constexpr double kJitter = 0.1;                              // so that replicas do not ask in step
constexpr std::size_t kMarkLength = 16;

PicoUsd amount_of(const std::string& configured) { return parse_usd(configured).value_or(PicoUsd{}); }

// Tells keys apart that have one name after the other, and is of no use to anybody else.
std::string mark_of(const TargetKey& key) {
  return access::hash_of(key.authorization.reveal()).substr(0, kMarkLength);
}

PicoUsd magnitude(PicoUsd amount) { return amount < PicoUsd{} ? PicoUsd{-amount.value} : amount; }

/// What became of one comparison.
struct Compared {
  std::optional<ledger::UpstreamTotal> total;
  bool news = false;  ///< more than may be unexplained, for the first time that day
};

Result<Compared> compare_in(ledger::Ledger& ledger, const ledger::UsageTold& told, PicoUsd most) {
  auto total = ledger.see_usage(told);
  if (!total) return std::unexpected(total.error());
  if (!*total || magnitude((*total)->unexplained) <= most) return Compared{.total = std::move(*total)};
  const auto first = ledger.first_time("unexplained:" + told.upstream_key + ":" + told.day);
  if (!first) return std::unexpected(first.error());
  return Compared{.total = std::move(*total), .news = *first};
}

// Whether that is news; who never was told of is fine.
Result<bool> turn_in(ledger::Ledger& ledger, const std::string& who, std::string_view standing) {
  const auto before = ledger.kept("standing:" + who);
  if (!before) return std::unexpected(before.error());
  if (before->value_or(std::string(name(Standing::fine))) == standing) return false;
  return ledger.turns("standing:" + who, standing);
}

}  // namespace

void MoneyWatch::start() { arm(); }

void MoneyWatch::arm() {
  const auto ring = [](void* self) {
    auto& watch = *static_cast<MoneyWatch*>(self);
    watch.shard_.loop().spawn(watch.round());
  };
  shard_.loop().set_timer(timer_, shard_.loop().now() + kRoundEvery, ring, this);
}

Task<void> MoneyWatch::round() {
  follow_configuration();
  if (shard_.loop().now() >= due_ && !std::exchange(looking_, true)) shard_.loop().spawn(look());
  board_.put(told_);
  co_await judge();
  arm();
}

// What is known of a key stays while its secret is the same.
void MoneyWatch::follow_configuration() {
  if (!looking_ && targets_ != shard_.upstreams()) {
    const auto before = std::exchange(targets_, shard_.upstreams());
    const auto& target = targets_->front();
    std::vector<KeyMoney> keys;
    for (const auto& key : target.keys) {
      auto& made = keys.emplace_back();
      made.name = key.name;
      for (std::size_t i = 0; before && i < before->front().keys.size(); ++i) {
        const auto& old = before->front().keys[i];
        if (old.name == key.name && old.authorization.matches(key.authorization.reveal()))
          made = told_.keys[i];
      }
    }
    told_.keys = std::move(keys);
  }
  const auto& watch = shard_.config()->watch;
  if (!watch.credits) told_.account.reset();
  if (every_ == watch.every) return;
  every_ = watch.every;
  failures_ = 0;
  due_ = watch.every == Duration::zero() ? kNever : shard_.loop().now() + std::min(kFirst, watch.every);
}

// ---- asking

Task<void> MoneyWatch::look() {
  bool good = true;
  for (std::size_t place = 0; place < told_.keys.size(); ++place) {
    const bool answered = co_await look_at_key(place);
    good = good && answered;
  }
  if (shard_.config()->watch.credits) {
    const bool answered = co_await look_at_account();
    good = good && answered;
  }
  look_again(good);
  looking_ = false;
}

Task<bool> MoneyWatch::look_at_key(std::size_t place) {
  const auto& target = targets_->front();
  const auto scope = target.key_scopes[place].key;
  auto& asked_of = shard_.failover().keys_asked;
  if (target.keys[place].authorization.empty() || !asked_of.begin(scope)) co_return true;
  const WallTime asked = bank_.now();
  auto fetched = co_await shard_.fetch("/key", KeyPlace{.targets = targets_, .upstream = 0, .key = place});
  asked_of.end(scope);
  if (fetched && fetched->status == 401) {
    shard_.doubt(scope);  // which asks once more before it sets the key aside
    co_return true;
  }
  const auto body = body_of("/key", told_.keys[place].name, std::move(fetched));
  if (!body) co_return false;
  const auto balance = wire::read_key_balance(*body);
  if (!balance) {
    note_trouble("/key", told_.keys[place].name, balance.error().detail);
    co_return false;
  }
  told_.keys[place].told = *balance;
  told_.keys[place].at = shard_.loop().now();
  if (balance->left && *balance->left <= PicoUsd{}) shard_.doubt(scope);
  if (balance->usage && target.keys[place].exclusive) co_await compare(place, *balance->usage, asked);
  co_return true;
}

Task<bool> MoneyWatch::look_at_account() {
  Secret authorization("Bearer " + std::string(shard_.config()->watch.management_key.reveal()));
  auto fetched = co_await shard_.fetch("/credits", std::move(authorization));
  const auto body = body_of("/credits", "", std::move(fetched));
  if (!body) co_return false;
  const auto credits = wire::read_account_credits(*body);
  if (!credits) {
    note_trouble("/credits", "", credits.error().detail);
    co_return false;
  }
  told_.account = *credits;
  co_return true;
}

MoneyWatch::Body MoneyWatch::body_of(std::string_view path, std::string_view key, Result<Fetched> fetched) {
  if (fetched && fetched->status == 200) return std::move(fetched->body);
  note_trouble(path, key, fetched ? "status " + std::to_string(fetched->status) : fetched.error().detail);
  return std::nullopt;
}

// The first time, and not again until a look was whole.
void MoneyWatch::note_trouble(std::string_view path, std::string_view key, std::string_view why) const {
  if (failures_ > 0) return;
  std::vector<observe::Field> fields{{"path", path}};
  if (!key.empty()) fields.push_back({"key", key});
  fields.push_back({"error", why});
  observe::log(observe::Level::warn, "money_watch", fields);
}

void MoneyWatch::look_again(bool good) {
  if (good && failures_ > 0)
    observe::log(observe::Level::info, "money_watch", {{"looks_failed", std::int64_t{failures_}}});
  failures_ = good ? 0 : failures_ + 1;
  const Duration every = *every_;
  const Duration patient = every * (std::int64_t{1} << std::min(failures_, 16));
  const Duration wait = std::min(patient, std::max(every, kLongestWait));
  const auto spread = static_cast<double>(wait.count()) * kJitter * shard_.random().unit();
  due_ = shard_.loop().now() + wait + Duration{static_cast<std::int64_t>(spread)};
}

// ---- totals

Task<void> MoneyWatch::compare(std::size_t place, PicoUsd usage, WallTime asked) {
  const auto& key = targets_->front().keys[place];
  const WallTime now = bank_.now();
  const PicoUsd most = amount_of(shard_.config()->watch.unexplained_usd);
  // Replicas look each in their own time: what follows too soon on another's look compares nothing.
  ledger::UsageTold told{.upstream_key = key.books,
                         .mark = mark_of(key),
                         .usage = usage,
                         .day = access::day_text(now),
                         .since = std::min(asked, now - *every_ / 2)};
  const auto compared = co_await recorder_.ask<Compared>(
      shard_.loop(),
      [told = std::move(told), most](ledger::Ledger& ledger) { return compare_in(ledger, told, most); });
  if (!compared || !compared->total) co_return;  // the ledger away: the next look has this growth, too
  const auto& total = *compared->total;
  told_.keys[place].unexplained = total.unexplained;
  if (!compared->news) co_return;
  observe::log(observe::Level::warn, "unexplained",
               {{"key", total.upstream_key},
                {"day", total.day},
                {"told_usd", to_decimal(total.told)},
                {"booked_usd", to_decimal(total.booked)},
                {"unexplained_usd", to_decimal(total.unexplained)}});
}

// ---- telling

PicoUsd MoneyWatch::low() const { return amount_of(shard_.config()->watch.low_credit_usd); }

Task<void> MoneyWatch::judge() {
  const auto& scopes = shard_.failover().scopes;
  for (std::size_t place = 0; place < told_.keys.size(); ++place) {
    const auto& key = told_.keys[place];
    const auto breaker = scopes.breaker(targets_->front().key_scopes[place].key);
    if (!key.told && breaker.state() == route::Breaker::State::closed) continue;  // nothing is known
    const auto left = key.told ? key.told->left : std::nullopt;
    News news{.scope = "key", .name = key.name, .standing = standing_of(left, low(), breaker), .left = left};
    co_await tell(std::move(news));
  }
  if (!told_.account) co_return;
  const PicoUsd left = told_.account->left();
  News news{.scope = "account",
            .name = shard_.config()->upstream.name,
            .standing = standing_of(left, low()),
            .left = left};
  co_await tell(std::move(news));
}

Task<void> MoneyWatch::tell(News news) {
  const std::string who = news.scope + ":" + news.name;
  const auto known = known_.find(who);
  if (known != known_.end() && known->second == news.standing) co_return;
  const auto turned =
      co_await recorder_.ask<bool>(shard_.loop(), [who, standing = news.standing](ledger::Ledger& ledger) {
        return turn_in(ledger, who, name(standing));
      });
  if (!turned) co_return;  // the ledger away: the next round says it again
  known_[who] = news.standing;
  if (*turned) log_news(news);
}

void MoneyWatch::log_news(const News& news) const {
  using observe::Level;
  const bool urgent = news.standing == Standing::out || news.standing == Standing::refused;
  const auto left = news.left ? to_decimal(*news.left) : std::string();
  const auto wanted = to_decimal(low());
  std::vector<observe::Field> fields{
      {"scope", news.scope}, {"name", news.name}, {"state", name(news.standing)}};
  if (news.left) fields.push_back({"left_usd", left});
  if (news.standing == Standing::low) fields.push_back({"wanted_usd", wanted});
  observe::log(news.standing == Standing::fine ? Level::info
               : urgent                        ? Level::error
                                               : Level::warn,
               "credit", fields);
}

}  // namespace gantry::engine
