#include "observe/call_line.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "observe/line.hpp"

namespace gantry::observe {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kAt{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 10h + 123ms};

std::string call_line(LogFormat format, Level level, const CallRecord& call) {
  std::string text(longest_call_line(call), '\0');
  text.resize(static_cast<std::size_t>(put_call_line(text.data(), format, kAt, level, call) - text.data()));
  return text;
}

double milliseconds(Duration took) { return static_cast<double>(took.count() / 1000) / 1000.0; }

/// The same line from a list of fields, as every other event's is made.
std::string expected_line(LogFormat format, Level level, const CallRecord& call) {
  const std::string cost = call.cost ? to_decimal(*call.cost) : std::string();
  std::vector<Field> fields{
      {"id", call.call_id}, {"dialect", call.dialect}, {"route", call.route}, {"model", call.model_asked}};
  const auto put = [&](std::string_view key, auto value) { fields.push_back({key, value}); };
  const auto put_text = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) put(key, value);
  };
  if (call.model_served != call.model_asked) put_text("served", call.model_served);
  put_text("generation", call.generation_id);
  put("outcome", route::name(call.outcome));
  put("status", std::int64_t{call.status});
  put("stream", call.stream);
  put("attempts", std::int64_t{call.attempts});
  put("ms", milliseconds(call.took));
  if (call.first_token) put("first_token_ms", milliseconds(*call.first_token));
  if (call.prompt_tokens) put("prompt_tokens", *call.prompt_tokens);
  if (call.completion_tokens) put("completion_tokens", *call.completion_tokens);
  put_text("cost_usd", cost);
  put("request_bytes", static_cast<std::int64_t>(call.request_bytes));
  put("reply_bytes", static_cast<std::int64_t>(call.reply_bytes));
  put_text("error", call.error);
  std::string line;
  append_line(line, format, kAt, level, "call", fields);
  return line + '\n';
}

RC_GTEST_PROP(CallLineProperty, is_what_a_list_of_fields_would_give, ()) {
  // Names as they are, and now and then any bytes: control characters, keys, broken UTF-8, long values.
  const auto name = rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("abcdefghiklmnorstABEKSk0123456789-./:_")));
  const auto key = rc::gen::map(name, [](const std::string& s) { return "x sk-or-v1-0123456789" + s; });
  const auto any = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const auto text = rc::gen::weightedOneOf<std::string>({{8, name}, {1, key}, {1, any}});
  const auto count = rc::gen::arbitrary<std::int64_t>();
  // Longer calls than a thousand years are not told to the microsecond by a double either.
  const auto took = rc::gen::map(rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000'000'000'000),
                                 [](std::int64_t ns) { return Duration{ns}; });
  const std::string id = *text, dialect = *text, route = *text, asked = *text, served = *text,
                    generation = *text, error = *text;
  CallRecord call;
  call.call_id = id;
  call.dialect = dialect;
  call.route = route;
  call.model_asked = asked;
  call.model_served = *rc::gen::arbitrary<bool>() ? asked : served;
  call.generation_id = generation;
  call.error = error;
  call.outcome = static_cast<route::Outcome>(*rc::gen::inRange<std::size_t>(0, route::kOutcomes));
  call.status = *rc::gen::arbitrary<int>();
  call.stream = *rc::gen::arbitrary<bool>();
  call.attempts = *rc::gen::arbitrary<int>();
  call.took = *took;
  if (*rc::gen::arbitrary<bool>()) call.first_token = *took;
  if (*rc::gen::arbitrary<bool>()) call.prompt_tokens = *count;
  if (*rc::gen::arbitrary<bool>()) call.completion_tokens = *count;
  if (*rc::gen::arbitrary<bool>()) call.cost = PicoUsd{*count};
  call.request_bytes = *rc::gen::arbitrary<std::uint32_t>();
  call.reply_bytes = *rc::gen::arbitrary<std::uint32_t>();
  for (const LogFormat format : {LogFormat::text, LogFormat::json})
    for (const Level level : {Level::info, Level::warn})
      RC_ASSERT(call_line(format, level, call) == expected_line(format, level, call));
}

TEST(CallLineTimes, are_told_to_the_microsecond_without_zeros_at_the_end) {
  struct Row {
    Duration took;
    std::string_view expected;
  };
  const Row rows[] = {{0ns, "0"},       {999ns, "0"},     {1us, "0.001"},    {10us, "0.01"},
                      {100us, "0.1"},   {1ms, "1"},       {1'050us, "1.05"}, {1'999'999ns, "1.999"},
                      {600s, "600000"}, {-1us, "-0.001"}, {-1500us, "-1.5"}, {-999ns, "0"}};
  for (const auto& row : rows) {
    CallRecord call;
    call.took = row.took;
    EXPECT_THAT(call_line(LogFormat::text, Level::info, call),
                testing::HasSubstr(" ms=" + std::string(row.expected) + " "));
  }
}

TEST(CallLineBound, holds_the_worst_values) {
  struct Row {
    std::string_view name;
    std::string piece;
  };
  const Row rows[] = {{"control characters", "\x01"},
                      {"line separators", "\xe2\x80\xa8"},
                      {"broken UTF-8", "\xff"},
                      {"short tokens, which masking makes longer", "bearer\t\x01"}};
  for (const auto& row : rows) {
    std::string value;
    while (value.size() < 3000) value += row.piece;
    CallRecord call;
    call.call_id = call.dialect = call.route = call.model_asked = call.generation_id = call.error = value;
    const std::string served = value + "x";
    call.model_served = served;
    call.first_token = call.took = Duration::min();
    call.prompt_tokens = call.completion_tokens = std::numeric_limits<std::int64_t>::min();
    call.cost = PicoUsd{std::numeric_limits<std::int64_t>::min()};
    call.status = call.attempts = std::numeric_limits<int>::min();
    EXPECT_LE(longest_call_line(call), kLongestCallLine);
    for (const LogFormat format : {LogFormat::text, LogFormat::json})
      EXPECT_EQ(call_line(format, Level::error, call), expected_line(format, Level::error, call)) << row.name;
  }
}

}  // namespace
}  // namespace gantry::observe
