#include "launch/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/request.hpp"

namespace gantry::launch {
namespace {

std::string_view mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "✓";
    case Verdict::warn:
      return "!";
    case Verdict::fail:
      return "✗";
    case Verdict::skipped:
      return "–";
  }
  return "?";
}

std::int64_t milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

// Every known cost together; nullopt when there was none.
std::optional<PicoUsd> total_cost(const Report& report) {
  std::optional<PicoUsd> total;
  for (const auto& check : report.checks) {
    if (!check.cost) continue;
    const auto sum = add(total.value_or(PicoUsd{}), *check.cost);
    if (sum) total = *sum;
  }
  return total;
}

// What upstream wrote must not steer the terminal.
std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  return text;
}

std::string line(const Check& check, std::size_t width) {
  std::string out =
      fmt::format("  {} {:<{}}  {}", mark(check.verdict), plain(check.title), width, plain(check.evidence));
  if (check.latency) out += fmt::format("  {} ms", milliseconds(*check.latency));
  if (check.cost) out += fmt::format("  ${}", to_decimal(*check.cost));
  out += '\n';
  if (!check.remedy.empty()) out += fmt::format("      -> {}\n", plain(check.remedy));
  return out;
}

std::string json_check(const Check& check) {
  using wire::json_quote;
  auto out = fmt::format(R"({{"id":{},"title":{},"verdict":{},"model":{},"evidence":{},"remedy":{})",
                         json_quote(check.id), json_quote(check.title), json_quote(name(check.verdict)),
                         check.model.empty() ? "null" : json_quote(check.model), json_quote(check.evidence),
                         check.remedy.empty() ? "null" : json_quote(check.remedy));
  out += check.latency ? fmt::format(R"(,"latency_ms":{})", milliseconds(*check.latency))
                       : R"(,"latency_ms":null)";
  out += check.cost ? fmt::format(R"(,"cost_usd":{}}})", json_quote(to_decimal(*check.cost)))
                    : R"(,"cost_usd":null})";
  return out;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::warn:
      return "warn";
    case Verdict::fail:
      return "fail";
    case Verdict::skipped:
      return "skipped";
  }
  return "?";
}

bool Report::passed() const {
  return std::ranges::none_of(checks, [](const Check& check) { return check.verdict == Verdict::fail; });
}

std::string table(const Report& report) {
  std::size_t width = 0;
  for (const auto& check : report.checks) width = std::max(width, check.title.size());
  std::string out = fmt::format("Launch checks: route {} on {}\n\n", report.route, report.upstream);
  for (const auto& check : report.checks) out += line(check, width);
  const auto count = [&](Verdict verdict) {
    return std::ranges::count(report.checks, verdict, &Check::verdict);
  };
  out += report.passed() ? "\nReady" : fmt::format("\nNot ready: {} failed", count(Verdict::fail));
  if (const auto warned = count(Verdict::warn); warned > 0) out += fmt::format(", {} to look at", warned);
  out += fmt::format(". Took {} ms", milliseconds(report.took));
  if (const auto cost = total_cost(report)) out += fmt::format(", cost ${}", to_decimal(*cost));
  return out + ".\n";
}

std::string json(const Report& report) {
  const auto cost = total_cost(report);
  std::string out =
      fmt::format(R"({{"passed":{},"route":{},"upstream":{},"took_ms":{},"cost_usd":{},"checks":[)",
                  report.passed(), wire::json_quote(report.route), wire::json_quote(report.upstream),
                  milliseconds(report.took), cost ? wire::json_quote(to_decimal(*cost)) : "null");
  for (std::size_t i = 0; i < report.checks.size(); ++i) out += (i ? "," : "") + json_check(report.checks[i]);
  return out + "]}\n";
}

}  // namespace gantry::launch
