#include "sim/faults.hpp"

#include <gtest/gtest.h>

#include <set>

#include "sim/catalogue.hpp"
#include "sim/fault_models.hpp"

namespace gantry::sim {
namespace {

TEST(Faults, the_text_of_a_header_becomes_a_set) {
  const auto faults = parse_faults(" status=503 ; retry-after=soon;; comments ");
  ASSERT_TRUE(faults) << faults.error().detail;
  EXPECT_EQ(faults->number(FaultKind::status, 0), 503);
  EXPECT_EQ(faults->text(FaultKind::retry_after), "soon");
  EXPECT_EQ(faults->number(FaultKind::comments, 0), 3) << "the default argument";
  EXPECT_EQ(faults->describe(), "status=503;retry-after=soon;comments=3");
}

TEST(Faults, a_bare_status_is_a_status) {
  const auto faults = parse_faults("503");
  ASSERT_TRUE(faults);
  EXPECT_EQ(faults->number(FaultKind::status, 0), 503);
}

TEST(Faults, a_later_fault_of_the_same_name_wins) {
  auto faults = parse_faults("status=500;ttft=1s").value();
  faults.merge(parse_faults("status=429").value());
  EXPECT_EQ(faults.describe(), "status=429;ttft=1s");
}

TEST(Faults, each_mistake_is_named) {
  struct Row {
    std::string_view text, told;
  };
  const Row rows[] = {
      {"stauts=503", "unknown fault 'stauts'"},
      {"status=", "'status=' has no argument"},
      {"status=200", "expected a status from 400 to 599"},
      {"status=abc", "expected a whole number"},
      {"close-at=-1", "expected a whole number"},
      {"no-done=yes", "no-done takes no argument"},
      {"ttft=fast", "'fast' is not a duration"},
      {"jitter=2", "expected a number from 0 to 1"},
      {"tps=nan", "expected a number of 0 or more"},
      {"usage=none", "expected one of empty, dummy-choice"},
      {"shape=round", "expected one of envelope"},
      {"success-status=404", "expected a status from 200 to 299"},
      {"split=0", "at least 1 byte"},
      {"bill-factor=-1", "expected a decimal"},
      {"bill-factor=1.0000000001", "at most 9 decimals"},
      {"byok=half", "expected a decimal"},
      {"round=sideways", "is not up, down or trunc"},
      {"round=up:13", "DIGITS of 0 to 12"},
      {"after-cancel=half", "expected one of full, sent"},
      {"generation-after=later", "'later' is not a duration"},
  };
  for (const auto& row : rows) {
    const auto faults = parse_faults(row.text);
    ASSERT_FALSE(faults) << row.text;
    EXPECT_EQ(faults.error().fault, Fault::bad_input) << row.text;
    EXPECT_NE(faults.error().detail.find(row.told), std::string::npos)
        << row.text << ": " << faults.error().detail;
  }
}

TEST(Faults, every_fault_of_the_table_parses_with_its_default) {
  std::set<std::string_view> names;
  for (const auto& info : fault_table()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name << " is listed twice";
    EXPECT_FALSE(info.help.empty()) << info.name;
    const auto faults = parse_faults(info.name);
    ASSERT_TRUE(faults) << info.name << ": " << faults.error().detail;
    EXPECT_TRUE(faults->has(info.kind)) << info.name;
  }
}

TEST(Faults, the_faults_of_every_sim_model_parse) {
  std::set<std::string> ids;
  for (const auto& model : fault_models()) {
    EXPECT_TRUE(ids.insert(model.id).second) << model.id << " is listed twice";
    const auto faults = parse_faults(model.faults);
    EXPECT_TRUE(faults) << model.id << ": " << (faults ? "" : faults.error().detail);
  }
}

TEST(Durations, are_read_with_their_unit) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("250ms"), Duration{250ms});
  EXPECT_EQ(parse_duration("1.5s"), Duration{1500ms});
  EXPECT_EQ(parse_duration("2m"), Duration{2min});
  EXPECT_EQ(parse_duration("1h"), Duration{1h});
  EXPECT_EQ(parse_duration("40"), Duration{40ms});
  for (const auto* wrong : {"", "s", "-1s", "1d", "1 s", "1e300h", "inf"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
}

}  // namespace
}  // namespace gantry::sim
