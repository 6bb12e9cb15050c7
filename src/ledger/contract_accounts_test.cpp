#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LedgerAccounts : public LedgerContract {
 protected:
  [[nodiscard]] Directory directory() const { return ledger_->directory().value(); }
  [[nodiscard]] std::int64_t revision() const { return ledger_->revision().value(); }
  [[nodiscard]] KeySecret secret(char digit) const {
    return {.hash = std::string(64, digit), .shown = "gk-abc…123", .created = now_};
  }
};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerAccounts, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerAccounts, begins_with_an_organisation_a_project_and_a_key_for_calls_without_one) {
  const Directory begin = directory();
  ASSERT_THAT(begin.accounts, SizeIs(2));
  EXPECT_EQ(begin.accounts[0].id, kOrganisation);
  EXPECT_EQ(begin.accounts[0].kind, spend::AccountKind::organisation);
  EXPECT_EQ(begin.accounts[1].id, kDefaultProject);
  EXPECT_EQ(begin.accounts[1].name, "default");
  EXPECT_EQ(begin.accounts[1].parent, kOrganisation);
  ASSERT_THAT(begin.keys, SizeIs(1));
  EXPECT_EQ(begin.keys[0].account.id, kKeyless);
  EXPECT_EQ(begin.keys[0].account.name, "-");
  EXPECT_EQ(begin.keys[0].account.parent, kDefaultProject);
  EXPECT_THAT(begin.keys[0].secrets, IsEmpty());
}

