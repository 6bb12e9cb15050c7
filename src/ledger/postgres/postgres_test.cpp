// What only a server does: being away, losing an answer, and several processes at once.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "base/random.hpp"
#include "ledger/contract_kit.hpp"
#include "ledger/postgres/database.hpp"
#include "ledger/postgres/server_kit.hpp"

namespace gantry::ledger::postgres {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class LedgerServer : public testing::Test {
 protected:
  void SetUp() override {
    server_ = Server::get();
    if (!server_) GTEST_SKIP() << Server::why();
    static int made = 0;
    schema_ = "server" + std::to_string(++made);
    ASSERT_EQ(server_->run(("CREATE SCHEMA " + schema_).c_str()), "");
    wire_ = std::make_unique<Wire>(server_->directory());
  }
  // By the wire, or past it.
  [[nodiscard]] Result<std::unique_ptr<Ledger>> opened() const {
    return ledger::open(Server::url(wire_->directory(), schema_), time_);
  }
  [[nodiscard]] std::unique_ptr<Ledger> direct() const {
    return ledger::open(Server::url(server_->directory(), schema_), time_).value();
  }
  static std::vector<Entry> attempt(std::uint64_t id, AccountId key, WallTime at, PicoUsd cost) {
    return {AttemptBegun{.attempt = {id},
                         .payer = {key, kDefaultProject, kOrganisation},
                         .at = at,
                         .hold = cost,
                         .estimate = cost,
                         .model = "m",
                         .places = 1U << 3},
            AttemptSettled{.attempt = {id}, .at = at, .cost = cost}};
  }

