#pragma once
// What the contract suite of the ledger runs on: each test once on every driver, in a store of its own.

#include <gmock/gmock.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ledger/ledger.hpp"
#include "ledger/sql.hpp"

namespace gantry::ledger {

/// A place for one ledger, gone at its end.
class Store {
 public:
  virtual ~Store() = default;
  [[nodiscard]] virtual std::string where() const = 0;
  virtual Result<std::unique_ptr<sql::Database>> connect() = 0;
};

struct Driver {
  const char* name;
  std::unique_ptr<Store> (*make)();  ///< nullptr, when it cannot be had here
  std::string (*absent)();           ///< why
};
/// SQLite and PostgreSQL.
std::vector<Driver> drivers();

/// For parts that are made badly on purpose: what runs out of `lives` fails, and nothing of it is done (of
/// many rows, half).
class FailingDatabase final : public sql::Database {
 public:
  FailingDatabase(std::unique_ptr<sql::Database> real, std::shared_ptr<int> lives)
      : real_(std::move(real)), lives_(std::move(lives)) {}
  Result<void> begin(sql::Access access) override { return dies() ? broken() : real_->begin(access); }
  Result<void> commit() override {
    if (!dies()) return real_->commit();
    real_->rollback();
    return broken();
  }
  void rollback() override { real_->rollback(); }
  Result<void> query(std::string_view sql, sql::Values values, const sql::EachRow& each) override {
    return dies() ? broken() : real_->query(sql, values, each);
  }
  Result<std::int64_t> run(std::string_view sql, sql::Values values) override {
    if (dies()) return std::unexpected(broken().error());
    return real_->run(sql, values);
  }
  Result<void> run_each(std::string_view sql, std::size_t width, sql::Values values) override {
    if (!dies()) return real_->run_each(sql, width, values);
    const auto half = real_->run_each(sql, width, values.first(values.size() / width / 2 * width));
    return half ? broken() : half;
  }
  Result<void> script(const std::string& statements) override { return real_->script(statements); }
  [[nodiscard]] bool worth_repeating() const override { return false; }
  Result<void> alone() override { return real_->alone(); }
  Result<std::optional<WallTime>> clock() override { return real_->clock(); }
  Result<std::vector<std::string>> integrity() override { return real_->integrity(); }
  Result<void> backup(const std::string& path) override { return real_->backup(path); }

 private:
  bool dies() { return --*lives_ == 0; }
  static Result<void> broken() { return fail(Fault::system, "broken on purpose"); }
  std::unique_ptr<sql::Database> real_;
  std::shared_ptr<int> lives_;
};

class LedgerContract : public testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    if (!store_) GTEST_SKIP() << GetParam().absent();
    reopen();
  }
  void reopen() {
    ledger_.reset();
    auto opened = open(store_->where(), time_);
    ASSERT_TRUE(opened) << opened.error().detail;
    ledger_ = *std::move(opened);
    const auto now = ledger_->now();
    ASSERT_TRUE(now) << now.error().detail;
    now_ = *now;
  }
  HolderId holder(std::string_view name = "a") { return *ledger_->begin_holder(name, std::chrono::hours{1}); }
  AccountId key(std::string_view name, AccountId project = kDefaultProject,
                const spend::Limits& limits = {}) {
    const auto id = ledger_->add_key(project, key_named(name, limits));
    EXPECT_TRUE(id) << id.error().detail;
    return id.value_or(AccountId{});
  }
  static ClientKey key_named(std::string_view name, const spend::Limits& limits = {}) {
    ClientKey key;
    key.account.name = name;
    key.account.limits = limits;
    key.policy = "{}";
    return key;
  }
  /// Of all time, which no midnight ends.
  Spent total(AccountId account) { return ledger_->spent(account).value().back(); }
  std::vector<std::string> wrong() { return ledger_->check().value(); }

  [[nodiscard]] Entry begun(std::uint64_t id, AccountId key, PicoUsd hold,
                            std::uint16_t places = kEverywhere) const {
    return AttemptBegun{.attempt = {id},
                        .call = id * 10,
                        .payer = {.key = key, .project = kDefaultProject, .organisation = kOrganisation},
                        .at = now_,
                        .hold = hold,
                        .estimate = hold,
                        .model = "maker/model",
                        .route = "chat",
                        .upstream = "openrouter",
                        .upstream_key = "main",
                        .places = places};
  }
  [[nodiscard]] Entry settled(std::uint64_t id, PicoUsd cost) const {
    return AttemptSettled{.attempt = {id},
                          .at = now_,
                          .cost = cost,
                          .delivered = true,
                          .prompt_tokens = 10,
                          .completion_tokens = 3,
                          .served_model = "maker/model-1",
                          .provider = "Provider",
                          .outcome = "delivered"};
  }
  [[nodiscard]] Entry left_pending(std::uint64_t id, PicoUsd estimate) const {
    return AttemptPending{.attempt = {id},
                          .at = now_,
                          .estimate = estimate,
                          .waste = spend::Waste::abandoned,
                          .outcome = "cancelled"};
  }
  static Entry seen(std::uint64_t id, std::string_view generation) {
    return GenerationSeen{{id}, generation};
  }
  void apply(HolderId holder, std::uint64_t first, const std::vector<Entry>& entries) {
    const auto applied = ledger_->apply(holder, 0, first, entries);
    EXPECT_TRUE(applied) << applied.error().detail;
  }
  Lease lease(HolderId holder, PotId pot, PicoUsd least, PicoUsd most) {
    const LeaseWish wish{.pot = pot, .least = least, .most = most};
    const auto leases = ledger_->lease(holder, {&wish, 1});
    EXPECT_TRUE(leases) << leases.error().detail;
    return leases ? leases->front() : Lease{};
  }
  static PotId all_time(AccountId account) { return {account, {spend::Period::total, 0}}; }
  static spend::Limits in_all(PicoUsd limit) { return {{std::nullopt, std::nullopt, std::nullopt, limit}}; }

  static constexpr std::uint16_t kEverywhere = 0xfff;
  static constexpr PicoUsd kMuch{1'000'000};

  ManualTime time_;
  WallTime now_{};
  std::unique_ptr<Store> store_;
  std::unique_ptr<Ledger> ledger_;
};

template <class Answer>
void expect_fault(const Result<Answer>& answer, Fault fault, std::string_view says) {
  ASSERT_FALSE(answer);
  EXPECT_EQ(name(answer.error().fault), name(fault)) << answer.error().detail;
  EXPECT_THAT(answer.error().detail, testing::HasSubstr(std::string(says)));
}

inline std::string driver_name(const testing::TestParamInfo<Driver>& info) { return info.param.name; }

}  // namespace gantry::ledger
