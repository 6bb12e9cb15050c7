#include "gateway/treasury.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "access/client_key.hpp"
#include "access/server_file.hpp"
#include "access/utc_text.hpp"
#include "observe/log.hpp"
#include "spend/alerts.hpp"

namespace gantry::gateway {
namespace {

// Nobody else can have the embedded ledger, so its holder is never taken for dead; a shared one must hear of
// it.
constexpr Duration kForever = std::chrono::hours{24 * 365 * 100};
constexpr Duration kLives = std::chrono::seconds{15};
constexpr const char* kAdminToken = "GANTRY_ADMIN_TOKEN";

Result<std::string> make_throwaway() {
  std::error_code error;
  auto path = (std::filesystem::temp_directory_path(error) / "gantry-sim-XXXXXX").string();
  if (error || !mkdtemp(path.data()))
    return fail(Fault::system,
                "there is no room for temporary files; set TMPDIR to a directory that can be written");
  return path;
}

void log_event(std::string_view what, const std::optional<Failure>& why) {
  if (why) {
    observe::log(observe::Level::error, what, {{"error", why->detail}});
  } else {
    observe::log(observe::Level::info, what, {});
  }
}

}  // namespace

Treasury::Treasury(const TimeSource& time, Secret run_token, Secret own_token)
    : time_(time), run_token_(std::move(run_token)), own_token_(std::move(own_token)) {}

Treasury::~Treasury() { stop(); }

Result<std::unique_ptr<Treasury>> Treasury::open(const config::Config& config, bool simulated,
                                                 const TimeSource& time) {
  auto token = access::make_admin_token(access::system_bytes);
  if (!token) return std::unexpected(token.error());
  const char* const own = std::getenv(kAdminToken);
  auto out = std::unique_ptr<Treasury>(new Treasury(time, std::move(*token), Secret(own ? own : "")));
  std::string place;
  if (simulated) {
    auto path = make_throwaway();
    if (!path) return std::unexpected(path.error());
    out->directory_ = std::move(*path);
    out->throwaway_ = true;
    place = out->directory_ + "/ledger.db";
  } else {
    out->directory_ = config.ledger.state;
    place = config.ledger.place();
  }
  auto held = ledger::StateDirectory::open(out->directory_);
  if (!held) return std::unexpected(held.error());
  out->held_.emplace(std::move(*held));
  auto name = out->held_->identity();
  if (!name) return std::unexpected(name.error());
  auto opened = ledger::open(place, time);
  if (!opened) return std::unexpected(opened.error());
  const bool embedded = simulated || config.ledger.url.embedded();
  auto recorder = ledger::Recorder::open(
      std::move(*opened), time,
      {.directory = out->directory_, .name = std::move(*name), .lives = embedded ? kForever : kLives},
      log_event);
  if (!recorder) return std::unexpected(recorder.error());
  out->recorder_ = std::move(*recorder);
  out->bank_ = std::make_unique<ledger::Bank>(*out->recorder_, time);
  if (auto known = out->look_at_directory(out->recorder_->ledger()); !known)
    return std::unexpected(known.error());
  return out;
}

void Treasury::start(std::function<void(ClientsSnapshot)> publish) {
  publish_ = std::move(publish);
  recorder_->on_tick([this](ledger::Ledger& ledger) { tick(ledger); });
  recorder_->on_glance([this](ledger::Ledger& ledger) { bank_->glance(ledger); });
  recorder_->start();
}

void Treasury::stop() {
  if (!recorder_) return;
  recorder_->stop();
  access::remove_server_file(directory_);
  if (!throwaway_) return;
  held_.reset();
  std::error_code ignored;  // what stays is in a directory for temporary files
  std::filesystem::remove_all(directory_, ignored);
  throwaway_ = false;
}

ClientsSnapshot Treasury::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_;
}

// ---- administration

Result<void> Treasury::announce(const std::string& url) {
  return access::write_server_file(directory_, {.url = url, .admin_token = run_token_, .pid = getpid()});
}

bool Treasury::is_admin(std::string_view token) const {
  return run_token_.matches(token) || (!own_token_.empty() && own_token_.matches(token));
}