  SystemTime time_;
  const Server* server_ = nullptr;
  std::string schema_;
  std::unique_ptr<Wire> wire_;
};

TEST_F(LedgerServer, a_connection_that_was_lost_is_made_again_at_the_next_use) {
  const auto ledger = opened().value();
  wire_->cut(Wire::Cut::at_once);
  EXPECT_TRUE(ledger->add_project("p", {}));
  EXPECT_EQ(ledger->directory().value().accounts.back().name, "p");
}

TEST_F(LedgerServer, while_it_is_away_each_use_fails_and_says_so) {
  const auto ledger = opened().value();
  wire_->cut(Wire::Cut::away);
  for (int i = 0; i < 3; ++i) {
    const auto refused = ledger->add_project("p", {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(name(refused.error().fault), testing::AnyOf("refused", "reset"));
    EXPECT_THAT(refused.error().detail, HasSubstr("see whether the server is up"));
  }
  expect_fault(opened(), Fault::refused, "see whether the server is up");
  wire_->cut(Wire::Cut::none);
  EXPECT_TRUE(ledger->add_project("p", {}));
}

TEST_F(LedgerServer, a_commit_that_never_arrived_is_done_again) {
  const auto ledger = opened().value();
  const HolderId a = ledger->begin_holder("a", std::chrono::hours{1}).value();
  const auto entries = attempt(1, kKeyless, time_.wall(), {5});
  ASSERT_TRUE(ledger->now());
  wire_->cut(Wire::Cut::before_commit);
  const auto applied = ledger->apply(a, 0, 1, entries);
  EXPECT_TRUE(applied) << applied.error().detail;
  EXPECT_EQ(ledger->spent(kKeyless).value().back().settled, PicoUsd{5});
  EXPECT_THAT(ledger->check().value(), IsEmpty());
}

TEST_F(LedgerServer, a_commit_whose_answer_was_lost_is_found_out_and_not_done_twice) {
  const auto ledger = opened().value();
  const HolderId a = ledger->begin_holder("a", std::chrono::hours{1}).value();
  const auto entries = attempt(1, kKeyless, time_.wall(), {5});
  wire_->cut(Wire::Cut::after_commit);
  ASSERT_TRUE(ledger->apply(a, 0, 1, entries));
  EXPECT_EQ(ledger->spent(kKeyless).value().back().settled, PicoUsd{5});
  wire_->cut(Wire::Cut::after_commit);
  EXPECT_EQ(ledger->first_time("alert"), true);
  EXPECT_EQ(ledger->first_time("alert"), false);
  wire_->cut(Wire::Cut::after_commit);
  ASSERT_TRUE(ledger->add_project("p", {}));
  EXPECT_THAT(ledger->directory().value().accounts, SizeIs(3));
  EXPECT_THAT(ledger->check().value(), IsEmpty());
}

TEST_F(LedgerServer, a_wrong_password_is_refused_and_not_repeated) {
  for (const char* password : {"wrong-horse", ""}) {
    const std::string url =
        "postgres://locked:" + std::string(password) + "@/postgres?host=" + server_->directory();
    const auto ledger = ledger::open(url, time_);
    ASSERT_FALSE(ledger);
    EXPECT_EQ(ledger.error().fault, Fault::refused);
    EXPECT_THAT(ledger.error().detail, HasSubstr("password"));
    EXPECT_THAT(ledger.error().detail, Not(HasSubstr("wrong-horse")));
  }
}

TEST_F(LedgerServer, a_user_who_may_make_no_tables_is_told) {
  expect_fault(ledger::open("postgres://locked:right@/postgres?host=" + server_->directory(), time_),
               Fault::bad_input, "let its user create tables");
}

TEST_F(LedgerServer, a_newer_schema_is_refused) {
  direct().reset();
  ASSERT_EQ(
      server_->run(("UPDATE " + schema_ + ".meta SET number = 6 WHERE name = 'oldest_program'").c_str()), "");
  expect_fault(opened(), Fault::bad_input, "start a newer release");
}

TEST_F(LedgerServer, is_backed_up_by_its_own_tools) {
  expect_fault(direct()->backup("/tmp/x"), Fault::bad_input, "pg_dump");
}

TEST_F(LedgerServer, several_that_begin_at_once_make_one_ledger) {
  std::vector<std::jthread> processes;
  std::atomic<int> opened_ones{0};
  for (int i = 0; i < 4; ++i)
    processes.emplace_back(
        [&] { opened_ones += ledger::open(Server::url(server_->directory(), schema_), time_).has_value(); });
  processes.clear();
  EXPECT_EQ(opened_ones, 4);
  EXPECT_THAT(direct()->directory().value().keys, SizeIs(1));
}

// A process that leases, spends and gives back, as fast as it can.
class Process {
 public:
  Process(std::unique_ptr<Ledger> ledger, std::vector<AccountId> keys, std::uint64_t seed)
      : ledger_(std::move(ledger)),
        keys_(std::move(keys)),
        random_(seed),
        prefix_(seed << 32U),
        holder_(ledger_->begin_holder("p", std::chrono::hours{1}).value()) {}

  std::string run(int rounds) {
    for (int i = 0; i < rounds; ++i)
      if (std::string wrong = round(); !wrong.empty()) return wrong;
    return "";
  }

 private:
  std::string round() {
    std::vector<LeaseWish> wishes;
    for (const AccountId key : keys_) {
      const std::int64_t most = spent_[key].value + static_cast<std::int64_t>(random_.below(50));
      wishes.push_back({{key, {spend::Period::total, 0}}, {most / 2}, {most}});
    }
    std::ranges::shuffle(wishes, std::minstd_rand(static_cast<unsigned>(random_.next())));
    const auto leases = ledger_->lease(holder_, wishes);
    if (!leases) return leases.error().detail;
    std::vector<Entry> entries;
    std::vector<Return> returns;
    for (const Lease& lease : *leases) {
      if (lease.settled.value + lease.pending.value + lease.leased.value > lease.limit->value)
        return "the rule was broken";
      PicoUsd& spent = spent_[lease.pot.account];
      if (const std::int64_t cost = (lease.granted.value - spent.value) / 2; cost > 0) {
        const std::uint64_t id = prefix_ + ++attempts_;
        entries.push_back(AttemptBegun{.attempt = {id},
                                       .payer = {lease.pot.account, kDefaultProject, kOrganisation},
                                       .at = WallTime{std::chrono::hours{500'000}},
                                       .hold = {cost},
                                       .estimate = {cost},
                                       .model = "m",
                                       .places = 1U << 3});
        entries.push_back(
            AttemptSettled{.attempt = {id}, .at = WallTime{std::chrono::hours{500'000}}, .cost = {cost}});
        spent.value += cost;
      }
      returns.push_back({lease.pot, spent});
    }
    if (auto applied = ledger_->apply(holder_, 0, sequence_, entries); !applied)
      return applied.error().detail;
    sequence_ += entries.size();
    if (auto given = ledger_->give_back(holder_, returns); !given) return given.error().detail;
    return "";
  }

  std::unique_ptr<Ledger> ledger_;
  std::vector<AccountId> keys_;
  Random random_;
  std::uint64_t prefix_, attempts_ = 0, sequence_ = 1;
  HolderId holder_;
  std::map<AccountId, PicoUsd> spent_;
};

TEST_F(LedgerServer, several_processes_keep_the_rule_together) {
  const auto ledger = direct();
  std::vector<AccountId> keys;
  for (const char* name : {"one", "two", "three"}) {
    ClientKey key;
    key.account.name = name;
    key.account.limits.back() = PicoUsd{2000};
    keys.push_back(ledger->add_key(kDefaultProject, key).value());
  }
  std::vector<std::string> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < wrong.size(); ++i)
      threads.emplace_back([&, i] { wrong[i] = Process(direct(), keys, i + 1).run(40); });
  }
  EXPECT_THAT(wrong, testing::Each(""));
  for (const AccountId key : keys) {
    const Spent spent = ledger->spent(key).value().back();
    EXPECT_GT(spent.settled, PicoUsd{0});
    EXPECT_LE(spent.settled.value + spent.leased.value, 2000);
  }
  EXPECT_THAT(ledger->check().value(), IsEmpty());
}

}  // namespace
}  // namespace gantry::ledger::postgres
