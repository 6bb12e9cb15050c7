#include "sim/faults.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/money.hpp"

namespace gantry::sim {
namespace {

using enum FaultKind;
using enum ArgKind;

constexpr std::array kTable{
    FaultInfo{provider, "provider", ArgKind::text, "Together",
              "the other faults strike only where this provider (name or slug) serves; errors name it"},
    FaultInfo{status, "status", number, "500", "answer with this error status"},
    FaultInfo{
        shape, "shape", ArgKind::text, "envelope",
        "how the error looks: envelope, availability, responses, messages, provider, html, plain, blank"},
    FaultInfo{error_type, "error-type", ArgKind::text, "server",
              "replace error.metadata.error_type; none leaves it out"},
    FaultInfo{retry_after, "retry-after", ArgKind::text, "1", "the Retry-After header, any text"},
    FaultInfo{rate_limit, "rate-limit", ArgKind::text, "minute",
              "429 of the platform: minute, daily; or of the provider: upstream"},
    FaultInfo{availability, "availability", ArgKind::text, "capacity_exhausted",
              "an error with error.availability of this code"},
    FaultInfo{afford, "afford", number, "100", "402 when max_tokens is larger than this"},
    FaultInfo{moderation, "moderation", none, "", "403 with the moderation's reasons"},
    FaultInfo{guardrail, "guardrail", none, "", "403 of a guardrail, with its patterns"},
    FaultInfo{budget, "budget", none, "", "403: a guardrail's or workspace's budget is spent"},

    FaultInfo{body_error, "body-error", number, "502", "HTTP 200 whose whole body is an error of this code"},
    FaultInfo{choice_error, "choice-error", number, "502", "HTTP 200 with an error in the choice"},
    FaultInfo{empty, "empty", none, "", "content is \"\" and finish_reason null"},
    FaultInfo{null_content, "null-content", none, "", "content is null"},
    FaultInfo{no_choices, "no-choices", none, "", "choices is an empty list"},
    FaultInfo{reasoning_only, "reasoning-only", none, "",
              "the token limit is eaten by reasoning: finish length, no content"},
    FaultInfo{finish, "finish", ArgKind::text, "content_filter", "this finish_reason"},
    FaultInfo{broken_json, "broken-json", none, "", "a plain body that ends in the middle of its JSON"},
    FaultInfo{html, "html", none, "", "HTTP 200 with an HTML page"},
    FaultInfo{refusal, "refusal", none, "", "content null, refusal set"},
    FaultInfo{unknown_fields, "unknown-fields", none, "", "fields and enum values that nobody knows"},
    FaultInfo{success_status, "success-status", number, "202", "the status of a success"},
    FaultInfo{tokens, "tokens", number, "256",
              "an answer of exactly this many tokens (max_tokens still cuts it)"},
    FaultInfo{unicode, "unicode", none, "", "an answer rich in multi-byte characters"},
    FaultInfo{tool_calls, "tool-calls", ArgKind::text, "good",
              "a tool call; =bad ends its arguments too early"},
    FaultInfo{reasoning, "reasoning", number, "16", "this many reasoning tokens first"},
    FaultInfo{bill_zero, "zero-usage", none, "", "all usage is zero"},
    FaultInfo{cache, "cache", ArgKind::text, "hit", "response-cache headers: hit (zero usage) or miss"},
    FaultInfo{encoding, "encoding", ArgKind::text, "gzip",
              "a Content-Encoding header that the bytes do not keep"},

    FaultInfo{ttft, "ttft", time, "1s", "time to the first token"},
    FaultInfo{tps, "tps", real, "50", "tokens a second"},
    FaultInfo{jitter, "jitter", real, "0.2", "0..1, share of each delay"},
    FaultInfo{slow_json, "slow-json", time, "5s", "plain: 200 at once, white space until the body comes"},
    FaultInfo{keepalive, "keepalive", time, "1s", "how often a comment or white space is sent while waiting"},
    FaultInfo{stall_headers, "stall-headers", time, "1h", "wait this long before the status line"},
    FaultInfo{stall_first, "stall-first", time, "1h", "headers at once, then wait"},
    FaultInfo{stall_mid, "stall-mid", time, "1h",
              "wait this long after `after` tokens, or in the middle of a plain body"},
    FaultInfo{early_role, "early-role", none, "", "the role-only chunk comes before any waiting"},

    FaultInfo{comments, "comments", number, "3",
              "this many comment lines first, one after every fourth token"},
    FaultInfo{crlf, "crlf", none, "", "lines end in CR LF"},
    FaultInfo{cr, "cr", none, "", "lines end in CR"},
    FaultInfo{no_space, "no-space", none, "", "`data:` without the space"},
    FaultInfo{multi_line, "multi-line", none, "", "each event's JSON in two data: lines"},
    FaultInfo{split, "split", number, "1", "write the body in pieces of this many bytes"},
    FaultInfo{split_utf8, "split-utf8", none, "", "writes end inside UTF-8 sequences"},
    FaultInfo{usage, "usage", ArgKind::text, "dummy-choice",
              "the usage chunk's choices: empty or dummy-choice"},
    FaultInfo{no_usage, "no-usage", none, "", "no usage anywhere"},
    FaultInfo{no_done, "no-done", none, "", "no [DONE]"},
    FaultInfo{no_finish, "no-finish", none, "", "the stream ends without finish_reason, usage and [DONE]"},
    FaultInfo{finish_content, "finish-content", none, "", "the finish chunk carries the last content"},
    FaultInfo{mid_error, "mid-error", ArgKind::text, "502",
              "an error event after `after` tokens; a number or a string code"},
    FaultInfo{bare_error, "bare-error", ArgKind::text, "502", "as mid-error, but only {\"error\":…}"},
    FaultInfo{error_done, "error-done", none, "", "[DONE] follows the error event"},
    FaultInfo{after, "after", number, "3", "where mid-stream faults strike, in tokens"},
    FaultInfo{close_at, "close-at", number, "100", "close after exactly this many bytes of body"},
    FaultInfo{reset_at, "reset-at", number, "100", "as close-at, with a TCP reset"},
    FaultInfo{close_after, "close-after", none, "", "close after `after` tokens"},
    FaultInfo{reset_after, "reset-after", none, "", "reset after `after` tokens"},

    FaultInfo{bill_factor, "bill-factor", decimal, "10",
              "the bill times this: above any estimate, or below it"},
    FaultInfo{FaultKind::round, "round", ArgKind::text, "trunc:6",
              "the bill is rounded up, down or trunc, after :DIGITS decimals"},
    FaultInfo{no_cost, "no-cost", none, "", "usage without cost and cost_details"},
    FaultInfo{byok, "byok", decimal, "5",
              "the account's own provider key: cost is the fee, in percent; the provider bills the rest"},
    FaultInfo{billed_failure, "billed-failure", none, "", "an error that is billed as the answer would be"},
    FaultInfo{after_cancel, "after-cancel", ArgKind::text, "full",
              "a stream whose client leaves is billed in full, or as far as it was sent: full, sent"},

    FaultInfo{generation_after, "generation-after", wait, "1h",
              "how long /generation answers 404 for this answer; or never"},
    FaultInfo{generation_after_calls, "generation-after-calls", number, "3",
              "how many times /generation answers 404 for this answer, whatever the time"},
    FaultInfo{credit, "credit", ArgKind::text, "5", "what GET /key says is left; null = no limit"},
    FaultInfo{odd_models, "odd-models", none, "",
              "a models list with nulls, unknown enum values and unknown fields"},
};
static_assert(kTable.size() == static_cast<std::size_t>(count_));

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// The arguments that are one of a few words.
std::span<const std::string_view> choices_of(FaultKind kind) {
  static constexpr std::string_view kShapes[] = {"envelope", "availability", "responses", "messages",
                                                 "provider", "html",         "plain",     "blank"};
  static constexpr std::string_view kLimits[] = {"minute", "daily", "upstream"};
  static constexpr std::string_view kCache[] = {"hit", "miss"};
  static constexpr std::string_view kTools[] = {"good", "bad"};
  static constexpr std::string_view kUsage[] = {"empty", "dummy-choice"};
  static constexpr std::string_view kAfterCancel[] = {"full", "sent"};
  switch (kind) {
    case shape:
      return kShapes;
    case rate_limit:
      return kLimits;
    case cache:
      return kCache;
    case tool_calls:
      return kTools;
    case usage:
      return kUsage;
    case after_cancel:
      return kAfterCancel;
    default:
      return {};
  }
}

std::string join(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<FaultItem> with_number(const FaultInfo& info, FaultItem item) {
  if (!read_number(std::string_view(item.text), item.number) || item.number < 0 ||
      item.number > 1'000'000'000)
    return fail(Fault::bad_input, fmt::format("{}={}: expected a whole number", info.name, item.text));
  const bool is_status = info.kind == status || info.kind == body_error || info.kind == choice_error;
  if (is_status && (item.number < 400 || item.number > 599))
    return fail(Fault::bad_input,
                fmt::format("{}={}: expected a status from 400 to 599", info.name, item.text));
  if (info.kind == success_status && (item.number < 200 || item.number > 299))
    return fail(Fault::bad_input,
                fmt::format("{}={}: expected a status from 200 to 299", info.name, item.text));
  if (info.kind == split && item.number == 0)
    return fail(Fault::bad_input, "split=0: expected at least 1 byte");
  return item;
}

Result<FaultItem> with_text(const FaultInfo& info, FaultItem item) {
  const auto allowed = choices_of(info.kind);
  if (!allowed.empty() && std::ranges::find(allowed, std::string_view(item.text)) == allowed.end())
    return fail(Fault::bad_input,
                fmt::format("{}={}: expected one of {}", info.name, item.text, join(allowed)));
  const auto rounding = info.kind == FaultKind::round ? parse_rounding(item.text) : Rounding{};
  if (!rounding) return fail(Fault::bad_input, fmt::format("{}={}", info.name, rounding.error().detail));
  return item;
}

Result<FaultItem> with_real(const FaultInfo& info, FaultItem item) {
  if (!read_number(std::string_view(item.text), item.real) || !(item.real >= 0) ||
      !std::isfinite(item.real) || (info.kind == jitter && item.real > 1))
    return fail(Fault::bad_input, fmt::format("{}={}: expected a number{}", info.name, item.text,
                                              info.kind == jitter ? " from 0 to 1" : " of 0 or more"));
  return item;
}

Result<FaultItem> with_decimal(const FaultInfo& info, FaultItem item) {
  const auto read = parse_price(item.text);
  if (!read || !read->known() || read->scale > 9 || read->units > 1'000'000'000'000'000)
    return fail(
        Fault::bad_input,
        fmt::format("{}={}: expected a decimal of 0 or more, with at most 9 decimals", info.name, item.text));
  return item;
}

Result<FaultItem> with_time(const FaultInfo& info, FaultItem item) {
  const auto duration = parse_duration(item.text);
  if (!duration) return fail(Fault::bad_input, fmt::format("{}={}", info.name, duration.error().detail));
  item.number = std::chrono::duration_cast<std::chrono::milliseconds>(*duration).count();
  return item;
}

Result<FaultItem> make_item(const FaultInfo& info, std::string_view argument) {
  FaultItem item{info.kind, std::string(argument.empty() ? info.otherwise : argument)};
  switch (info.arg) {
    case none:
      if (!argument.empty()) return fail(Fault::bad_input, fmt::format("{} takes no argument", info.name));
      return item;
    case ArgKind::text:
      return with_text(info, std::move(item));
    case number:
      return with_number(info, std::move(item));
    case real:
      return with_real(info, std::move(item));
    case decimal:
      return with_decimal(info, std::move(item));
    case wait:
      if (item.text != "never") return with_time(info, std::move(item));
      item.number = kWaitForever;
      return item;
    case time:
      return with_time(info, std::move(item));
  }
  return fail(Fault::internal, "an argument of no known kind");
}

Result<FaultItem> parse_one(std::string_view text) {
  const auto equals = text.find('=');
  auto name = trim(text.substr(0, equals));
  auto argument = equals == std::string_view::npos ? std::string_view() : trim(text.substr(equals + 1));
  if (equals != std::string_view::npos && argument.empty())
    return fail(Fault::bad_input,
                fmt::format("'{}=' has no argument; leave the '=' out for the default", name));
  if (int code = 0; argument.empty() && name.size() == 3 && read_number(name, code))
    argument = name, name = "status";
  const auto row = std::ranges::find(kTable, name, &FaultInfo::name);
  if (row != kTable.end()) return make_item(*row, argument);
  std::string known;
  for (const auto& info : kTable) known.append(known.empty() ? "" : ", ").append(info.name);
  return fail(Fault::bad_input, fmt::format("unknown fault '{}'; known are {}", name, known));
}

}  // namespace

std::span<const FaultInfo> fault_table() { return kTable; }

const FaultItem* FaultSet::get(FaultKind kind) const {
  const auto it = std::ranges::find(items_, kind, &FaultItem::kind);
  return it == items_.end() ? nullptr : &*it;
}

std::int64_t FaultSet::number(FaultKind kind, std::int64_t otherwise) const {
  const auto* item = get(kind);
  return item ? item->number : otherwise;
}

std::string_view FaultSet::text(FaultKind kind, std::string_view otherwise) const {
  const auto* item = get(kind);
  return item ? std::string_view(item->text) : otherwise;
}

void FaultSet::put(FaultItem item) {
  const auto it = std::ranges::find(items_, item.kind, &FaultItem::kind);
  if (it == items_.end()) {
    items_.push_back(std::move(item));
  } else {
    *it = std::move(item);
  }
}

void FaultSet::merge(const FaultSet& later) {
  for (const auto& item : later.items_) put(item);
}

std::string FaultSet::describe() const {
  std::string out;
  for (const auto& item : items_) {
    if (!out.empty()) out += ';';
    out += kTable[static_cast<std::size_t>(item.kind)].name;
    if (!item.text.empty()) out.append("=").append(item.text);
  }
  return out;
}

bool FaultSet::refuses() const {
  for (const auto kind : {status, rate_limit, availability, moderation, guardrail, budget})
    if (has(kind)) return true;
  return false;
}

Result<FaultSet> parse_faults(std::string_view text) {
  FaultSet out;
  while (!text.empty()) {
    const auto semicolon = text.find(';');
    const auto one = trim(text.substr(0, semicolon));
    text = semicolon == std::string_view::npos ? std::string_view() : text.substr(semicolon + 1);
    if (one.empty()) continue;
    auto item = parse_one(one);
    if (!item) return std::unexpected(item.error());
    out.put(std::move(*item));
  }
  return out;
}

Result<Rounding> parse_rounding(std::string_view text) {
  const auto colon = text.find(':');
  const auto mode = text.substr(0, colon);
  Rounding out{.up = mode == "up"};
  bool ok = mode == "up" || mode == "down" || mode == "trunc";
  if (colon != std::string_view::npos) {
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.digits);
    ok = ok && error == std::errc{} && end == digits.data() + digits.size() && out.digits >= 0 &&
         out.digits <= 12;
  }
  if (!ok)
    return fail(Fault::bad_input, fmt::format("'{}' is not up, down or trunc with :DIGITS of 0 to 12", text));
  return out;
}

Result<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    double milliseconds;
  };
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  auto digits = text;
  double factor = 1;
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    digits = text.substr(0, text.size() - unit.suffix.size());
    factor = unit.milliseconds;
    break;
  }
  double value = 0;
  if (!read_number(digits, value) || !(value >= 0) || value * factor > 1e10)
    return fail(Fault::bad_input, fmt::format("'{}' is not a duration such as 250ms, 5s, 2m or 1h", text));
  return std::chrono::milliseconds{std::llround(value * factor)};
}

}  // namespace gantry::sim
