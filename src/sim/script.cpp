#include "sim/script.hpp"

#include <fmt/format.h>
#include <atomic>
#include <charconv>
#include <deque>
#include <fstream>
#include <iterator>
#include <optional>

namespace gantry::sim {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  constexpr std::string_view kBlank = " \t\r";
  while (true) {
    const auto start = line.find_first_not_of(kBlank);
    if (start == std::string_view::npos || line[start] == '#') return out;
    const auto end = std::min(line.find_first_of(kBlank, start), line.size());
    out.push_back(line.substr(start, end - start));
    line.remove_prefix(end);
  }
}

bool read_count(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out > 0;
}

Result<void> read_calls(ScriptRule& rule, std::string_view text) {
  const auto dash = text.find('-');
  const bool ok = read_count(text.substr(0, dash), rule.first_call) &&
                  (dash == std::string_view::npos || read_count(text.substr(dash + 1), rule.last_call));
  if (dash == std::string_view::npos) rule.last_call = rule.first_call;
  if (!ok || rule.last_call < rule.first_call)
    return fail(Fault::bad_input, fmt::format("calls {}: expected a number from 1, or two as in 1-3", text));
  return {};
}

Result<void> read_clause(ScriptRule& rule, std::string_view word, std::string_view argument) {
  if (word == "from" || word == "to") {
    const auto at = parse_duration(argument);
    if (!at) return fail(Fault::bad_input, fmt::format("{} {}", word, at.error().detail));
    (word == "from" ? rule.from : rule.to) = *at;
    return {};
  }
  if (word == "calls") return read_calls(rule, argument);
  if (word == "model") return rule.model = argument, Result<void>{};
  if (word == "path") {
    if (!argument.starts_with('/'))
      return fail(Fault::bad_input,
                  fmt::format("path {}: expected a path below /api/v1, such as /key", argument));
    return rule.path = argument, Result<void>{};
  }
  if (word == "answers") {
    auto faults = parse_faults(argument);
    if (!faults) return std::unexpected(faults.error());
    if (faults->empty()) return fail(Fault::bad_input, "answers: names no fault");
    return rule.faults = std::move(*faults), Result<void>{};
  }
  return fail(Fault::bad_input, fmt::format("'{}' is not from, to, calls, model, path or answers", word));
}

Result<ScriptRule> read_rule(const std::vector<std::string_view>& words) {
  ScriptRule rule;
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    for (const auto earlier : seen)
      if (earlier == words[i]) return fail(Fault::bad_input, fmt::format("'{}' is given twice", words[i]));
    seen.push_back(words[i]);
    const auto argument = i + 1 < words.size() ? words[i + 1] : std::string_view();
    if (argument.empty() && !words[i].empty())
      return fail(Fault::bad_input, fmt::format("nothing follows '{}'", words[i]));
    if (auto done = read_clause(rule, words[i], argument); !done) return std::unexpected(done.error());
  }
  if (rule.faults.empty()) return fail(Fault::bad_input, "the rule has no 'answers'");
  if (rule.to <= rule.from) return fail(Fault::bad_input, "'to' is not later than 'from'");
  return rule;
}

}  // namespace

struct Script::Counters {
  std::deque<std::atomic<std::uint64_t>> calls;  // one a rule; a deque because atomics do not move
};

Script::Script(std::vector<ScriptRule> rules)
    : rules_(std::move(rules)), counters_(std::make_unique<Counters>()) {
  counters_->calls = std::deque<std::atomic<std::uint64_t>>(rules_.size());
}
Script::~Script() = default;

Result<std::shared_ptr<Script>> Script::parse(std::string_view text, std::string_view source) {
  std::vector<ScriptRule> rules;
  std::string problems;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto words = words_of(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (words.empty()) continue;
    auto rule = read_rule(words);
    if (!rule) {
      problems +=
          fmt::format("{}{}:{}: {}", problems.empty() ? "" : "\n", source, number, rule.error().detail);
      continue;
    }
    rule->line = number;
    rules.push_back(std::move(*rule));
  }
  if (!problems.empty()) return fail(Fault::bad_input, std::move(problems));
  return std::shared_ptr<Script>(new Script(std::move(rules)));
}

Result<std::shared_ptr<Script>> Script::load(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return fail(Fault::bad_input, file + ": cannot be read; give --script a file with one rule a line");
  return parse(std::string{std::istreambuf_iterator<char>(in), {}}, file);
}

FaultSet Script::faults_for(Duration elapsed, std::string_view path, bool completion,
                            std::string_view model) {
  FaultSet out;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& rule = rules_[i];
    if (elapsed < rule.from || elapsed >= rule.to) continue;
    if (rule.path.empty() ? !completion : !matches_pattern(rule.path, path)) continue;
    if (!matches_pattern(rule.model, model)) continue;
    const auto call = counters_->calls[i].fetch_add(1, std::memory_order_relaxed) + 1;
    if (rule.first_call != 0 && (call < rule.first_call || call > rule.last_call)) continue;
    out.merge(rule.faults);
  }
  return out;
}

void Script::restart() {
  for (auto& count : counters_->calls) count.store(0, std::memory_order_relaxed);
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace gantry::sim
