#include "observe/observer.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "observe/counters.hpp"

namespace gantry::observe {
namespace {

using namespace std::chrono_literals;
using route::Outcome;
using testing::HasSubstr;
using testing::Not;

CallRecord delivered_call() {
  CallRecord call;
  call.call_id = "c1";
  call.dialect = "chat";
  call.route = "default";
  call.model_asked = "anthropic/claude-3.5-sonnet";
  call.model_served = "openai/gpt-4o-mini";
  call.generation_id = "gen-1";
  call.attempts = 3;
  call.fallbacks = 1;
  call.took = 300ms;
  call.prompt_tokens = 10;
  call.completion_tokens = 20;
  call.cost = PicoUsd{1'500'000};
  call.request_bytes = 900;
  call.reply_bytes = 1400;
  return call;
}

CallRecord failed_call(Outcome outcome, int status) {
  CallRecord call;
  call.dialect = "completions";
  call.outcome = outcome;
  call.status = status;
  call.stream = true;
  call.attempts = 1;
  call.took = 2s;
  return call;
}

// The lines of one family: its HELP, TYPE and samples.
std::vector<std::string> family(const std::string& page, const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("# HELP " + name + " ") || line.starts_with("# TYPE " + name + " ") ||
        line.starts_with(name))
      lines.push_back(line);
  return lines;
}

std::vector<std::string> without_zeros(std::vector<std::string> lines) {
  std::erase_if(lines, [](const std::string& line) { return line.ends_with(" 0"); });
  return lines;
}

struct History {
  ManualTime time{WallTime{1'790'000'000s}};
  Observer observer{time, 2};

  // Two shards: a call delivered by the fallback's model on the first, a failure on the second, and one
  // refusal each.
  History() {
    observer.call_started(0);
    observer.attempt_ended(0, {"anthropic/claude-3.5-sonnet", Outcome::overloaded, 503, 80ms});
    observer.attempt_ended(0, {"anthropic/claude-3.5-sonnet", Outcome::overloaded, 503, 20ms});
    observer.attempt_ended(0, {"openai/gpt-4o-mini", Outcome::delivered, 200, 200ms});
    auto call = delivered_call();
    call.first_token = 40ms;
    observer.call_ended(0, call);
    observer.call_started(1);
    observer.attempt_ended(1, {"openai/gpt-4o-mini", Outcome::unreachable, 0, 5s});
    observer.call_ended(1, failed_call(Outcome::unreachable, 502));
    observer.refused(0, 400);
    observer.refused(1, 400);
    observer.refused(1, 413);
  }
  std::string page() const {
    return observer.metrics_text({.client_connections = 7,
                                  .active_calls = 1,
                                  .upstream_open = 4,
                                  .upstream_idle = 3,
                                  .inflight_bytes = 1024,
                                  .catalogue_models = 340,
                                  .catalogue_age = std::chrono::milliseconds{1500}},
                                 true);
  }
};

TEST(Metrics, a_scripted_history_gives_this_page) {
  const std::string page = History().page();
  using testing::ElementsAre;
  EXPECT_THAT(without_zeros(family(page, "gantry_calls_total")),
              ElementsAre("# HELP gantry_calls_total Calls that ended, by API dialect, class of the status "
                          "sent, and streaming.",
                          "# TYPE gantry_calls_total counter",
                          R"(gantry_calls_total{dialect="chat",status="2xx",stream="false"} 1)",
                          R"(gantry_calls_total{dialect="completions",status="5xx",stream="true"} 1)"));
  EXPECT_THAT(without_zeros(family(page, "gantry_call_outcomes_total")),
              ElementsAre(testing::_, testing::_, R"(gantry_call_outcomes_total{outcome="delivered"} 1)",
                          R"(gantry_call_outcomes_total{outcome="unreachable"} 1)"));
  EXPECT_THAT(
      family(page, "gantry_attempts_total"),
      ElementsAre(testing::_, "# TYPE gantry_attempts_total counter",
                  R"(gantry_attempts_total{model="anthropic/claude-3.5-sonnet",outcome="overloaded"} 2)",
                  R"(gantry_attempts_total{model="openai/gpt-4o-mini",outcome="delivered"} 1)",
                  R"(gantry_attempts_total{model="openai/gpt-4o-mini",outcome="unreachable"} 1)"));
  EXPECT_THAT(family(page, "gantry_refused_total"),
              ElementsAre(testing::_, testing::_, R"(gantry_refused_total{status="400"} 2)",
                          R"(gantry_refused_total{status="413"} 1)"));
}

TEST(Metrics, single_numbers_of_the_history) {
  const std::string page = History().page();
  for (const char* line : {"gantry_calls_started_total 2",
                           "gantry_retries_total 1",
                           "gantry_fallbacks_total 1",
                           R"(gantry_tokens_total{kind="prompt"} 10)",
                           R"(gantry_tokens_total{kind="completion"} 20)",
                           "gantry_cost_usd_total 1.5e-06",
                           "gantry_calls_unknown_cost_total 1",
                           "gantry_calls_unknown_usage_total 1",
                           "gantry_request_bytes_total 900",
                           "gantry_reply_bytes_total 1400",
                           "gantry_client_connections 7",
                           "gantry_active_calls 1",
                           "gantry_upstream_connections 4",
                           "gantry_upstream_idle_connections 3",
                           "gantry_inflight_bytes 1024",
                           "gantry_catalogue_models 340",
                           "gantry_catalogue_age_seconds 1.5",
                           "gantry_log_lines_dropped_total 0",
                           "gantry_simulated 1",
                           R"(gantry_build_info{version=")",
                           "process_start_time_seconds 1790000000"})
    EXPECT_THAT(page, HasSubstr(std::string("\n") + line)) << page;
}

TEST(Metrics, histograms_are_cumulative_and_a_bound_includes_itself) {
  const ManualTime time;
  Observer observer(time, 2);
  for (const Duration took :
       {Duration{9ms}, Duration{10ms}, Duration{10ms + 1ns}, Duration{700s}, Duration{3600s}})
    observer.attempt_ended(static_cast<std::size_t>(took.count() % 2),
                           {"a/b", Outcome::delivered, 200, took});
  const auto lines = family(observer.metrics_text({}, false), "gantry_attempt_duration_seconds");
  ASSERT_EQ(lines.size(), 2u + 18 + 2) << "HELP, TYPE, 17 bounds and +Inf, sum and count";
  for (const char* line :
       {R"(gantry_attempt_duration_seconds_bucket{le="0.01"} 2)",
        R"(gantry_attempt_duration_seconds_bucket{le="0.025"} 3)",
        R"(gantry_attempt_duration_seconds_bucket{le="600"} 3)",
        R"(gantry_attempt_duration_seconds_bucket{le="1800"} 4)",
        R"(gantry_attempt_duration_seconds_bucket{le="+Inf"} 5)", "gantry_attempt_duration_seconds_count 5",
        "gantry_attempt_duration_seconds_sum 4300.029000001"})
    EXPECT_THAT(lines, testing::Contains(line));
}

TEST(Metrics, every_bound_belongs_to_its_own_bucket) {
  const auto ns_of = [](double seconds) { return static_cast<std::uint64_t>(std::llround(seconds * 1e9)); };
  EXPECT_EQ(bucket_of(0), 0u);
  for (std::size_t i = 0; i < kBucketSeconds.size(); ++i) {
    const std::uint64_t bound = ns_of(kBucketSeconds[i]);
    EXPECT_EQ(bucket_of(bound - 1), i) << kBucketSeconds[i];
    EXPECT_EQ(bucket_of(bound), i) << kBucketSeconds[i];
    EXPECT_EQ(bucket_of(bound + 1), i + 1) << kBucketSeconds[i];
  }
  EXPECT_EQ(bucket_of(std::numeric_limits<std::uint64_t>::max()), kBucketSeconds.size());
}

// What promtool checks of a page, for the parts that we use of the format: each family has one HELP and one
// TYPE, in that order and before its samples, families are not interleaved, no series twice, counters end in
// _total.
void check_page(const std::string& page) {
  std::set<std::string> helped, typed, series;
  std::string open, type;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string hash, kind, name;
    if (line.starts_with("# ")) {
      words >> hash >> kind >> name;
      if (kind == "HELP") {
        EXPECT_TRUE(helped.insert(name).second) << "HELP twice: " << line;
        EXPECT_GT(line.size(), ("# HELP " + name + " ").size()) << "help is empty: " << line;
        open = name;
      } else {
        ASSERT_EQ(kind, "TYPE") << line;
        EXPECT_EQ(name, open) << "TYPE does not follow its HELP";
        EXPECT_TRUE(typed.insert(name).second) << "TYPE twice: " << line;
        words >> type;
        EXPECT_EQ(type == "counter", name.ends_with("_total")) << line;
      }
      continue;
    }
    ASSERT_THAT(
        line, testing::MatchesRegex(R"re([a-z_]+(\{([a-z_]+="([^"\\]|\\["\\n])*",?)+\})? [-+0-9.eInf]+)re"));
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << "series twice: " << line;
    EXPECT_EQ(line.substr(0, open.size()), open) << "a sample outside its family";
    const std::string rest = line.substr(open.size(), line.find_first_of("{ ") - open.size());
    const bool suffix = rest == "_bucket" || rest == "_sum" || rest == "_count";
    EXPECT_EQ(suffix, type == "histogram") << line;
  }
  EXPECT_EQ(helped, typed);
}

TEST(Metrics, the_page_keeps_the_text_format) {
  check_page(History().page());
  const ManualTime time;
  check_page(Observer(time, 1).metrics_text({}, false));
}

TEST(Metrics, model_names_are_escaped_as_labels) {
  const ManualTime time;
  Observer observer(time, 1);
  observer.attempt_ended(0, {R"(a/"b"\c)", Outcome::delivered, 200, 1s});
  const std::string page = observer.metrics_text({}, false);
  EXPECT_THAT(page, HasSubstr(R"(gantry_attempts_total{model="a/\"b\"\\c",outcome="delivered"} 1)"));
  check_page(page);
}

TEST(Metrics, names_that_are_no_labels_count_as_other) {
  const ManualTime time;
  Observer observer(time, 1);
  const std::string long_name(129, 'x');
  for (const std::string_view name : {std::string_view(""), std::string_view("a\nb"), std::string_view("a b"),
                                      std::string_view("\xff"), std::string_view(long_name)})
    observer.attempt_ended(0, {name, Outcome::delivered, 200, 1s});
  EXPECT_THAT(without_zeros(family(observer.metrics_text({}, false), "gantry_attempts_total")),
              testing::Contains(R"(gantry_attempts_total{model="other",outcome="delivered"} 5)"));
}

TEST(Metrics, the_set_of_names_is_bounded_and_shared_by_the_shards) {
  const ManualTime time;
  Observer observer(time, 2);
  for (int i = 0; i < 300; ++i)
    observer.attempt_ended(0, {"author/model-" + std::to_string(i), Outcome::delivered, 200, 1s});
  observer.attempt_ended(1, {"author/model-255", Outcome::slow, 0, 1s});
  observer.attempt_ended(1, {"author/model-256", Outcome::slow, 0, 1s});
  const std::string page = observer.metrics_text({}, false);
  EXPECT_THAT(page, HasSubstr(R"({model="author/model-255",outcome="delivered"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"({model="author/model-255",outcome="slow"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"({model="other",outcome="delivered"} 44)"));
  EXPECT_THAT(page, HasSubstr(R"({model="other",outcome="slow"} 1)"));
}

TEST(Metrics, names_are_told_apart_by_every_character) {
  const ManualTime time;
  Observer observer(time, 1);
  std::vector<std::string> models;
  for (const char c : std::string("abcdefgh"))
    models.push_back("author/model-" + std::string(1, c) + "-instruct");
  models.insert(models.end(), {"a", "b", "aa", "author/m", "author/n", "author/mm"});
  for (int round = 0; round < 3; ++round)
    for (const std::string& model : models) observer.attempt_ended(0, {model, Outcome::delivered, 200, 1s});
  const std::string page = observer.metrics_text({}, false);
  for (const std::string& model : models)
    EXPECT_THAT(page, HasSubstr("{model=\"" + model + "\",outcome=\"delivered\"} 3\n"));
}

TEST(Metrics, made_up_models_do_not_take_names_but_configured_ones_have_theirs) {
  const ManualTime time;
  Observer observer(time, 1);
  const std::array<std::string, 1> configured{"anthropic/claude-3.5-sonnet"};
  observer.name_models(configured);
  observer.attempt_ended(0, {"made/up", Outcome::model_missing, 404, 1s});
  observer.attempt_ended(0, {configured[0], Outcome::model_missing, 404, 1s});
  const std::string page = observer.metrics_text({}, false);
  EXPECT_THAT(page, Not(HasSubstr("made/up")));
  EXPECT_THAT(page, HasSubstr(R"({model="other",outcome="model_missing"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"({model="anthropic/claude-3.5-sonnet",outcome="model_missing"} 1)"));
}

TEST(Metrics, breakers_are_told_as_they_were_summed_up) {
  const ManualTime time;
  using enum route::Scope;
  const BreakerFigures breakers{.open = {{key, "blue", 1}, {model, "acme/one", 0}, {model, "other", 3}},
                                .for_one_client = 2,
                                .changes = {{model, route::Change::opened, route::OpenReason::run, 4}}};
  const std::string page = Observer(time, 1).metrics_text({.breakers = breakers}, false);
  check_page(page);
  for (const char* line :
       {R"(gantry_breaker_open{scope="key",name="blue"} 1)",
        R"(gantry_breaker_open{scope="model",name="acme/one"} 0)",
        R"(gantry_breaker_open{scope="model",name="other"} 3)", "gantry_breakers_open_for_one_client 2",
        R"(gantry_breaker_changes_total{scope="model",change="opened",reason="run"} 4)"})
    EXPECT_THAT(page, HasSubstr(std::string("\n") + line + "\n"));
}

TEST(Metrics, money_at_upstream_is_told_where_it_is_known) {
  const ManualTime time;
  constexpr std::int64_t kHalf = 500'000'000'000;
  const MoneyFigures money{
      .keys = {{"blue", PicoUsd{-3 * kHalf}, PicoUsd{4 * kHalf}, PicoUsd{}, Duration{7'000'000'000}},
               {"green", std::nullopt, PicoUsd{}}},
      .account_left = PicoUsd{6 * kHalf}};
  const std::string page = Observer(time, 1).metrics_text({.money = money}, false);
  check_page(page);
  for (const char* line :
       {R"(gantry_upstream_key_left_usd{key="blue"} -1.5)", R"(gantry_upstream_key_usage_usd{key="blue"} 2)",
        R"(gantry_upstream_key_usage_usd{key="green"} 0)",
        R"(gantry_upstream_key_unexplained_usd{key="blue"} 0)",
        R"(gantry_upstream_key_told_age_seconds{key="blue"} 7)", "gantry_upstream_account_left_usd 3"})
    EXPECT_THAT(page, HasSubstr(std::string("\n") + line + "\n"));
  EXPECT_THAT(Observer(time, 1).metrics_text({}, false), Not(HasSubstr("gantry_upstream_key")));
}

TEST(Metrics, odd_statuses_and_dialects_are_counted_as_other) {
  const ManualTime time;
  Observer observer(time, 1);
  CallRecord call;
  call.dialect = "embeddings";
  call.status = 302;
  observer.call_ended(0, call);
  observer.refused(0, 99);
  observer.refused(0, 600);
  const std::string page = observer.metrics_text({}, false);
  EXPECT_THAT(page, HasSubstr(R"(gantry_calls_total{dialect="other",status="other",stream="false"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(gantry_refused_total{status="other"} 2)"));
  EXPECT_EQ(observer.calls(), 1u);
}

TEST(Evidence, is_the_latest_of_all_shards) {
  ManualTime time(WallTime{1000s});
  Observer observer(time, 2);
  EXPECT_EQ(observer.evidence().last_success, WallTime{}) << "none yet";
  auto call = delivered_call();
  observer.call_ended(1, call);
  time.advance(5s);
  call.model_served = "google/gemini";
  observer.call_ended(0, call);
  time.advance(5s);
  observer.call_ended(1, failed_call(Outcome::overloaded, 503));
  const Evidence seen = observer.evidence();
  EXPECT_EQ(seen.last_success, WallTime{1005s});
  EXPECT_EQ(seen.success_model, "google/gemini");
  EXPECT_EQ(seen.last_failure, WallTime{1010s});
  EXPECT_EQ(seen.failure, "overloaded");
}

TEST(Evidence, calls_of_one_turn_of_the_loop_share_a_look_at_the_clock) {
  class CountedTime final : public TimeSource {
   public:
    MonoTime mono() const override { return {}; }
    WallTime wall() const override { return WallTime{std::chrono::seconds{1000 + looks++}}; }
    mutable int looks = 0;
  };
  const CountedTime time;
  Observer observer(time, 2);
  time.looks = 0;
  auto call = delivered_call();
  const auto end_at = [&](std::size_t shard, Duration moment) {
    call.ended = MonoTime{moment};
    observer.call_ended(shard, call);
    return observer.evidence().last_success.time_since_epoch();
  };
  EXPECT_EQ(end_at(0, 7ms), 1000s);
  EXPECT_EQ(end_at(0, 7ms), 1000s) << "the same turn";
  EXPECT_EQ(end_at(0, 8ms), 1001s) << "the next";
  EXPECT_EQ(end_at(1, 8ms), 1002s) << "each shard has its own";
  EXPECT_EQ(end_at(1, 0ms), 1003s) << "who does not tell its turn";
  EXPECT_EQ(end_at(1, 0ms), 1004s);
}

TEST(Evidence, what_the_client_caused_says_nothing_about_upstream) {
  const ManualTime time(WallTime{1000s});
  Observer observer(time, 1);
  for (const Outcome outcome :
       {Outcome::bad_request, Outcome::cancelled, Outcome::too_long, Outcome::refused_content})
    observer.call_ended(0, failed_call(outcome, 400));
  auto made_up = failed_call(Outcome::model_missing, 404);
  made_up.route = "-";
  observer.call_ended(0, made_up);
  EXPECT_EQ(observer.evidence().last_success, WallTime{});
  EXPECT_EQ(observer.evidence().last_failure, WallTime{});
}

TEST(Evidence, a_route_whose_models_are_gone_is_trouble) {
  const ManualTime time(WallTime{1000s});
  Observer observer(time, 1);
  auto gone = failed_call(Outcome::model_missing, 404);
  gone.route = "default";
  observer.call_ended(0, gone);
  EXPECT_EQ(observer.evidence().last_failure, WallTime{1000s});
}

}  // namespace
}  // namespace gantry::observe
