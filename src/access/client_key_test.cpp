#include "access/client_key.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "access/key_policy.hpp"
#include "base/keys.hpp"

namespace gantry::access {
namespace {

RandomBytes always(std::uint8_t byte) {
  return [byte](std::span<std::uint8_t> to) {
    std::ranges::fill(to, byte);
    return true;
  };
}

TEST(ClientKey, holds_all_bits_in_letters_and_digits) {
  EXPECT_EQ(make_key(always(0))->reveal(), "gk-" + std::string(43, '0'));
  const auto most = make_key(always(255));
  EXPECT_TRUE(is_client_key(most->reveal()));
  EXPECT_EQ(make_admin_token(always(0))->reveal(), "gk-admin-" + std::string(43, '0'));
}

TEST(ClientKey, of_other_bits_is_another_one) {
  EXPECT_TRUE(rc::check("one bit more or less is another text of the same length", [] {
    auto bits = *rc::gen::container<std::vector<std::uint8_t>>(32, rc::gen::arbitrary<std::uint8_t>());
    const auto text_of = [](const std::vector<std::uint8_t>& from) {
      return std::string(make_key([&](std::span<std::uint8_t> to) {
                           std::ranges::copy(from, to.begin());
                           return true;
                         })->reveal());
    };
    const auto before = text_of(bits);
    const auto at = *rc::gen::inRange(0, 256);
    bits[static_cast<std::size_t>(at / 8)] ^= static_cast<std::uint8_t>(1 << (at % 8));
    const auto after = text_of(bits);
    RC_ASSERT(before != after);
    RC_ASSERT(is_client_key(before) && is_client_key(after));
  }));
}

TEST(ClientKey, is_not_made_without_randomness) {
  const auto key = make_key([](std::span<std::uint8_t>) { return false; });
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().fault, Fault::system);
}

TEST(ClientKey, of_the_system_differ) {
  std::set<std::string> keys;
  for (int i = 0; i < 50; ++i) keys.emplace(make_key(system_bytes)->reveal());
  EXPECT_EQ(keys.size(), 50U);
}

TEST(ClientKey, is_told_by_its_form) {
  const std::string key(make_key(always(7))->reveal());
  const struct {
    const char* name;
    std::string text;
    bool is_one;
  } rows[] = {
      {"a key", key, true},
      {"one character less", key.substr(0, key.size() - 1), false},
      {"one more", key + "a", false},
      {"white space behind it", key + " ", false},
      {"another prefix", "sk-" + key.substr(3), false},
      {"the prefix in upper case", "GK-" + key.substr(3), false},
      {"a character that no key has", key.substr(0, 10) + "_" + key.substr(11), false},
      {"an OpenRouter key", "sk-or-v1-0123456789", false},
      {"nothing", "", false},
  };
  for (const auto& row : rows) EXPECT_EQ(is_client_key(row.text), row.is_one) << row.name;
}

TEST(ClientKey, is_masked_wherever_it_stands) {
  const std::string key(make_key(system_bytes)->reveal());
  for (const std::string before : {"", "Bearer ", "key=", "%20", "x"}) {
    const auto found = key_at(before + key, before.size());
    ASSERT_TRUE(found) << before;
    EXPECT_EQ(found->length, key.size());
    EXPECT_EQ(found->prefix, kKeyPrefix.size());
  }
  EXPECT_TRUE(key_at(make_admin_token(system_bytes)->reveal(), 0));
}

TEST(ClientKey, is_shown_so_that_it_is_recognised_and_of_no_use) {
  EXPECT_EQ(shown("gk-" + std::string(40, 'a') + "xyz"), "gk-aaa...xyz");
  EXPECT_EQ(shown("gk-abc"), "***");
  EXPECT_EQ(shown(""), "***");
}

TEST(ClientKey, stands_behind_bearer) {
  const struct {
    const char* name;
    std::string_view header;
    std::optional<std::string_view> key;
  } rows[] = {
      {"as it should", "Bearer gk-1", "gk-1"},        {"in any case", "bEARER gk-1", "gk-1"},
      {"two spaces", "Bearer  gk-1", "gk-1"},         {"another scheme", "Basic gk-1", std::nullopt},
      {"nothing behind it", "Bearer ", std::nullopt}, {"the word alone", "Bearer", std::nullopt},
      {"glued", "Bearergk-1", std::nullopt},          {"nothing", "", std::nullopt},
  };
  for (const auto& row : rows) EXPECT_EQ(bearer(row.header), row.key) << row.name;
}

TEST(ClientKeyHash, is_sha256) {
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digest_of("abc")), hash_of("abc"));
}

TEST(ClientKeyHash, is_read_back_strictly) {
  EXPECT_EQ(digest_from_hex(hash_of("abc")), digest_of("abc"));
  auto hex = hash_of("abc");
  EXPECT_FALSE(digest_from_hex(hex.substr(1)));
  EXPECT_FALSE(digest_from_hex(hex + "0"));
  hex[5] = 'F';
  EXPECT_FALSE(digest_from_hex(hex));
  hex[5] = 'g';
  EXPECT_FALSE(digest_from_hex(hex));
}

}  // namespace
}  // namespace gantry::access