Task<Result<access::AdminReply>> Treasury::administer(net::Loop& loop, access::AdminRequest request) {
  auto reply = co_await recorder_->ask<access::AdminReply>(
      loop, [this, request = std::move(request)](ledger::Ledger& ledger) -> Result<access::AdminReply> {
        auto answered = access::answer(ledger, request, access::system_bytes);
        const auto looked = look_at_directory(ledger);
        (void)looked;  // the next tick looks again
        return answered;
      });
  co_return reply;
}

// ---- who may call

Result<void> Treasury::look_at_directory(ledger::Ledger& ledger) {
  const auto revision = ledger.revision();
  if (!revision) return std::unexpected(revision.error());
  if (*revision == revision_) return {};
  const auto directory = ledger.directory();
  if (!directory) return std::unexpected(directory.error());
  if (auto known = bank_->take_over(*directory); !known) return known;
  auto clients = seat(*directory);
  revision_ = directory->revision;
  {
    const std::lock_guard lock(mutex_);
    clients_ = clients;
  }
  if (publish_) publish_(std::move(clients));
  return {};
}

ClientsSnapshot Treasury::seat(const ledger::Directory& directory) {
  auto out = std::make_shared<Clients>();
  out->ring = access::KeyRing(directory);
  out->keyless = bank_->account(ledger::kKeyless);
  for (const auto& entry : out->ring.entries()) {
    auto& rate = rates_[entry.path.key.value];
    if (!rate) rate = std::make_unique<spend::RateState>();
    out->seats.push_back({.rate = rate.get(), .account = bank_->account(entry.path.key)});
  }
  return out;
}

// ---- the recorder's thread, once a second

void Treasury::tick(ledger::Ledger& ledger) {
  bank_->tick(ledger);
  const auto looked = look_at_directory(ledger);
  (void)looked;  // another process may have changed it; while the ledger is away, the last one holds
  std::unordered_set<std::int64_t> spent;
  for (const auto account : ledger.charged()) spent.insert(account.value);
  tell_of_budgets(ledger, spent);
  burns_.look(ledger, spent, bank_->now());
}

void Treasury::tell_of_budgets(ledger::Ledger& ledger, const std::unordered_set<std::int64_t>& spent) {
  const auto clients = this->clients();
  for (const auto id : spent) {
    const auto* const limits = clients->ring.limits({id});
    if (limits) tell_of(ledger, {id}, *limits);
  }
}

// Each threshold of each window once, whoever tells it.
void Treasury::tell_of(ledger::Ledger& ledger, spend::AccountId account, const spend::Limits& limits) {
  bool any = false;
  for (const auto& limit : limits) any = any || limit;
  const auto spent = any ? ledger.spent(account) : fail(Fault::not_found);
  if (!spent) return;
  const WallTime now = bank_->now();
  for (const auto period : spend::kPeriods) {
    const auto at = static_cast<std::size_t>(period);
    if (!limits.at(at)) continue;
    const auto used = add(spent->at(at).settled, spent->at(at).pending).value_or(*limits.at(at));
    for (const int percent : spend::crossed(*limits.at(at), {}, used)) {
      const auto event = spend::threshold_event({account, spend::window_of(period, now)}, percent);
      if (!told_.insert(event).second || !ledger.first_time(event).value_or(false)) continue;
      observe::log(percent < 100 ? observe::Level::warn : observe::Level::error, "budget",
                   {{"account", bank_->name_of(account)},
                    {"period", spend::name(period)},
                    {"percent", static_cast<std::int64_t>(percent)},
                    {"limit_usd", to_decimal(*limits.at(at))},
                    {"used_usd", to_decimal(used)}});
    }
  }
}

void Treasury::tell_of_burn(const BurnWatch::Burn& burn) const {
  observe::log(observe::Level::warn, "burn",
               {{"account", bank_->name_of(burn.account)},
                {"hour", access::utc_text(burn.hour)},
                {"cost_usd", to_decimal(burn.cost)},
                {"usual_usd", to_decimal(burn.usual)}});
}

}  // namespace gantry::gateway
