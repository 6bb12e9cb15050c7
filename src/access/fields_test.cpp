#include "access/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "access/csv_out.hpp"
#include "access/ids.hpp"
#include "access/query.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class Read>
auto read(std::string_view json, Problems& problems, Read reader) {
  wire::JsonIndex index;
  EXPECT_FALSE(index.parse(json)) << json;
  return reader(Field{"f", index.root()}, problems);
}

TEST(Money, is_read_exactly_or_not_at_all) {
  const struct {
    const char* name;
    std::string_view json;
    std::optional<std::int64_t> pico;
  } rows[] = {
      {"a text", R"("100")", 100'000'000'000'000},
      {"a number", "0.25", 250'000'000'000},
      {"twelve decimals", R"("0.000000000001")", 1},
      {"an exponent", "1e2", 100'000'000'000'000},
      {"nothing", "0", 0},
      {"a trailing zero", R"("1.50")", 1'500'000'000'000},
      {"thirteen decimals", "0.0000000000001", std::nullopt},
      {"more digits than a double has", R"("1234567.123456789012")", 1'234'567'123'456'789'012},
      {"less than nothing", "-1", std::nullopt},
      {"a currency", R"("$1")", std::nullopt},
      {"white space", R"(" 1")", std::nullopt},
      {"more than there is", "1e9", std::nullopt},
      {"a word", R"("free")", std::nullopt},
      {"an empty text", R"("")", std::nullopt},
      {"a flag", "true", std::nullopt},
      {"null", "null", std::nullopt},
  };
  for (const auto& row : rows) {
    Problems problems;
    const auto money = read(row.json, problems, read_money);
    EXPECT_EQ(money ? std::optional(money->value) : std::nullopt, row.pico) << row.name;
    EXPECT_EQ(problems.empty(), row.pico.has_value()) << row.name;
  }
}

TEST(Limits, tell_absent_from_none) {
  Problems problems;
  const auto limits = read(R"({"daily":null,"monthly":"5"})", problems, read_limits);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(limits[0], Said<PicoUsd>(std::optional<PicoUsd>()));
  EXPECT_EQ(limits[1], Said<PicoUsd>());
  EXPECT_EQ(limits[2], Said<PicoUsd>(PicoUsd{5'000'000'000'000}));
}

TEST(Names, are_one_plain_line) {
  const struct {
    const char* name;
    std::string_view json;
    bool good;
  } rows[] = {
      {"a word", R"("web")", true},
      {"other letters", R"("Käse 🧀")", true},
      {"nothing", R"("")", false},
      {"a line break", R"("a\nb")", false},
      {"a control character", R"("a\u0007b")", false},
      {"a character that turns the line", R"("a\u202eb")", false},
      {"a space at the end", R"("a ")", false},
      {"a number", "1", false},
      {"a key", R"("for gk-0123456789")", false},
  };
  for (const auto& row : rows) {
    Problems problems;
    EXPECT_EQ(read(row.json, problems, read_name).has_value(), row.good) << row.name;
    EXPECT_EQ(problems.empty(), row.good) << row.name;
  }
  Problems problems;
  EXPECT_TRUE(read("\"" + std::string(100, 'a') + "\"", problems, read_name));
  EXPECT_FALSE(read("\"" + std::string(101, 'a') + "\"", problems, read_name));
}

TEST(Moments, are_utc) {
  const struct {
    const char* name;
    std::string_view text;
    std::string_view back;  // "" = none
  } rows[] = {
      {"a second", "2027-12-31T23:59:59Z", "2027-12-31T23:59:59Z"},
      {"a fraction", "2027-12-31T23:59:59.250Z", "2027-12-31T23:59:59Z"},
      {"the offset of UTC", "2027-12-31T23:59:59+00:00", "2027-12-31T23:59:59Z"},
      {"a leap day", "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"},
      {"no leap day", "2027-02-29T00:00:00Z", ""},
      {"another zone", "2027-12-31T23:59:59+01:00", ""},
      {"no zone", "2027-12-31T23:59:59", ""},
      {"a day", "2027-12-31", ""},
      {"an hour too many", "2027-12-31T24:00:00Z", ""},
      {"a dot without digits", "2027-12-31T23:59:59.Z", ""},
      {"before 1970", "1969-12-31T23:59:59Z", ""},
      {"too far away", "2200-01-01T00:00:00Z", ""},
      {"something behind it", "2027-12-31T23:59:59Zx", ""},
  };
  for (const auto& row : rows) {
    const auto at = parse_utc(row.text);
    EXPECT_EQ(at ? utc_text(*at) : "", row.back) << row.name;
  }
  EXPECT_TRUE(rc::check("what is written is read", [] {
    const WallTime at{std::chrono::seconds{*rc::gen::inRange<std::int64_t>(0, 7'200'000'000)}};
    RC_ASSERT(parse_utc(utc_text(at)) == at);
    RC_ASSERT(parse_day(day_text(at)) == std::chrono::floor<std::chrono::days>(at));
  }));
}

TEST(QueryText, is_decoded_and_checked) {
  static constexpr std::array<std::string_view, 2> kKnown{"a", "b"};
  Problems problems;
  const Query query("a=1+2%20%2B&&b=", kKnown, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(query.get("a"), "1 2 +");
  EXPECT_EQ(query.get("b"), std::nullopt);
  EXPECT_EQ(query.get("c"), std::nullopt);
  const Query bad("a=%2&c=1&b=1&b=2", kKnown, problems);
  std::vector<std::string> fields;
  for (const auto& problem : problems.all()) fields.push_back(problem.field);
  EXPECT_THAT(fields, ElementsAre("query", "c", "b"));
}

TEST(QueryText, that_holds_a_key_is_told_without_it) {
  Problems problems;
  const std::string key = "gk-" + std::string(43, '0');
  const Query query(key + "=1&x" + key + "=2", {}, problems);
  ASSERT_EQ(problems.all().size(), 2U);
  for (const auto& problem : problems.all()) EXPECT_THAT(problem.field, testing::Not(HasSubstr("000")));
}

TEST(QueryText, of_any_bytes_is_read_back) {
  EXPECT_TRUE(rc::check("decode(encode(t)) == t", [](const std::string& text) {
    RC_ASSERT(percent_decoded(percent_encoded(text), Plus::space) == text);
  }));
}

TEST(Ids, are_stable_words) {
  using spend::AccountKind;
  EXPECT_EQ(public_id(AccountKind::organisation, {1}), "organisation");
  EXPECT_EQ(public_id(AccountKind::project, {3}), "project_3");
  EXPECT_EQ(public_id(AccountKind::key, {12}), "key_12");
  EXPECT_EQ(id_of(AccountKind::key, "key_12"), spend::AccountId{12});
  for (const auto* text :
       {"key_", "key_0", "key_012", "key_1x", "key_-1", "project_12", "12", "key_99999999999999999999"})
    EXPECT_FALSE(id_of(AccountKind::key, text)) << text;
  EXPECT_TRUE(has_form_of_id("organisation") && has_form_of_id("project_3") && has_form_of_id("key_1"));
  EXPECT_FALSE(has_form_of_id("web") || has_form_of_id("key_x"));
}

TEST(Csv, is_safe_to_open) {
  CsvOut csv;
  for (const auto* text : {"a", "b,c", "say \"x\"", "=1+1", "@x", "-", ""}) csv.cell(text);
  csv.number("-1.5");
  csv.end_row();
  csv.cell("next");
  EXPECT_EQ(csv.take(), "a,\"b,c\",\"say \"\"x\"\"\",\"'=1+1\",\"'@x\",-,,-1.5\r\nnext");
}

}  // namespace
}  // namespace gantry::access
