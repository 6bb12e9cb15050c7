#include "base/secret.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <concepts>
#include <ostream>
#include <string>
#include <utility>

namespace gantry {
namespace {

const std::string kKey = "sk-or-v1-0123456789abcdef0123456789abcdef";

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<Secret>, "a secret must not be printable by accident");
static_assert(!std::convertible_to<Secret, std::string_view>);

TEST(Secret, shows_three_stars_wherever_it_is_formatted) { EXPECT_EQ(to_string(Secret(kKey)), "***"); }

TEST(Secret, reveals_its_text_only_when_asked) { EXPECT_EQ(Secret(kKey).reveal(), kKey); }

TEST(Secret, masks_a_key_as_openrouter_labels_it) {
  EXPECT_EQ(Secret(kKey).masked(), "sk-or-v1-012...def");
  EXPECT_EQ(Secret::mask("sk-or-v1-short"), "***");
  EXPECT_EQ(Secret::mask("gk-0123456789abcdef0123456789abcdef"), "***");
  EXPECT_EQ(Secret::mask(""), "***");
}

TEST(Secret, never_shows_more_than_six_characters_of_a_key) {
  EXPECT_TRUE(
      rc::check("the mask of any text gives away at most six characters behind the public prefix", [] {
        const auto text = *rc::gen::container<std::string>(rc::gen::inRange('a', 'z'));
        const std::string masked = Secret::mask("sk-or-v1-" + text);
        RC_ASSERT(masked == "***" || masked.size() == std::string("sk-or-v1-").size() + 3 + 3 + 3);
      }));
}

TEST(Secret, matches_only_the_very_same_text) {
  const Secret secret(kKey);
  EXPECT_TRUE(secret.matches(kKey));
  EXPECT_FALSE(secret.matches(""));
  EXPECT_FALSE(secret.matches(kKey + "x"));
  for (std::size_t i = 0; i < kKey.size(); ++i) {
    std::string wrong = kKey;
    wrong[i] = '!';
    EXPECT_FALSE(secret.matches(wrong)) << "differs at " << i;
  }
  EXPECT_TRUE(Secret().matches(""));
}

TEST(Secret, is_empty_after_a_move_also_when_short) {
  for (const std::string& text : {std::string("short"), kKey}) {
    Secret from(text), to;
    to = std::move(from);
    EXPECT_EQ(to.reveal(), text);
    EXPECT_TRUE(from.empty()) << text;  // NOLINT(bugprone-use-after-move): the point of the test
    Secret constructed(std::move(to));
    EXPECT_EQ(constructed.reveal(), text);
    EXPECT_TRUE(to.empty()) << text;  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, survives_assignment_to_itself) {
  Secret secret(kKey);
  Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.reveal(), kKey);
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), kKey);
}

TEST(Secret, copies_share_the_text_and_not_the_memory) {
  Secret copy;
  {
    const Secret original(kKey);
    copy = original;
  }
  EXPECT_EQ(copy.reveal(), kKey);
}

}  // namespace
}  // namespace gantry
