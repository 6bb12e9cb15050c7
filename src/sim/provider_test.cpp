// Who serves a model that several serve, and faults of one of them.
#include <fmt/format.h>

#include <map>

#include "sim/journal.hpp"
#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

constexpr const char* kModel = "meta-llama/llama-3.3-70b-instruct";

struct Providers : SimTest {
  /// Status, and who served, or whom the error names.
  std::pair<int, std::string> ask(const std::string& preferences, const std::string& faults = "",
                                  const std::string& more = "") {
    const auto body = preferences.empty() ? more : R"(,"provider":)" + preferences + more;
    const auto ex = post(chat(kModel, body), faults);
    const auto reply = json(ex->body).as_object();
    if (ex->status == 200) return {200, std::string(reply.at("provider").as_string())};
    const auto& error = reply.at("error").as_object();
    const auto* metadata = error.if_contains("metadata");
    const auto* name = metadata ? metadata->as_object().if_contains("provider_name") : nullptr;
    return {ex->status, name ? std::string(name->as_string()) : ""};
  }
  std::map<std::string, int> ask_often(const std::string& preferences) {
    std::map<std::string, int> out;
    for (int i = 0; i < 60; ++i) ++out[ask(preferences).second];
    return out;
  }
};

TEST_F(Providers, are_drawn_where_the_request_leaves_a_choice) {
  EXPECT_EQ(ask_often("").size(), 3u);
  EXPECT_EQ(ask_often(R"({"ignore":["deepinfra"]})").size(), 2u);
  EXPECT_FALSE(ask_often(R"({"ignore":["deepinfra"]})").contains("DeepInfra"));
  EXPECT_EQ(ask_often(R"({"order":["together"]})"), (std::map<std::string, int>{{"Together", 60}}));
  EXPECT_EQ(ask_often(R"({"only":["together"],"order":["deepinfra"]})"),
            (std::map<std::string, int>{{"Together", 60}}));
}

TEST_F(Providers, when_none_is_left_it_is_a_404_that_says_so) {
  for (const std::string preferences :
       {R"({"only":["nobody"]})", R"({"ignore":["deepinfra","together","fireworks"]})",
        R"({"order":["nobody"],"allow_fallbacks":false})"}) {
    const auto ex = post(chat(kModel, R"(,"provider":)" + preferences));
    EXPECT_EQ(ex->status, 404) << preferences;
    const auto availability = json(ex->body).at("error").at("availability");
    EXPECT_EQ(availability.at("code").as_string(), "constraint_filtered");
    EXPECT_EQ(availability.at("excluded_by").at(0).as_string(), "allowed_providers");
  }
  EXPECT_EQ(ask(R"({"order":["nobody"]})").first, 200) << "others may serve";
  EXPECT_EQ(ask(R"({"ignore":"deepinfra"})").first, 400);
}

TEST_F(Providers, a_fault_of_one_strikes_where_it_serves_and_names_it) {
  using Answer = std::pair<int, std::string>;
  for (const std::string name : {"DeepInfra", "deepinfra"}) {
    const auto faults = "provider=" + name + ";status=502";
    EXPECT_EQ(ask(R"({"only":["deepinfra"]})", faults), Answer(502, "DeepInfra"));
    EXPECT_EQ(ask(R"({"only":["deepinfra"]})", faults + ";shape=provider"), Answer(502, "DeepInfra"));
    EXPECT_EQ(ask(R"({"ignore":["deepinfra"],"only":["together","deepinfra"]})", faults),
              Answer(200, "Together"));
  }
}

TEST_F(Providers, the_journal_tells_who_served_and_whom_the_request_ignored) {
  ask(R"({"ignore":["deepinfra","fireworks"]})");
  const auto attempt = simulator->attempts().back();
  EXPECT_EQ(attempt.provider, "Together");
  EXPECT_EQ(attempt.ignored, (std::vector<std::string>{"deepinfra", "fireworks"}));
}

TEST_F(Providers, are_all_listed) {
  const auto endpoints =
      json(get(fmt::format("/api/v1/models/{}/endpoints", kModel))->body).at("data").at("endpoints");
  EXPECT_EQ(endpoints.as_array().size(), 3u);
  const auto body = get("/api/v1/providers")->body;
  for (const std::string slug : {"deepinfra", "together", "fireworks"})
    EXPECT_NE(body.find(R"("slug":")" + slug + "\""), std::string::npos) << slug;
}

}  // namespace
}  // namespace gantry::sim::test
