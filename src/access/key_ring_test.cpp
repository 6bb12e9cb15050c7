#include "access/key_ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::access {
namespace {

using testing::HasSubstr;

constexpr WallTime kNow{std::chrono::seconds{1'795'512'600}};
constexpr auto kHour = std::chrono::hours{1};

std::string key_text(std::int64_t number) {
  const auto digits = std::to_string(number);
  return "gk-" + std::string(kKeyDigits - digits.size(), 'a') + digits;
}

ledger::ClientKey key(std::int64_t id, std::int64_t project = 2) {
  ledger::ClientKey out;
  out.account = {{id}, spend::AccountKind::key, {project}, "key " + std::to_string(id), {}, false, kNow};
  out.policy = "{}";
  out.secrets = {{hash_of(key_text(id)), shown(key_text(id)), kNow, {}}};
  return out;
}

ledger::Directory directory(std::vector<ledger::ClientKey> keys) {
  using spend::AccountKind;
  return {.revision = 5,
          .accounts = {{{1}, AccountKind::organisation, {}, "organisation", {PicoUsd{5}}, false, kNow},
                       {{2}, AccountKind::project, {1}, "web", {}, false, kNow},
                       {{3}, AccountKind::project, {1}, "old", {}, true, kNow}},
          .keys = std::move(keys)};
}

TEST(KeyRing, finds_a_key_with_everything_a_call_needs) {
  auto one = key(12);
  one.policy = R"({"concurrency":3})";
  one.account.limits[0] = PicoUsd{7};
  const KeyRing ring(directory({key(11), one}));
  const auto found = ring.find(key_text(12), kNow);
  ASSERT_EQ(found.standing, Standing::accepted);
  EXPECT_EQ(found.entry->path, (spend::Path{{12}, {2}, {1}}));
  EXPECT_EQ(found.entry->id, "key_12");
  EXPECT_EQ(found.entry->name, "key 12");
  EXPECT_EQ(found.entry->project, "web");
  EXPECT_EQ(found.entry->shown, "gk-aaa...a12");
  EXPECT_EQ(found.entry->policy.concurrency, 3);
  EXPECT_EQ(found.entry->limits[0], PicoUsd{7});
  EXPECT_EQ(ring.entry({12}), found.entry);
  EXPECT_EQ(ring.limits({1})->at(0), PicoUsd{5});
  EXPECT_EQ(ring.limits({12})->at(0), PicoUsd{7});
  EXPECT_EQ(ring.limits({99}), nullptr);
  EXPECT_EQ(ring.entry({99}), nullptr);
  EXPECT_EQ(ring.revision(), 5);
}

TEST(KeyRing, without_keys_knows_none) {
  const KeyRing none, no_keys(directory({}));
  for (const auto* ring : {&none, &no_keys}) {
    EXPECT_TRUE(ring->empty());
    EXPECT_EQ(ring->find(key_text(1), kNow).standing, Standing::unknown);
    EXPECT_EQ(ring->find("", kNow).entry, nullptr);
  }
}

TEST(KeyRing, finds_each_of_ten_thousand_and_no_other) {
  std::vector<ledger::ClientKey> keys;
  for (std::int64_t i = 10; i < 10'010; ++i) keys.push_back(key(i));
  const KeyRing ring(directory(std::move(keys)));
  for (std::int64_t i = 10; i < 10'010; ++i) {
    const auto found = ring.find(key_text(i), kNow);
    ASSERT_EQ(found.standing, Standing::accepted) << i;
    ASSERT_EQ(found.entry->path.key.value, i);
    ASSERT_EQ(ring.find(key_text(i + 100'000), kNow).standing, Standing::unknown) << i;
  }
}

TEST(KeyRing, finds_keys_whose_places_collide) {
  std::vector<ledger::ClientKey> keys{key(1), key(2), key(3)};
  Digest digest{};
  for (auto& one : keys) {
    digest.back() = static_cast<std::uint8_t>(one.account.id.value);  // the same front, the same place
    one.secrets.front().hash = to_hex(digest);
  }
  const KeyRing ring(directory(keys));
  for (const auto& one : keys) {
    digest.back() = static_cast<std::uint8_t>(one.account.id.value);
    EXPECT_EQ(ring.find(digest, kNow).entry->path.key, one.account.id);
  }
  digest.back() = 9;
  EXPECT_EQ(ring.find(digest, kNow).standing, Standing::unknown);
}

TEST(KeyRing, tells_why_a_key_is_not_accepted) {
  auto expired = key(11), disabled = key(12), rotated = key(13), newer = key(15);
  expired.expires = kNow;
  disabled.account.disabled = true;
  rotated.secrets.front().expires = kNow;
  rotated.secrets.push_back({hash_of(key_text(113)), shown(key_text(113)), kNow, {}});
  newer.policy = R"({"only_on_sundays":true})";
  auto ends_later = key(16);
  ends_later.expires = kNow + kHour;
  auto overlaps = key(17);
  overlaps.secrets.front().expires = kNow + kHour;
  const KeyRing ring(
      directory({expired, disabled, rotated, key(14, 3), newer, ends_later, overlaps, key(18, 99)}));
  const struct {
    const char* name;
    std::int64_t key;
    Standing standing;
    int status;
    const char* message;
    const char* remedy;
  } rows[] = {
      {"past its end", 11, Standing::expired, 401, "has expired at 2026-11-24T09:30:00Z",
       "keys update key_11 --expires"},
      {"disabled", 12, Standing::disabled, 401, "is disabled", "gantry keys enable key_12"},
      {"the old text of a rotated one", 13, Standing::rotated_out, 401, "replaced by a new one",
       "keys rotate key_13"},
      {"the new text", 113, Standing::accepted, 0, "", ""},
      {"of a disabled project", 14, Standing::project_disabled, 403, "takes no calls",
       "accounts set project:old --enable"},
      {"with a newer policy", 15, Standing::unreadable, 503, "cannot be read by this version",
       "same version"},
      {"not yet past its end", 16, Standing::accepted, 0, "", ""},
      {"within the overlap", 17, Standing::accepted, 0, "", ""},
      {"of no project", 18, Standing::project_disabled, 403, "takes no calls", ""},
      {"unknown", 999, Standing::unknown, 401, "there is no such key", "gantry keys list"},
  };
  for (const auto& row : rows) {
    const auto found = ring.find(key_text(row.key), kNow);
    EXPECT_EQ(found.standing, row.standing) << row.name;
    if (row.status == 0) continue;
    const auto said = refusal(found);
    EXPECT_EQ(said.status, row.status) << row.name;
    EXPECT_THAT(said.message, HasSubstr(row.message)) << row.name;
    EXPECT_THAT(said.remedy, HasSubstr(row.remedy)) << row.name;
    EXPECT_THAT(said.message + said.remedy, testing::Not(HasSubstr(key_text(row.key)))) << row.name;
  }
}

TEST(KeyRing, passes_over_a_hash_that_is_none) {
  auto broken = key(11);
  broken.secrets.front().hash = "abc";
  const KeyRing ring(directory({broken}));
  EXPECT_TRUE(ring.empty());
  EXPECT_NE(ring.entry({11}), nullptr);
}

TEST(KeyRing, asks_for_a_key_that_is_missing) {
  const auto said = key_missing();
  EXPECT_EQ(said.status, 401);
  EXPECT_EQ(said.error_type, "authentication");
  EXPECT_THAT(said.remedy, HasSubstr("gantry keys create"));
}

}  // namespace
}  // namespace gantry::access
