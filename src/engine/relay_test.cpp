#include "engine/relay.hpp"

#include <gmock/gmock.h>

#include <string>

namespace gantry::engine {
namespace {

std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return "data: {\"id\":\"gen-1\",\"model\":\"acme/alpha\",\"choices\":[{\"index\":0,\"delta\":" +
         std::string(delta) + ",\"finish_reason\":" + std::string(finish) + "}]}\n\n";
}
const std::string kRole = chunk(R"({"role":"assistant","content":""})");
const std::string kHi = chunk(R"({"content":"hi"})");
const std::string kStop = chunk(R"({"content":""})", "\"stop\"");
const std::string kUsage =
    "data: "
    "{\"id\":\"gen-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"cost\":0."
    "0000123}}\n\n";
const std::string kDone = "data: [DONE]\n\n";
const std::string kComment = ": OPENROUTER PROCESSING\n\n";
const std::string kError =
    "data: {\"error\":{\"code\":502,\"message\":\"upstream dropped\"},\"choices\":[{\"index\":0,"
    "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n";

struct Outcome {
  std::string forwarded;
  bool done = false;
  std::optional<StreamFailure> failure;
  StreamFacts facts;
};

Outcome relay_all(const std::vector<std::string>& pieces, bool comments = false, bool ends = true) {
  wire::ReplyScanner scanner;
  Relay relay(wire::kChat, scanner);
  if (comments) relay.let_comments_through();
  Outcome out;
  const auto take = [&](const Relay::Step& step) {
    out.forwarded += step.forward;
    out.done = out.done || step.done;
    if (step.failure) out.failure = step.failure;
  };
  for (const auto& piece : pieces) {
    take(relay.feed(piece));
    if (out.failure || out.done) break;
  }
  if (ends && !out.failure && !out.done) take(relay.end());
  out.facts = relay.facts();
  return out;
}

TEST(Relay, forwards_a_sound_stream_byte_for_byte) {
  const std::string whole = kRole + kHi + kComment + kStop + kUsage + kDone;
  const auto out = relay_all({whole});
  EXPECT_EQ(out.forwarded, whole);
  EXPECT_TRUE(out.done);
  EXPECT_FALSE(out.failure);
  EXPECT_EQ(out.facts.model, "acme/alpha");
  ASSERT_TRUE(out.facts.usage);
  EXPECT_EQ(out.facts.usage->cost, PicoUsd{12'300'000});
}

TEST(Relay, result_does_not_depend_on_chunking) {
  const std::string whole = kComment + kRole + kHi + kComment + kHi + kStop + kUsage + kDone;
  const auto expected = relay_all({whole}).forwarded;
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    EXPECT_EQ(relay_all({whole.substr(0, cut), whole.substr(cut)}).forwarded, expected) << "cut at " << cut;
}

TEST(Relay, nothing_but_comments_leaves_before_the_first_token) {
  const auto quiet = relay_all({kComment, kRole, kComment}, false, false);
  EXPECT_EQ(quiet.forwarded, "");
  const auto patient = relay_all({kComment, kRole, kComment}, true, false);
  EXPECT_EQ(patient.forwarded, kComment + kComment);
}

TEST(Relay, an_error_before_the_first_token_leaves_nothing_behind) {
  const auto out = relay_all({kRole + kError});
  EXPECT_EQ(out.forwarded, "");
  ASSERT_TRUE(out.failure);
  EXPECT_EQ(out.failure->verdict.outcome, route::Outcome::upstream_error);
  EXPECT_FALSE(out.facts.usable);
}

TEST(Relay, an_error_after_the_first_token_keeps_what_came_and_not_the_error_itself) {
  const auto out = relay_all({kRole + kHi + kError});
  EXPECT_EQ(out.forwarded, kRole + kHi);
  ASSERT_TRUE(out.failure);
  EXPECT_TRUE(out.facts.usable);
}

TEST(Relay, a_cut_stream_never_looks_complete) {
  for (const auto& whole : {kRole + kHi, kRole + kHi + kHi.substr(0, 20), kHi + std::string("data: ")}) {
    const auto out = relay_all({whole});
    EXPECT_FALSE(out.done) << whole;
    EXPECT_TRUE(out.failure) << whole;
    EXPECT_EQ(out.forwarded.find("[DONE]"), std::string::npos) << whole;
  }
}

TEST(Relay, a_finished_stream_without_done_is_completed) {
  const auto out = relay_all({kRole + kHi + kStop});
  EXPECT_TRUE(out.done);
  EXPECT_FALSE(out.failure);
  EXPECT_EQ(out.forwarded, kRole + kHi + kStop + kDone);
}

TEST(Relay, one_finished_choice_of_several_does_not_complete_a_stream_without_done) {
  const std::string second =
      R"(data: {"choices":[{"index":1,"delta":{"content":"half"},"finish_reason":null}]})"
      "\n\n";
  const auto cut = relay_all({kHi + second + kStop});
  EXPECT_FALSE(cut.done);
  EXPECT_TRUE(cut.failure);
  EXPECT_TRUE(relay_all({kHi + second + kStop + kDone}).done);
}

TEST(Relay, an_empty_answer_is_a_failure_that_may_fall_back) {
  const auto out = relay_all({kRole + kUsage + kDone});
  ASSERT_TRUE(out.failure);
  EXPECT_EQ(out.failure->verdict.outcome, route::Outcome::empty);
  EXPECT_EQ(out.forwarded, "");
}

TEST(Relay, a_finish_without_text_is_an_answer) {
  const auto out = relay_all({kRole + kStop + kDone});
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.forwarded, kRole + kStop + kDone);
}

TEST(Relay, an_event_that_is_not_json_may_have_held_text_and_breaks_the_stream) {
  const auto out = relay_all({kHi + "data: {\"choices\":[{\n\n" + kStop + kDone});
  EXPECT_EQ(out.forwarded, kHi);
  EXPECT_FALSE(out.done);
  ASSERT_TRUE(out.failure);
  EXPECT_EQ(out.failure->verdict.outcome, route::Outcome::upstream_error);
}

TEST(Relay, a_malformed_event_is_left_out_where_no_text_can_be_lost) {
  for (const std::string odd :
       {"data:  \n\n", "data: ping\n\n", "data: null\n\n", "data: [1]\n\n", "data: \"{\n\n"}) {
    const auto out = relay_all({kHi + odd + kStop + kDone});
    EXPECT_TRUE(out.done) << odd;
    EXPECT_EQ(out.forwarded, kHi + kStop + kDone) << odd;
  }
  const auto behind = relay_all({kHi + kStop + "data: {\"usage\":\n\n" + kDone});
  EXPECT_TRUE(behind.done);
  EXPECT_EQ(behind.forwarded, kHi + kStop + kDone);
}

TEST(Relay, too_much_before_the_first_token_is_a_failure) {
  std::vector<std::string> pieces;
  for (int i = 0; i < 600; ++i) pieces.push_back(kRole);
  const auto out = relay_all(pieces);
  ASSERT_TRUE(out.failure);
  EXPECT_EQ(out.forwarded, "");
}

TEST(Relay, reasoning_counts_as_a_token) {
  const auto out = relay_all({chunk(R"({"reasoning":"let me see"})")}, false, false);
  EXPECT_NE(out.forwarded, "");
}

}  // namespace
}  // namespace gantry::engine