TEST_P(LedgerAccounts, keeps_what_a_project_and_a_key_are_made_of) {
  const spend::Limits limits{{PicoUsd{1}, std::nullopt, PicoUsd{3}, PicoUsd{4}}};
  const auto project = ledger_->add_project("shop", limits);
  ASSERT_TRUE(project);
  ClientKey wanted = key_named("till", limits);
  wanted.policy = R"({"models":["a/*"]})";
  wanted.expires = now_ + std::chrono::hours{5};
  wanted.account.disabled = true;
  wanted.secrets = {secret('a')};
  const auto key = ledger_->add_key(*project, wanted);
  ASSERT_TRUE(key);
  reopen();

  const Directory found = directory();
  EXPECT_EQ(found.accounts.back().id, *project);
  EXPECT_EQ(found.accounts.back().name, "shop");
  EXPECT_EQ(found.accounts.back().limits, limits);
  const ClientKey& till = found.keys.back();
  EXPECT_EQ(till.account.id, *key);
  EXPECT_EQ(till.account.parent, *project);
  EXPECT_EQ(till.account.kind, spend::AccountKind::key);
  EXPECT_EQ(till.account.limits, limits);
  EXPECT_TRUE(till.account.disabled);
  EXPECT_GE(till.account.created, now_ - std::chrono::hours{1});
  EXPECT_EQ(till.policy, wanted.policy);
  EXPECT_EQ(till.expires, wanted.expires);
  ASSERT_THAT(till.secrets, SizeIs(1));
  EXPECT_EQ(till.secrets[0].hash, std::string(64, 'a'));
  EXPECT_EQ(till.secrets[0].shown, "gk-abc…123");
  EXPECT_EQ(till.secrets[0].created, wanted.secrets[0].created);
  EXPECT_EQ(till.secrets[0].expires, std::nullopt);
}

TEST_P(LedgerAccounts, every_change_brings_a_new_revision_and_a_failed_one_does_not) {
  std::int64_t before = revision();
  const auto grew = [&] { return std::exchange(before, revision()) < before; };
  const auto project = ledger_->add_project("p", {});
  EXPECT_TRUE(grew());
  const AccountId one = key("k", *project);
  EXPECT_TRUE(grew());
  EXPECT_TRUE(ledger_->change(one, {.disabled = true}));
  EXPECT_TRUE(grew());
  EXPECT_TRUE(ledger_->change_key(one, {.policy = "{\"a\":1}"}));
  EXPECT_TRUE(grew());
  EXPECT_TRUE(ledger_->rotate(one, secret('b'), now_));
  EXPECT_TRUE(grew());
  EXPECT_TRUE(ledger_->remove(one));
  EXPECT_TRUE(grew());
  EXPECT_FALSE(ledger_->remove(one));
  EXPECT_FALSE(ledger_->add_project("p", {}));
  EXPECT_EQ(revision(), before);
  EXPECT_EQ(directory().revision, before);
  EXPECT_TRUE(ledger_->heartbeat(holder(), std::chrono::hours{1}));
  EXPECT_EQ(revision(), before);
}

TEST_P(LedgerAccounts, a_change_sets_what_it_names_and_leaves_the_rest) {
  const AccountId one = key("k", kDefaultProject, {{PicoUsd{1}, PicoUsd{2}, std::nullopt, std::nullopt}});
  AccountChange change{.name = "renamed"};
  change.limits[0] = std::optional<PicoUsd>();
  change.limits[3] = PicoUsd{9};
  ASSERT_TRUE(ledger_->change(one, change));
  const ClientKey changed = directory().keys.back();
  EXPECT_EQ(changed.account.name, "renamed");
  EXPECT_EQ(changed.account.limits, (spend::Limits{{std::nullopt, PicoUsd{2}, std::nullopt, PicoUsd{9}}}));
  EXPECT_FALSE(changed.account.disabled);

  const KeyChange expiry{.account = {.disabled = true}, .expires = std::optional(now_)};
  ASSERT_TRUE(ledger_->change_key(one, expiry));
  EXPECT_EQ(directory().keys.back().expires, now_);
  EXPECT_TRUE(directory().keys.back().account.disabled);
  EXPECT_EQ(directory().keys.back().policy, "{}");
  ASSERT_TRUE(ledger_->change_key(one, {.expires = std::optional<WallTime>()}));
  EXPECT_EQ(directory().keys.back().expires, std::nullopt);
}

TEST_P(LedgerAccounts, a_rotated_key_has_two_secrets_and_the_old_one_expires) {
  const AccountId one = key("k");
  ASSERT_TRUE(ledger_->rotate(one, secret('1'), now_));
  ASSERT_TRUE(ledger_->rotate(one, secret('2'), now_ + std::chrono::hours{1}));
  ASSERT_TRUE(ledger_->rotate(one, secret('3'), now_ + std::chrono::hours{2}));
  const auto secrets = directory().keys.back().secrets;
  ASSERT_THAT(secrets, SizeIs(3));
  EXPECT_EQ(secrets[0].expires, now_ + std::chrono::hours{1});
  EXPECT_EQ(secrets[1].expires, now_ + std::chrono::hours{2});
  EXPECT_EQ(secrets[2].expires, std::nullopt);
}

TEST_P(LedgerAccounts, names_are_free_again_after_a_removal_and_ids_never_are) {
  const auto project = ledger_->add_project("p", {});
  const AccountId one = key("k", *project);
  EXPECT_EQ(key("k"), AccountId{one.value + 1});  // another project's
  expect_fault(ledger_->remove(*project), Fault::bad_input, "has 1 keys");
  ASSERT_TRUE(ledger_->rotate(one, secret('1'), now_));
  ASSERT_TRUE(ledger_->remove(one));
  const AccountId again = key("k", *project);
  EXPECT_GT(again, one);
  ASSERT_TRUE(ledger_->rotate(again, secret('1'), now_));
  ASSERT_TRUE(ledger_->remove(again));
  ASSERT_TRUE(ledger_->remove(*project));
  EXPECT_THAT(directory().accounts, SizeIs(2));
  EXPECT_THAT(directory().keys, SizeIs(2));
}

TEST_P(LedgerAccounts, refuses_what_cannot_be) {
  const AccountId one = key("k");
  expect_fault(ledger_->add_project("default", {}), Fault::bad_input, "\"default\" is taken");
  expect_fault(ledger_->add_project("", {}), Fault::bad_input, "must not be empty");
  expect_fault(ledger_->add_project("a\nb", {}), Fault::bad_input, "control characters");
  expect_fault(ledger_->add_project("a\xff", {}), Fault::bad_input, "UTF-8");
  expect_fault(ledger_->add_project(std::string(101, 'a'), {}), Fault::bad_input, "100 bytes");
  expect_fault(ledger_->add_project("p", {{PicoUsd{-1}}}), Fault::bad_input, "negative");
  expect_fault(ledger_->add_key({99}, key_named("x")), Fault::bad_input, "no project 99");
  expect_fault(ledger_->add_key(one, key_named("x")), Fault::bad_input, "no project");
  expect_fault(ledger_->add_key(kDefaultProject, key_named("k")), Fault::bad_input, "is taken");
  expect_fault(ledger_->change({99}, {}), Fault::not_found, "no account 99");
  expect_fault(ledger_->change(one, {.name = "-"}), Fault::bad_input, "is taken");
  expect_fault(ledger_->change_key(kDefaultProject, {}), Fault::not_found, "no client key");
  expect_fault(ledger_->change_key({99}, {}), Fault::not_found, "no account 99");
  expect_fault(ledger_->rotate({99}, secret('1'), now_), Fault::not_found, "no account 99");
  expect_fault(ledger_->remove({99}), Fault::not_found, "no account 99");
  expect_fault(ledger_->spent({99}), Fault::not_found, "no account 99");

  KeySecret bad = secret('1');
  bad.hash = "ABC";
  expect_fault(ledger_->rotate(one, bad, now_), Fault::bad_input, "64 lower-case");
  ASSERT_TRUE(ledger_->rotate(one, secret('1'), now_));
  expect_fault(ledger_->rotate(one, secret('1'), now_), Fault::bad_input, "a key's already");
}

TEST_P(LedgerAccounts, those_that_were_there_from_the_beginning_stay) {
  expect_fault(ledger_->remove(kOrganisation), Fault::bad_input, "cannot be removed");
  expect_fault(ledger_->remove(kDefaultProject), Fault::bad_input, "cannot be removed");
  expect_fault(ledger_->remove(kKeyless), Fault::bad_input, "cannot be removed");
  expect_fault(ledger_->change(kKeyless, {.name = "other"}), Fault::bad_input, "keeps its name");
  expect_fault(ledger_->change(kOrganisation, {.disabled = true}), Fault::bad_input, "limit of 0");
  expect_fault(ledger_->rotate(kKeyless, secret('1'), now_), Fault::bad_input, "no secret");
  EXPECT_TRUE(ledger_->change(kKeyless, {.disabled = true}));
}

TEST_P(LedgerAccounts, notes_are_kept) {
  EXPECT_EQ(ledger_->first_time("80% of key 7"), true);
  EXPECT_EQ(ledger_->first_time("80% of key 7"), false);
  EXPECT_EQ(ledger_->first_time("80% of key 8"), true);
  EXPECT_EQ(ledger_->kept("prices").value(), std::nullopt);
  ASSERT_TRUE(ledger_->keep("prices", "{\"data\":[1]}"));
  ASSERT_TRUE(ledger_->keep("prices", "{\"data\":[2]}"));
  ASSERT_TRUE(ledger_->keep("none", ""));
  reopen();
  EXPECT_EQ(ledger_->first_time("80% of key 7"), false);
  EXPECT_EQ(ledger_->kept("prices").value(), "{\"data\":[2]}");
  EXPECT_EQ(ledger_->kept("none").value(), "");

  EXPECT_TRUE(ledger_->turns("key-1", "low").value());
  EXPECT_FALSE(ledger_->turns("key-1", "low").value());
  EXPECT_TRUE(ledger_->turns("key-1", "fine").value());
  EXPECT_EQ(ledger_->kept("key-1").value(), "fine");
  EXPECT_THAT(wrong(), IsEmpty());
}

}  // namespace
}  // namespace gantry::ledger
