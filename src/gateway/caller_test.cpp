// Whose call it is, and how often it may call.
#include "gateway/caller.hpp"

#include <gmock/gmock.h>

#include "access/client_key.hpp"

namespace gantry::gateway {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr WallTime kNow{std::chrono::seconds{1'795'512'600}};

struct CallerTest : testing::Test {
  Secret key = *access::make_key(access::system_bytes);
  spend::RateState rate;
  std::string policy = "{}";
  bool disabled = false;

  ClientsSnapshot clients(bool with_key = true) {
    ledger::Directory directory;
    directory.accounts = {{{1}, spend::AccountKind::organisation, {}, "organisation", {}, false, kNow},
                          {{2}, spend::AccountKind::project, {1}, "default", {}, false, kNow}};
    if (with_key)
      directory.keys.push_back(
          {.account = {{9}, spend::AccountKind::key, {2}, "web", {}, disabled, kNow},
           .policy = policy,
           .secrets = {{access::hash_of(key.reveal()), access::shown(key.reveal()), kNow, {}}}});
    auto out = std::make_shared<Clients>();
    out->ring = access::KeyRing(directory);
    for (std::size_t i = 0; i < out->ring.entries().size(); ++i) out->seats.push_back({.rate = &rate});
    return out;
  }
  std::expected<Caller, wire::Refusal> who(const ClientsSnapshot& clients, std::string_view name,
                                           const std::string& value, bool needed) {
    net::HeaderView headers;
    if (!name.empty()) headers.add(name, value);
    return identify(clients, headers, needed, kNow);
  }
};

TEST_F(CallerTest, a_key_comes_in_either_header_and_names_its_accounts) {
  const auto all = clients();
  for (const auto& [name, value] :
       {std::pair<std::string, std::string>{"authorization", "Bearer " + std::string(key.reveal())},
        {"x-api-key", std::string(key.reveal())}}) {
    const auto caller = who(all, name, value, true);
    ASSERT_TRUE(caller) << name;
    ASSERT_TRUE(caller->entry);
    EXPECT_EQ(caller->entry->name, "web");
    EXPECT_EQ(caller->payer().path, (spend::Path{.key = {9}, .project = {2}, .organisation = {1}}));
  }
}

TEST_F(CallerTest, a_wrong_key_is_refused_also_where_none_is_needed) {
  const auto all = clients();
  const auto other = std::string(access::make_key(access::system_bytes)->reveal());
  for (const bool needed : {false, true}) {
    const auto caller = who(all, "authorization", "Bearer " + other, needed);
    ASSERT_FALSE(caller);
    EXPECT_EQ(caller.error().status, 401);
    EXPECT_EQ(caller.error().message.find(other), std::string::npos);
  }
  disabled = true;
  EXPECT_FALSE(who(clients(), "x-api-key", std::string(key.reveal()), false));
}

TEST_F(CallerTest, what_is_no_client_key_is_nobody_s) {
  const auto all = clients();
  for (const std::string value : {"Bearer anything", "Bearer sk-or-v1-abc", "Basic eDp5", ""}) {
    EXPECT_TRUE(who(all, "authorization", value, false)) << value;
    EXPECT_FALSE(who(all, "authorization", value, true)) << value;
  }
  const auto nobody = who(all, "", "", false);
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->payer().path.key, ledger::kKeyless);
}

TEST_F(CallerTest, too_many_calls_are_told_when_to_come_again) {
  policy = R"({"requests_per_minute":2})";
  const auto all = clients();
  const auto text = "Bearer " + std::string(key.reveal());
  auto caller = who(all, "authorization", text, true);
  ASSERT_TRUE(caller && caller->entry->policy_understood);
  EXPECT_FALSE(admit_rate(*caller, 0, MonoTime{}));
  EXPECT_FALSE(admit_rate(*caller, 0, MonoTime{}));
  const auto wait = admit_rate(*caller, 0, MonoTime{});
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->refusal.status, 429);
  EXPECT_THAT(wait->refusal.message, HasSubstr("requests a minute"));
  EXPECT_GE(wait->retry_after_s, 1);
  EXPECT_LE(wait->retry_after_s, 60);
  EXPECT_FALSE(admit_rate(*caller, 0, MonoTime{} + std::chrono::seconds{wait->retry_after_s}));
}

TEST_F(CallerTest, a_place_among_calls_at_a_time_is_free_when_its_call_ends) {
  policy = R"({"concurrency":1})";
  const auto all = clients();
  const auto text = "Bearer " + std::string(key.reveal());
  auto first = who(all, "authorization", text, true), second = who(all, "authorization", text, true);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(admit_rate(*first, 0, MonoTime{}));
  EXPECT_TRUE(admit_rate(*second, 0, MonoTime{}));
  first->place = {};
  EXPECT_FALSE(admit_rate(*second, 0, MonoTime{}));
}

}  // namespace
}  // namespace gantry::gateway
