#pragma once
// A ledger in memory for the tests of this room: accounts and keys as the real one has them, figures as a
// test sets them. What the admin API has no use for is refused.

#include <algorithm>
#include <map>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "ledger/ledger.hpp"

namespace gantry::access {

class FakeLedger final : public ledger::Ledger {
  using AccountId = spend::AccountId;

 public:
  WallTime clock{std::chrono::seconds{1'795'512'600}};  // 2026-11-24 09:30 UTC, a Tuesday
  std::map<AccountId, std::array<ledger::Spent, spend::kPeriodCount>> figures;
  std::vector<ledger::UsageRow> rows;
  std::vector<ledger::UpstreamTotal> told;
  std::vector<ledger::Holder> alive;
  std::optional<ledger::UsageQuery> asked;  // the last one
  std::optional<Failure> failure;           // of everything, when it is set

  FakeLedger() {
    using spend::AccountKind;
    directory_.accounts = {{{1}, AccountKind::organisation, {}, "organisation", {}, false, clock},
                           {{2}, AccountKind::project, {1}, "default", {}, false, clock}};
    directory_.keys.push_back({{{3}, AccountKind::key, {2}, "-", {}, false, clock}, "{}", {}, {}});
  }

  Result<WallTime> now() override { return unless_failed(clock); }
  Result<std::int64_t> revision() override { return unless_failed(directory_.revision); }
  Result<ledger::Directory> directory() override { return unless_failed(directory_); }
  Result<AccountId> add_project(std::string_view name, const spend::Limits& limits) override {
    if (failure) return std::unexpected(*failure);
    const AccountId id{next_++};
    directory_.accounts.push_back(
        {id, spend::AccountKind::project, {1}, std::string(name), limits, false, clock});
    return id;
  }
  Result<AccountId> add_key(AccountId project, const ledger::ClientKey& key) override {
    if (failure) return std::unexpected(*failure);
    directory_.keys.push_back(key);
    auto& account = directory_.keys.back().account;
    account.id = {next_++}, account.parent = project, account.kind = spend::AccountKind::key;
    account.created = clock;
    return account.id;
  }
  Result<void> change(AccountId account, const ledger::AccountChange& change) override {
    auto* const found = find(account);
    if (!found) return fail(Fault::not_found, "no account");
    if (change.name) found->name = *change.name;
    if (change.disabled) found->disabled = *change.disabled;
    for (std::size_t i = 0; i < found->limits.size(); ++i)
      if (change.limits.at(i)) found->limits.at(i) = *change.limits.at(i);
    return {};
  }
  Result<void> change_key(AccountId key, const ledger::KeyChange& change) override {
    if (const auto done = this->change(key, change.account); !done) return done;
    auto& found = *std::ranges::find(directory_.keys, key, id_of);
    if (change.policy) found.policy = *change.policy;
    if (change.expires) found.expires = *change.expires;
    return {};
  }
  Result<void> rotate(AccountId key, const ledger::KeySecret& secret, WallTime old_until) override {
    const auto found = std::ranges::find(directory_.keys, key, id_of);
    if (found == directory_.keys.end()) return fail(Fault::not_found, "no key");
    for (auto& old : found->secrets) old.expires = std::min(old.expires.value_or(old_until), old_until);
    found->secrets.push_back(secret);
    return {};
  }
  Result<void> remove(AccountId account) override {
    std::erase_if(directory_.keys, [&](const auto& key) { return key.account.id == account; });
    std::erase_if(directory_.accounts, [&](const auto& one) { return one.id == account; });
    return {};
  }
  Result<std::array<ledger::Spent, spend::kPeriodCount>> spent(AccountId account) override {
    auto out = figures[account];
    if (const auto* const found = find(account))
      for (std::size_t i = 0; i < out.size(); ++i) out.at(i).limit = found->limits.at(i);
    return unless_failed(out);
  }
  Result<std::vector<ledger::UsageRow>> usage(const ledger::UsageQuery& query) override {
    asked = query;
    return unless_failed(rows);
  }
  Result<std::vector<ledger::UpstreamTotal>> totals(std::string_view, std::string_view) override {
    return unless_failed(told);
  }

  Result<ledger::HolderId> begin_holder(std::string_view, Duration) override { return unused(); }
  Result<void> heartbeat(ledger::HolderId, Duration) override { return unused(); }
  Result<void> give_up(ledger::HolderId) override { return unused(); }
  Result<void> end_holder(ledger::HolderId) override { return unused(); }
  Result<std::vector<ledger::HolderId>> left_behind(std::string_view) override { return unused(); }
  Result<bool> began(ledger::HolderId, std::string_view) override { return unused(); }
  Result<void> begin_again(ledger::HolderId, std::string_view) override { return unused(); }
  Result<std::vector<ledger::Holder>> holders() override { return unless_failed(alive); }
  Result<std::vector<ledger::Lease>> lease(ledger::HolderId, std::span<const ledger::LeaseWish>) override {
    return unused();
  }
  Result<std::vector<ledger::Recall>> recalls(ledger::HolderId) override { return unused(); }
  Result<void> give_back(ledger::HolderId, std::span<const ledger::Return>) override { return unused(); }
  Result<void> apply(ledger::HolderId, std::uint32_t, std::uint64_t,
                     std::span<const ledger::Entry>) override {
    return unused();
  }
  Result<std::vector<ledger::JournalPosition>> positions(ledger::HolderId) override { return unused(); }
  Result<std::vector<ledger::Pending>> pending(std::size_t) override { return unused(); }
  Result<std::optional<ledger::Pending>> resolve(ledger::HolderId, const ledger::Resolution&) override {
    return unused();
  }
  std::vector<AccountId> charged() override { return {}; }
  Result<std::optional<AccountId>> owner(std::string_view) override { return unused(); }
  Result<std::vector<ledger::HourCost>> hour(WallTime, PicoUsd) override { return unused(); }
  Result<std::vector<PicoUsd>> hours_before(AccountId, WallTime) override { return unused(); }
  Result<void> forget_hours(WallTime) override { return unused(); }
  Result<bool> first_time(std::string_view) override { return unused(); }
  Result<void> keep(std::string_view, std::string_view) override { return unused(); }
  Result<std::optional<std::string>> kept(std::string_view) override { return unused(); }
  Result<bool> turns(std::string_view, std::string_view) override { return unused(); }
  Result<std::optional<ledger::UpstreamTotal>> see_usage(const ledger::UsageTold&) override {
    return unused();
  }
  Result<PicoUsd> booked(std::string_view) override { return unused(); }
  Result<void> backup(const std::string&) override { return unused(); }
  Result<std::vector<std::string>> check() override { return unused(); }

  [[nodiscard]] ledger::Directory& raw() { return directory_; }

 private:
  static AccountId id_of(const ledger::ClientKey& key) { return key.account.id; }
  static std::unexpected<Failure> unused() { return fail(Fault::internal, "not for these tests"); }
  template <class T>
  Result<T> unless_failed(T value) {
    if (failure) return std::unexpected(*failure);
    return value;
  }
  ledger::Account* find(AccountId id) {
    for (auto& account : directory_.accounts)
      if (account.id == id) return &account;
    for (auto& key : directory_.keys)
      if (key.account.id == id) return &key.account;
    return nullptr;
  }

  ledger::Directory directory_;
  std::int64_t next_ = 10;
};

}  // namespace gantry::access
