#include "manage/upstream_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manage/report.hpp"

namespace gantry::manage {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kInfo =
    R"({"hash":"f01d52606dc8","name":"app","label":"sk-or-v1-0e6...1c9","disabled":false,"limit":50.00000000000000001,
        "limit_remaining":1e-7,"limit_reset":null,"include_byok_in_limit":true,"usage":0.000000000001,"usage_daily":0,
        "usage_weekly":0,"usage_monthly":0,"byok_usage":0,"byok_usage_daily":0,"created_at":"2026-01-01T00:00:00Z",
        "updated_at":null,"expires_at":"2027-12-31T23:59:59Z","creator_user_id":null,"workspace_id":"w","tomorrow":[{"x":1}]})";

TEST(Read, keeps_the_digits_and_lives_with_what_is_null_or_new) {
  const auto key = read_key(R"({"data":)" + std::string(kInfo) + R"(,"more":{}})");
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->hash, "f01d52606dc8");
  EXPECT_EQ(key->limit, "50.00000000000000001");
  EXPECT_EQ(key->usage, "0.000000000001");
  EXPECT_EQ(key->limit_reset, "");
  EXPECT_TRUE(key->counts_byok);
  EXPECT_EQ(key->expires_at, "2027-12-31T23:59:59Z");
  const auto list = read_keys(R"({"data":[)" + std::string(kInfo) + "," + std::string(kInfo) + "]}");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 2u);
  const auto made = read_made_key(R"({"data":)" + std::string(kInfo) + R"(,"key":"sk-or-v1-text"})");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->key.reveal(), "sk-or-v1-text");
}

TEST(Read, says_no_to_everything_else) {
  for (const std::string body :
       {"", "[]", "{}", "null", R"({"data":null})", R"({"data":{}})", R"({"data":[{}]})",
        R"({"data":{"hash":"../x"}})", R"({"data":{"hash":"x")", "<html>"}) {
    EXPECT_FALSE(read_key(body)) << body;
    EXPECT_FALSE(read_keys(body)) << body;
    EXPECT_FALSE(read_made_key(body)) << body;
  }
  EXPECT_FALSE(read_made_key(R"({"data":)" + std::string(kInfo) + "}")) << "without the key itself";
  EXPECT_TRUE(read_keys(R"({"data":[]})")->empty());
}

TEST(Body, says_what_was_given_and_null_where_it_was_taken_away) {
  struct Row {
    std::string_view name;
    KeySettings settings;
    std::string_view body;
  };
  const Row rows[] = {
      {"nothing", {}, "{}"},
      {"a new key",
       {.name = "a \"b\"", .limit = "50", .limit_reset = "monthly", .expires_at = "2027-12-31T23:59:59Z"},
       R"({"name":"a \"b\"","limit":50,"limit_reset":"monthly","expires_at":"2027-12-31T23:59:59Z"})"},
      {"no limit and no reset", {.limit = "", .limit_reset = ""}, R"({"limit":null,"limit_reset":null})"},
      {"flags",
       {.disabled = true, .counts_byok = false},
       R"({"disabled":true,"include_byok_in_limit":false})"},
  };
  for (const auto& row : rows) EXPECT_EQ(body_of(row.settings), row.body) << row.name;
}

TEST(Successor, has_the_settings_of_the_old_but_for_what_changes) {
  KeyInfo old;
  old.name = "app", old.limit = "50", old.limit_reset = "weekly", old.counts_byok = true, old.disabled = true;
  old.workspace_id = "w";
  EXPECT_EQ(
      body_of(successor_of(old, {})),
      R"({"name":"app","limit":50,"limit_reset":"weekly","include_byok_in_limit":true,"workspace_id":"w"})");
  EXPECT_EQ(body_of(successor_of(old, {.name = "app-2", .limit = "", .expires_at = "2027-01-01T00:00:00Z"})),
            R"({"name":"app-2","limit":null,"limit_reset":"weekly","include_byok_in_limit":true,)"
            R"("expires_at":"2027-01-01T00:00:00Z","workspace_id":"w"})");
}

TEST(Expiry, is_a_day_or_a_time_in_utc) {
  EXPECT_EQ(parse_expiry("2027-12-31").value(), "2027-12-31T23:59:59Z");
  EXPECT_EQ(parse_expiry("2028-02-29T12:30:00Z").value(), "2028-02-29T12:30:00Z");
  for (const auto* wrong :
       {"", "tomorrow", "2027-02-29", "2027-13-01", "2027-1-1", "2027-12-31T", "2027-12-31T12:00",
        "2027-12-31T25:00:00Z", "2027-12-31T12:00:00+01:00", "2027-12-31 12:00:00Z", "31.12.2027"})
    EXPECT_FALSE(parse_expiry(wrong)) << wrong;
}

KeyInfo sample() { return read_key(R"({"data":)" + std::string(kInfo) + "}").value(); }

TEST(Table, has_a_line_a_key) {
  auto off = sample();
  off.name = "a\x1b[31mred", off.disabled = true, off.limit = "";
  const auto text = table({sample(), off});
  EXPECT_THAT(text, HasSubstr("NAME"));
  EXPECT_THAT(text, HasSubstr("until 2027-12-31\n"));
  EXPECT_THAT(text, HasSubstr("disabled\n"));
  EXPECT_THAT(text, HasSubstr("none"));
  EXPECT_THAT(text, HasSubstr("$0.0000001 ")) << "without an exponent";
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "what upstream wrote does not steer the terminal";
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_EQ(table({}), "No keys.\n");
}

TEST(Json, has_amounts_as_texts) {
  const auto text = json(std::vector{sample(), sample()});
  EXPECT_THAT(text, HasSubstr(R"("limit":"50.00000000000000001")"));
  EXPECT_THAT(text, HasSubstr(R"("limit_reset":null)"));
  EXPECT_THAT(text, HasSubstr(R"("disabled":false)"));
  EXPECT_EQ(json(std::vector<KeyInfo>{}), "{\"keys\":[]}\n");
}

}  // namespace
}  // namespace gantry::manage
