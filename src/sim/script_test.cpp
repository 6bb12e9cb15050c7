#include "sim/script.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gantry::sim {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<Script> script(std::string_view text) {
  auto parsed = Script::parse(text, "timeline");
  if (!parsed) throw std::runtime_error(parsed.error().detail);
  return std::move(*parsed);
}

TEST(Script, a_rule_holds_from_its_start_until_before_its_end) {
  const auto s = script("from 10s to 60s model openai/gpt-4.1 answers 503");
  const auto at = [&](Duration t) {
    return s->faults_for(t, "/chat/completions", true, "openai/gpt-4.1").describe();
  };
  EXPECT_EQ(at(9999ms), "");
  EXPECT_EQ(at(10s), "status=503");
  EXPECT_EQ(at(59999ms), "status=503");
  EXPECT_EQ(at(60s), "");
}

TEST(Script, calls_count_only_what_the_rest_of_the_rule_fits) {
  const auto s = script("calls 2-3 model a/* answers 429");
  const auto ask = [&](std::string_view model) {
    return s->faults_for(0s, "/completions", true, model).refuses();
  };
  EXPECT_FALSE(ask("a/x"));
  EXPECT_FALSE(ask("b/x"));
  EXPECT_TRUE(ask("a/y"));
  EXPECT_TRUE(ask("a/x"));
  EXPECT_FALSE(ask("a/x"));
  s->restart();
  EXPECT_FALSE(ask("a/x"));
  EXPECT_TRUE(ask("a/x"));
}

TEST(Script, later_rules_win_and_others_add) {
  const auto s = script(
      "model * answers status=500;ttft=1s\nmodel openai/* answers status=429 # a comment\n\n# another\n");
  EXPECT_EQ(s->faults_for(0s, "/chat/completions", true, "openai/o1").describe(), "status=429;ttft=1s");
  EXPECT_EQ(s->faults_for(0s, "/chat/completions", true, "x/y").describe(), "status=500;ttft=1s");
}

TEST(Script, a_rule_with_a_path_is_about_that_path_and_one_without_about_completions) {
  const auto s = script("path /key answers 401\nmodel * answers 503");
  EXPECT_EQ(s->faults_for(0s, "/key", false, "").describe(), "status=401");
  EXPECT_EQ(s->faults_for(0s, "/models", false, "").describe(), "");
  EXPECT_EQ(s->faults_for(0s, "/chat/completions", true, "m/n").describe(), "status=503");
}

TEST(Script, every_mistake_is_told_with_its_line) {
  struct Row {
    std::string_view line, told;
  };
  const Row rows[] = {
      {"from 1x model * answers 503", "from '1x' is not a duration"},
      {"to 5s from 5s model * answers 503", "'to' is not later than 'from'"},
      {"calls 0 model * answers 503", "calls 0: expected a number from 1"},
      {"calls 3-1 model * answers 503", "calls 3-1: expected"},
      {"calls a-b model * answers 503", "calls a-b: expected"},
      {"model * answers nonsense", "unknown fault 'nonsense'"},
      {"model * answers ;", "answers: names no fault"},
      {"model *", "the rule has no 'answers'"},
      {"model * answers", "nothing follows 'answers'"},
      {"path key answers 401", "path key: expected a path below /api/v1"},
      {"whenever model * answers 503", "'whenever' is not from, to, calls"},
      {"model a/b model c/d answers 503", "'model' is given twice"},
  };
  std::string all;
  for (const auto& row : rows) {
    const auto parsed = Script::parse("# first line\n" + std::string(row.line), "faults.txt");
    ASSERT_FALSE(parsed) << row.line;
    EXPECT_TRUE(parsed.error().detail.starts_with("faults.txt:2: ")) << parsed.error().detail;
    EXPECT_NE(parsed.error().detail.find(row.told), std::string::npos)
        << row.line << ": " << parsed.error().detail;
    all.append(row.line).append("\n");
  }
  const auto parsed = Script::parse(all, "faults.txt");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(std::ranges::count(parsed.error().detail, '\n') + 1, static_cast<long>(std::size(rows)))
      << "all at once";
}

TEST(Script, a_file_that_is_not_there_is_named) {
  const auto loaded = Script::load("no/such/script");
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().detail.find("no/such/script"), std::string::npos);
}

TEST(Pattern, a_star_stands_for_any_run) {
  struct Row {
    std::string_view pattern, text;
    bool fits;
  };
  const Row rows[] = {{"*", "", true},
                      {"*", "a/b", true},
                      {"a/*", "a/b", true},
                      {"a/*", "b/a/", false},
                      {"*:free", "a:free", true},
                      {"*:free", "a:freed", false},
                      {"a*b*c", "aXbYbZc", true},
                      {"", "", true},
                      {"", "a", false},
                      {"a", "ab", false},
                      {"**a", "xa", true}};
  for (const auto& row : rows)
    EXPECT_EQ(matches_pattern(row.pattern, row.text), row.fits) << row.pattern << " " << row.text;
}

}  // namespace
}  // namespace gantry::sim
