#include "observe/metrics_text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <optional>
#include <span>
#include <sstream>
#include <vector>

namespace gantry::observe {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array<const char*, kDialects> kDialectNames{"chat", "completions", "other"};
constexpr std::array<const char*, kStatusClasses> kClassNames{"2xx", "4xx", "5xx", "other"};

double seconds(std::uint64_t ns) { return static_cast<double>(ns) * 1e-9; }
double dollars(std::uint64_t pico) { return static_cast<double>(pico) * 1e-12; }

// Collects families in the order they are said; a family's name and help stand once, its samples follow.
class Page {
 public:
  Page& counters(std::string name, std::string help) {
    return open(std::move(name), std::move(help), MetricType::Counter);
  }
  Page& gauges(std::string name, std::string help) {
    return open(std::move(name), std::move(help), MetricType::Gauge);
  }

  Page& sample(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (families_.back().type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Page& sample(std::uint64_t value, Labels labels = {}) {
    return sample(static_cast<double>(value), std::move(labels));
  }

  void counter(std::string name, std::string help, double value) {
    counters(std::move(name), std::move(help)).sample(value);
  }
  void counter(std::string name, std::string help, std::uint64_t value) {
    counter(std::move(name), std::move(help), static_cast<double>(value));
  }
  void gauge(std::string name, std::string help, double value) {
    gauges(std::move(name), std::move(help)).sample(value);
  }
  void gauge(std::string name, std::string help, std::size_t value) {
    gauge(std::move(name), std::move(help), static_cast<double>(value));
  }

  void histogram(std::string name, std::string help, const Buckets<std::uint64_t>& buckets) {
    open(std::move(name), std::move(help), MetricType::Histogram);
    ClientMetric metric;
    auto& out = metric.histogram;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      out.sample_count += buckets.counts[i];
      // The serializer adds the +Inf line from sample_count when the last bound is finite.
      if (i < kBucketSeconds.size()) out.bucket.push_back({out.sample_count, kBucketSeconds[i]});
    }
    out.sample_sum = seconds(buckets.total_ns);
    families_.back().metric.push_back(std::move(metric));
  }

  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  Page& open(std::string name, std::string help, MetricType type) {
    families_.push_back({.name = std::move(name), .help = std::move(help), .type = type, .metric = {}});
    return *this;
  }

  std::vector<MetricFamily> families_;
};

void add_calls(Page& page, const Totals& totals) {
  page.counters("gantry_calls_total",
                "Calls that ended, by API dialect, class of the status sent, and streaming.");
  for (std::size_t d = 0; d < kDialects; ++d)
    for (std::size_t c = 0; c < kStatusClasses; ++c)
      for (std::size_t s = 0; s < 2; ++s) {
        const std::uint64_t value = totals.calls[d][c][s];
        // The usual series exist from the start, so that a rate over the first call is not lost; "other" when
        // it comes.
        const bool usual = d != static_cast<std::size_t>(Dialect::other) &&
                           c != static_cast<std::size_t>(StatusClass::other);
        if (!usual && value == 0) continue;
        page.sample(value, {{"dialect", kDialectNames[d]},
                            {"status", kClassNames[c]},
                            {"stream", s == 1 ? "true" : "false"}});
      }
  page.counters("gantry_call_outcomes_total", "Calls that ended, by the outcome that decided them.");
  for (std::size_t o = 0; o < route::kOutcomes; ++o)
    page.sample(totals.outcomes[o], {{"outcome", std::string(route::name(static_cast<route::Outcome>(o)))}});
  page.counter("gantry_calls_started_total", "Calls that began.", totals.started);
  page.histogram("gantry_call_duration_seconds", "From a call's first byte to its end.", totals.call_time);
  page.histogram("gantry_first_token_seconds", "From a streamed call's first byte to its first token.",
                 totals.first_token);
  page.counter("gantry_request_bytes_total", "Bytes of request bodies from clients.", totals.request_bytes);
  page.counter("gantry_reply_bytes_total", "Bytes of reply bodies to clients.", totals.reply_bytes);
  page.counters("gantry_refused_total", "Requests refused before they were calls, by status.");
  for (std::size_t i = 0; i < kRefusals; ++i)
    if (totals.refused[i] > 0)
      page.sample(totals.refused[i], {{"status", std::to_string(kFirstRefusal + static_cast<int>(i))}});
  if (totals.refused_other > 0) page.sample(totals.refused_other, {{"status", "other"}});
}

void add_attempts(Page& page, const Totals& totals, const ModelNames& models) {
  page.counters("gantry_attempts_total", "Upstream requests that ended, by model asked and outcome.");
  // The counts are relaxed and publish no name: a model counted since size() was read shows on the next page.
  const std::size_t named = models.size();
  for (std::size_t m = 0; m < kModelSlots; ++m) {
    if (m >= named && m != kOtherModel) continue;
    for (std::size_t o = 0; o < route::kOutcomes; ++o)
      if (totals.attempts[m][o] > 0)
        page.sample(totals.attempts[m][o],
                    {{"model", m == kOtherModel ? "other" : models.at(m)},
                     {"outcome", std::string(route::name(static_cast<route::Outcome>(o)))}});
  }
  page.histogram("gantry_attempt_duration_seconds", "From the start of an attempt to its end.",
                 totals.attempt_time);
  page.counter("gantry_retries_total", "Attempts at the same model again.", totals.retries);
  page.counter("gantry_fallbacks_total", "Attempts at the next model of a chain.", totals.fallbacks);
}

void add_money(Page& page, const Totals& totals) {
  page.counters("gantry_tokens_total", "Tokens that upstream reported.")
      .sample(totals.prompt_tokens, {{"kind", "prompt"}})
      .sample(totals.completion_tokens, {{"kind", "completion"}});
  page.counter("gantry_calls_unknown_usage_total", "Calls that ended without a token count.",
               totals.unknown_usage);
  page.counter("gantry_cost_usd_total", "Known cost of calls in US dollars.", dollars(totals.pico_usd));
  page.counter("gantry_calls_unknown_cost_total",
               "Calls whose cost is not known; not in gantry_cost_usd_total.", totals.unknown_cost);
}

double dollars(PicoUsd amount) { return static_cast<double>(amount.value) * 1e-12; }

void add_upstream_money(Page& page, const MoneyFigures& money) {
  using Key = MoneyFigures::Key;
  const auto family = [&](std::string name, std::string help, auto&& value_of) {
    if (std::ranges::none_of(money.keys, [&](const Key& key) { return value_of(key).has_value(); })) return;
    page.gauges(std::move(name), std::move(help));
    for (const auto& key : money.keys)
      if (const std::optional<double> value = value_of(key)) page.sample(*value, {{"key", key.name}});
  };
  const auto amount = [](std::optional<PicoUsd> Key::* of) {
    return [of](const Key& key) { return key.*of ? std::optional(dollars(*(key.*of))) : std::nullopt; };
  };
  family("gantry_upstream_key_left_usd", "What an upstream key's limit leaves in US dollars.",
         amount(&Key::left));
  family("gantry_upstream_key_usage_usd", "What was ever charged to an upstream key in US dollars.",
         amount(&Key::usage));
  family("gantry_upstream_key_unexplained_usd",
         "What of an upstream key's usage of this UTC day nobody here spent, in US dollars.",
         amount(&Key::unexplained));
  family("gantry_upstream_key_told_age_seconds", "Since upstream told of the key.", [](const Key& key) {
    return key.age ? std::optional(std::chrono::duration<double>(*key.age).count()) : std::nullopt;
  });
  if (money.account_left)
    page.gauge("gantry_upstream_account_left_usd", "Credit left on the upstream account in US dollars.",
               dollars(*money.account_left));
}

void add_breakers(Page& page, const BreakerFigures& breakers) {
  page.gauges("gantry_breaker_open", "Breakers that are open for everybody, by scope and configured name.");
  for (const auto& [scope, name, open] : breakers.open)
    page.sample(std::uint64_t{open}, {{"scope", std::string(route::name(scope))}, {"name", name}});
  page.gauge("gantry_breakers_open_for_one_client", "Breakers that are open for one client alone.",
             breakers.for_one_client);
  page.counters("gantry_breaker_changes_total", "Openings and closings of breakers, by scope and reason.");
  for (const auto& [scope, change, reason, count] : breakers.changes)
    page.sample(count, {{"scope", std::string(route::name(scope))},
                        {"change", std::string(route::name(change))},
                        {"reason", std::string(route::name(reason))}});
}

void add_process(Page& page, const Scrape& scrape) {
  page.gauge("gantry_client_connections", "Open connections from clients.", scrape.gauges.client_connections);
  page.gauge("gantry_active_calls", "Calls in progress.", scrape.gauges.active_calls);
  page.gauge("gantry_upstream_connections", "Open connections to upstreams, idle ones too.",
             scrape.gauges.upstream_open);
  page.gauge("gantry_upstream_idle_connections", "Idle connections to upstreams.",
             scrape.gauges.upstream_idle);
  page.gauge("gantry_inflight_bytes", "Bytes of bodies held in memory.", scrape.gauges.inflight_bytes);
  page.gauge("gantry_catalogue_models", "Models that OpenRouter lists; 0 while its list has not come.",
             scrape.gauges.catalogue_models);
  if (const auto& age = scrape.gauges.catalogue_age)
    page.gauge("gantry_catalogue_age_seconds", "Since OpenRouter's lists of models and providers came.",
               std::chrono::duration<double>(*age).count());
  page.counter("gantry_log_lines_dropped_total", "Log lines lost because the reader of the log was too slow.",
               scrape.dropped_log_lines);
  page.gauge("gantry_simulated", "1 when the upstream is the built-in simulator.",
             scrape.simulated ? 1.0 : 0.0);
  page.gauges("gantry_build_info", "The build; always 1.").sample(1.0, {{"version", GANTRY_VERSION}});
  page.gauge("process_start_time_seconds", "Start of the process in seconds since 1970.",
             static_cast<double>(scrape.started.time_since_epoch().count()) * 1e-9);
}

}  // namespace

std::string metrics_text(const Scrape& scrape) {
  Page page;
  add_calls(page, scrape.totals);
  add_attempts(page, scrape.totals, scrape.models);
  add_money(page, scrape.totals);
  add_upstream_money(page, scrape.gauges.money);
  add_breakers(page, scrape.gauges.breakers);
  add_process(page, scrape);
  return page.text();
}

}  // namespace gantry::observe
