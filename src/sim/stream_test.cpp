// The bytes of streams, healthy and broken.
#include <fmt/format.h>

#include "sim/sim_fixture.hpp"
#include "sim/texts.hpp"

namespace gantry::sim::test {
namespace {

using namespace std::chrono_literals;
using Stream = SimTest;

// The payloads of a stream's data events, whatever its line ends; multi-line data is joined.
std::vector<std::string> events_of(std::string body) {
  std::vector<std::string> out;
  std::string data;
  bool any = false;
  for (std::size_t at = 0; at < body.size();) {
    const auto end = std::min(body.find_first_of("\r\n", at), body.size());
    const auto line = body.substr(at, end - at);
    at = end + (body.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    if (line.empty()) {
      if (any) out.push_back(std::exchange(data, {}));
      any = false;
    } else if (line.starts_with("data:")) {
      if (any) data += '\n';
      any = true;
      data += line.substr(line.starts_with("data: ") ? 6 : 5);
    }
  }
  return out;
}

struct Told {
  std::string content, reasoning, finish, arguments, tool;
  int finishes = 0, usages = 0, errors = 0, chunks = 0;
  bool done = false;
  boost::json::value usage, error;
};

void read_choice(Told& told, const boost::json::object& choice) {
  const auto& delta = choice.at("delta").as_object();
  if (const auto* c = delta.if_contains("content"); c && c->is_string()) told.content += c->as_string();
  if (const auto* r = delta.if_contains("reasoning"); r && r->is_string()) told.reasoning += r->as_string();
  if (const auto* calls = delta.if_contains("tool_calls")) {
    const auto& function = calls->at(0).at("function").as_object();
    if (const auto* name = function.if_contains("name")) told.tool += name->as_string();
    told.arguments += function.at("arguments").as_string();
  }
  if (choice.at("finish_reason").is_null()) return;
  told.finish = choice.at("finish_reason").as_string();
  ++told.finishes;
}

Told tell(const std::string& body) {
  Told told;
  for (const auto& text : events_of(body)) {
    EXPECT_FALSE(told.done) << "after [DONE]: " << text;
    if (text == "[DONE]") {
      told.done = true;
      continue;
    }
    const auto chunk = boost::json::parse(text).as_object();
    ++told.chunks;
    if (const auto* choices = chunk.if_contains("choices"))
      for (const auto& choice : choices->as_array()) read_choice(told, choice.as_object());
    if (const auto* usage = chunk.if_contains("usage")) ++told.usages, told.usage = *usage;
    if (const auto* error = chunk.if_contains("error")) ++told.errors, told.error = *error;
  }
  return told;
}

TEST_F(Stream, a_healthy_one_is_content_finish_usage_and_done) {
  const auto ex = post(streamed("openai/gpt-4.1"));
  EXPECT_EQ(ex->status, 200);
  EXPECT_EQ(ex->header("content-type"), "text/event-stream");
  EXPECT_EQ(ex->header("x-gantry-simulated"), "1");
  EXPECT_EQ(ex->end, FakeExchange::End::whole);
  const auto told = tell(ex->body);
  EXPECT_FALSE(told.content.empty());
  EXPECT_EQ(told.finish, "stop");
  EXPECT_EQ(told.finishes, 1);
  EXPECT_EQ(told.usages, 1);
  EXPECT_TRUE(told.done);
  EXPECT_EQ(told.usage.at("completion_tokens").as_int64(), count_tokens(told.content));
  EXPECT_TRUE(ex->body.starts_with("data: {\"id\":\"" + ex->header("x-generation-id") +
                                   "\",\"object\":\"chat.completion.chunk\""));
}

TEST_F(Stream, says_the_same_as_the_plain_reply) {
  // The seed of an answer is its request's hash, so the two bodies answer differently; the structure agrees.
  const auto plain = json(post(chat("sim/plain"), "tokens=50")->body);
  const auto told = tell(post(streamed("sim/plain"), "tokens=50")->body);
  EXPECT_EQ(plain.at("usage").at("completion_tokens").as_int64(), 50);
  EXPECT_EQ(told.usage.at("completion_tokens").as_int64(), 50);
  EXPECT_EQ(plain.at("usage").at("cost").as_double(), 0.000108);
  EXPECT_EQ(told.usage.at("cost").as_double(), 0.000108);
}

TEST_F(Stream, framing_faults_change_the_bytes_and_not_the_meaning) {
  for (const std::string fault :
       {"crlf", "cr", "no-space", "multi-line", "comments=5", "split=1", "split=7", "finish-content",
        "usage=dummy-choice", "usage=empty", "early-role", "unknown-fields"}) {
    const auto ex = post(streamed("sim/plain"), fault);
    const auto told = tell(ex->body);
    EXPECT_EQ(ex->end, FakeExchange::End::whole) << fault;
    EXPECT_EQ(told.finish, "stop") << fault;
    EXPECT_EQ(told.usages, 1) << fault;
    EXPECT_TRUE(told.done) << fault;
    EXPECT_EQ(told.usage.at("completion_tokens").as_int64(), count_tokens(told.content)) << fault;
  }
}

TEST_F(Stream, line_ends_are_what_the_fault_says) {
  const auto crlf = post(streamed("sim/crlf"))->body;
  EXPECT_EQ(std::ranges::count(crlf, '\r'), std::ranges::count(crlf, '\n'));
  EXPECT_TRUE(crlf.ends_with("data: [DONE]\r\n\r\n"));
  const auto cr = post(streamed("sim/cr"))->body;
  EXPECT_EQ(cr.find('\n'), std::string::npos);
  EXPECT_TRUE(cr.ends_with("data: [DONE]\r\r"));
  EXPECT_TRUE(post(streamed("sim/no-space"))->body.starts_with("data:{"));
}

TEST_F(Stream, multi_line_data_breaks_inside_the_json) {
  EXPECT_TRUE(post(streamed("sim/multi-line"))->body.starts_with("data: {\ndata: \"id\":"));
}

TEST_F(Stream, comments_come_first_and_in_between) {
  const auto body = post(streamed("sim/plain"), "comments=3;tokens=9")->body;
  EXPECT_TRUE(body.starts_with(
      ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: "));
  std::size_t comments = 0;
  for (auto at = body.find("\n: "); at != std::string::npos; at = body.find("\n: ", at + 1)) ++comments;
  EXPECT_EQ(comments, 2u + 2u) << "two more at the start, and after the fourth and the eighth token";
}

TEST_F(Stream, usage_comes_with_no_choice_or_with_a_dummy_one) {
  EXPECT_NE(post(streamed("sim/usage-empty-choices"))->body.find(R"("choices":[],"usage":{)"),
            std::string::npos);
  const auto dummy = post(streamed("sim/usage-dummy-choice"))->body;
  EXPECT_NE(
      dummy.find(
          R"("delta":{"role":"assistant","content":""},"finish_reason":null,"native_finish_reason":null}],"usage":{)"),
      std::string::npos);
}

TEST_F(Stream, parts_can_be_missing) {
  struct Row {
    std::string_view model;
    int usages;
    bool done;
    std::string_view finish;
  };
  const Row rows[] = {
      {"sim/no-usage", 0, true, "stop"}, {"sim/no-done", 1, false, "stop"}, {"sim/no-finish", 0, false, ""}};
  for (const auto& row : rows) {
    const auto ex = post(streamed(std::string(row.model)));
    const auto told = tell(ex->body);
    EXPECT_EQ(told.usages, row.usages) << row.model;
    EXPECT_EQ(told.done, row.done) << row.model;
    EXPECT_EQ(told.finish, row.finish) << row.model;
    EXPECT_FALSE(told.content.empty()) << row.model;
    EXPECT_EQ(ex->end, FakeExchange::End::whole) << row.model;
  }
}

TEST_F(Stream, an_error_in_the_middle_ends_it) {
  struct Row {
    std::string_view faults;
    bool bare, done, text_code;
  };
  const Row rows[] = {{"mid-error", false, false, false},
                      {"mid-error=server_error;after=1", false, false, true},
                      {"mid-error=529;error-done", false, true, false},
                      {"bare-error", true, false, false},
                      {"bare-error=overloaded;error-done", true, true, true},
                      {"mid-error;after=9999", false, false, false}};
  for (const auto& row : rows) {
    const auto told = tell(post(streamed("sim/plain"), std::string(row.faults))->body);
    EXPECT_EQ(told.errors, 1) << row.faults;
    EXPECT_EQ(told.finish, row.bare ? "" : "error") << row.faults;
    EXPECT_EQ(told.done, row.done) << row.faults;
    EXPECT_EQ(told.usages, 0) << row.faults;
    EXPECT_EQ(told.error.at("code").is_string(), row.text_code) << row.faults;
    EXPECT_FALSE(told.content.empty()) << row.faults;
  }
}

TEST_F(Stream, after_says_how_many_tokens_come_first) {
  for (const int n : {0, 1, 5}) {
    const auto told = tell(post(streamed("sim/plain"), fmt::format("mid-error;after={};tokens=20", n))->body);
    EXPECT_EQ(count_tokens(told.content), n);
  }
}

TEST_F(Stream, can_be_cut_at_every_byte) {
  const auto whole = post(streamed("sim/plain", R"(,"max_tokens":2)"))->body;
  for (std::size_t cut = 0; cut < whole.size(); cut += cut < 400 ? 1 : 13) {
    for (const bool reset : {false, true}) {
      const auto ex = post(streamed("sim/plain", R"(,"max_tokens":2)"),
                           fmt::format("{}={}", reset ? "reset-at" : "close-at", cut));
      EXPECT_EQ(ex->body.size(), cut);
      EXPECT_EQ(ex->end, reset ? FakeExchange::End::reset : FakeExchange::End::closed) << cut;
    }
  }
}

TEST_F(Stream, can_be_cut_after_a_token) {
  const auto closed = post(streamed("sim/plain"), "close-after;after=2");
  EXPECT_EQ(count_tokens(tell(closed->body).content), 2);
  EXPECT_EQ(closed->end, FakeExchange::End::closed);
  EXPECT_EQ(post(streamed("sim/reset-mid-stream"))->end, FakeExchange::End::reset);
}

TEST_F(Stream, writes_can_be_of_one_byte) {
  const auto ex = post(streamed("sim/plain", R"(,"max_tokens":1)"), "split=1");
  EXPECT_EQ(ex->pieces.size(), ex->body.size());
}

TEST_F(Stream, a_character_can_be_cut_in_two) {
  const auto ex = post(streamed("sim/split-utf8"), "tokens=40");
  for (int i = 0; i < 1000 && ex->end == FakeExchange::End::open; ++i) advance(10ms);
  EXPECT_EQ(ex->end, FakeExchange::End::whole);
  int cut = 0;
  for (std::size_t i = 1; i < ex->pieces.size(); ++i)
    cut += (static_cast<unsigned char>(ex->pieces[i][0]) & 0xC0) == 0x80;
  EXPECT_GT(cut, 3) << "pieces that begin inside a character";
  EXPECT_EQ(count_tokens(tell(ex->body).content), 40) << "the text is whole all the same";
}

TEST_F(Stream, tool_calls_come_in_fragments) {
  const auto told = tell(post(streamed("sim/tool-calls"))->body);
  EXPECT_EQ(told.tool, "lookup");
  EXPECT_EQ(told.finish, "tool_calls");
  EXPECT_TRUE(boost::json::parse(told.arguments).is_object()) << told.arguments;
  const auto bad = tell(post(streamed("sim/tool-calls-bad"))->body);
  boost::json::error_code error;
  const auto parsed = boost::json::parse(bad.arguments, error);
  EXPECT_TRUE(error) << bad.arguments;
}

TEST_F(Stream, reasoning_comes_before_content) {
  const auto body = post(streamed("sim/reasoning"))->body;
  const auto told = tell(body);
  EXPECT_EQ(count_tokens(told.reasoning), 16);
  EXPECT_FALSE(told.content.empty());
  EXPECT_EQ(told.usage.at("completion_tokens_details").at("reasoning_tokens").as_int64(), 16);
  EXPECT_LT(body.find(R"("reasoning":)"), body.find(R"("content":)"));
}

TEST_F(Stream, a_cache_hit_costs_nothing) {
  const auto ex = post(streamed("sim/cache-hit"));
  EXPECT_EQ(ex->header("x-openrouter-cache-status"), "HIT");
  EXPECT_EQ(ex->header("x-openrouter-cache-age"), "1");
  EXPECT_FALSE(ex->header("x-openrouter-cache-source-id").empty());
  EXPECT_EQ(tell(ex->body).usage.at("total_tokens").as_int64(), 0);
  const auto miss = post(streamed("sim/cache-miss"));
  EXPECT_EQ(miss->header("x-openrouter-cache-status"), "MISS");
  EXPECT_EQ(miss->header("x-openrouter-cache-age"), "");
}

TEST_F(Stream, text_completions_carry_text) {
  const auto ex =
      start("POST", "/v1/completions",
            R"({"model":"openai/gpt-4.1","prompt":"Once","stream":true,"max_tokens":8})", with(kKey, ""));
  std::string text;
  for (const auto& event : events_of(ex->body)) {
    if (event == "[DONE]") continue;
    const auto chunk = boost::json::parse(event);
    EXPECT_EQ(chunk.at("object").as_string(), "text_completion");
    for (const auto& choice : chunk.at("choices").as_array()) text += choice.at("text").as_string();
  }
  EXPECT_EQ(count_tokens(text), 8);
}

TEST_F(Stream, keeps_the_pace_it_is_given) {
  const auto ex = post(streamed("sim/plain"), "ttft=300ms;tps=10;tokens=5");
  EXPECT_EQ(ex->status, 200) << "headers leave at once";
  EXPECT_TRUE(ex->flushed_early);
  EXPECT_EQ(ex->body, "");
  advance(290ms);
  EXPECT_EQ(ex->body, "");
  advance(10ms);
  EXPECT_EQ(count_tokens(tell(ex->body).content), 1);
  for (int token = 2; token <= 5; ++token) {
    advance(100ms);
    EXPECT_EQ(count_tokens(tell(ex->body).content), token);
  }
  EXPECT_EQ(ex->end, FakeExchange::End::open);
  advance(100ms);
  EXPECT_EQ(ex->end, FakeExchange::End::whole);
}

TEST_F(Stream, waits_where_the_stall_is) {
  const auto headers = post(streamed("sim/plain"), "stall-headers=5s");
  EXPECT_EQ(headers->status, 0);
  const auto first = post(streamed("sim/plain"), "stall-first=5s");
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->body, "");
  const auto mid = post(streamed("sim/plain"), "stall-mid=5s;after=2;tokens=6");
  EXPECT_EQ(count_tokens(tell(mid->body).content), 2);
  advance(4990ms);
  EXPECT_EQ(headers->status, 0);
  EXPECT_EQ(first->body, "");
  EXPECT_EQ(count_tokens(tell(mid->body).content), 2);
  advance(10ms);
  for (const auto* ex : {headers.get(), first.get(), mid.get()}) {
    EXPECT_EQ(ex->end, FakeExchange::End::whole);
    EXPECT_TRUE(tell(ex->body).done);
  }
}

TEST_F(Stream, comments_keep_a_slow_one_alive) {
  const auto ex = post(streamed("sim/plain"), "ttft=5s;keepalive=1s");
  for (int i = 0; i < 4; ++i) advance(1s);
  std::string comments;
  for (int i = 0; i < 4; ++i) comments += ": OPENROUTER PROCESSING\n\n";
  EXPECT_EQ(ex->body, comments);
  advance(1s);
  EXPECT_TRUE(tell(ex->body).done);
}

TEST_F(Stream, a_role_can_come_early) {
  const auto ex = post(streamed("sim/plain"), "early-role;ttft=5s");
  const auto told = tell(ex->body);
  EXPECT_EQ(told.chunks, 1);
  EXPECT_EQ(told.content, "");
  EXPECT_NE(ex->body.find(R"("role":"assistant","content":"")"), std::string::npos);
  advance(5s);
}

}  // namespace
}  // namespace gantry::sim::test
