#include "sim/listings.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <utility>

#include "sim/json_text.hpp"

namespace gantry::sim {
namespace {

void append_number_or_null(std::string& out, std::int64_t value) {
  if (value == 0) {
    out += "null";
  } else {
    append_int(out, value);
  }
}

void append_prices(std::string& out, const std::vector<PriceEntry>& prices, const Pricing* in_force,
                   WallTime now) {
  for (std::size_t i = 0; i < prices.size(); ++i) {
    if (i > 0) out += ',';
    append_quoted(out, prices[i].key);
    out += ':';
    // The top level shows the window in force now (CONTRACT §8.2).
    append_quoted(out, in_force ? in_force->find(prices[i].key, 0, now)->text : prices[i].text);
  }
}

void append_pricing(std::string& out, const Pricing& pricing, WallTime now) {
  out += '{';
  append_prices(out, pricing.prices, &pricing, now);
  if (!pricing.discount.empty()) out.append(R"(,"discount":)").append(pricing.discount);
  if (!pricing.overrides.empty()) {
    out += R"(,"overrides":[)";
    for (std::size_t i = 0; i < pricing.overrides.size(); ++i) {
      const auto& o = pricing.overrides[i];
      out += i > 0 ? ",{" : "{";
      if (o.min_prompt_tokens >= 0) out += fmt::format(R"("min_prompt_tokens":{},)", o.min_prompt_tokens);
      if (o.utc_start >= 0) out += fmt::format(R"("utc_start":{},)", o.utc_start);
      if (o.utc_end >= 0) out += fmt::format(R"("utc_end":{},)", o.utc_end);
      append_prices(out, o.prices, nullptr, now);
      if (out.back() == ',') out.pop_back();
      out += '}';
    }
    out += ']';
  }
  out += '}';
}

void append_architecture(std::string& out, const Model& m) {
  out += R"({"modality":)";
  append_string_or_null(out, m.modality);
  out += R"(,"input_modalities":)";
  append_string_array(out, m.input_modalities);
  out += R"(,"output_modalities":)";
  append_string_array(out, m.output_modalities);
  out += R"(,"tokenizer":)";
  append_quoted(out, m.tokenizer.empty() ? "Other" : m.tokenizer);
  out += R"(,"instruct_type":)";
  append_string_or_null(out, m.instruct_type);
  out += '}';
}

std::string described(const Model& m) { return m.name + ", as the simulator plays it."; }

void append_model(std::string& out, const Model& m, WallTime now) {
  out += R"({"id":)";
  append_quoted(out, m.id);
  out += R"(,"canonical_slug":)";
  append_quoted(out, m.canonical_slug);
  out += R"(,"hugging_face_id":null,"name":)";
  append_quoted(out, m.name);
  out += R"(,"created":)";
  append_int(out, m.created);
  out += R"(,"description":)";
  append_quoted(out, described(m));
  out += R"(,"context_length":)";
  append_number_or_null(out, m.context_length);
  out += R"(,"architecture":)";
  append_architecture(out, m);
  out += R"(,"pricing":)";
  append_pricing(out, m.pricing, now);
  out += R"(,"top_provider":{"context_length":)";
  append_number_or_null(out, m.provider_context);
  out += R"(,"max_completion_tokens":)";
  append_number_or_null(out, m.max_completion_tokens);
  out.append(R"(,"is_moderated":)").append(m.is_moderated ? "true" : "false");
  out += R"(},"per_request_limits":null,"supported_parameters":)";
  append_string_array(out, m.supported_parameters);
  out.append(R"(,"default_parameters":)").append(m.default_parameters);
  out += R"(,"supported_voices":null,"knowledge_cutoff":)";
  append_string_or_null(out, m.knowledge_cutoff);
  out += R"(,"expiration_date":)";
  append_string_or_null(out, m.expiration_date);
  if (!m.alias_slug.empty()) {
    out += R"(,"alias_target":{"slug":)";
    append_quoted(out, m.alias_slug);
    out += R"(,"name":)";
    append_quoted(out, m.alias_name);
    out += '}';
  }
  if (m.reasons)
    out.append(R"(,"reasoning":{"mandatory":)").append(m.reasoning_mandatory ? "true}" : "false}");
  out += R"(,"links":{"details":)";
  append_quoted(out, fmt::format("/api/v1/models/{}/endpoints", m.canonical_slug));
  out += "}}";
}

// Every token of the comma list `wanted` is in `have`.
bool has_all(std::string_view wanted, const std::vector<std::string>& have) {
  while (!wanted.empty()) {
    const auto comma = wanted.find(',');
    const auto one = wanted.substr(0, comma);
    if (!one.empty() && std::ranges::find(have, one) == have.end()) return false;
    wanted = comma == std::string_view::npos ? std::string_view() : wanted.substr(comma + 1);
  }
  return true;
}

bool contains_folded(std::string_view haystack, std::string_view needle) {
  const auto it =
      std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
      });
  return needle.empty() || it != haystack.end();
}

bool fits(const Model& m, const ModelQuery& q) {
  if (m.id.starts_with("sim/") && !q.sim) return false;
  if (q.output_modalities != "all" && !has_all(q.output_modalities, m.output_modalities)) return false;
  if (!has_all(q.input_modalities, m.input_modalities)) return false;
  if (!has_all(q.supported_parameters, m.supported_parameters)) return false;
  if (!q.author.empty() && author_of(m.id) != q.author) return false;
  return contains_folded(m.id, q.q) || contains_folded(m.name, q.q);
}

std::vector<const Model*> select(const Catalogue& catalogue, const ModelQuery& query) {
  std::vector<const Model*> out;
  for (const auto& m : catalogue.models())
    if (fits(m, query)) out.push_back(&m);
  return out;
}

// Entries as a later server might send them; readers must live with them (CONTRACT, reading rule).
constexpr std::string_view kOddModels =
    R"({"id":"sim/odd-nulls","canonical_slug":"sim/odd-nulls","name":"Odd: nulls","created":1790000000,"description":null,)"
    R"("context_length":null,"architecture":{"modality":null,"input_modalities":["text"],"output_modalities":["text"],)"
    R"("tokenizer":null,"instruct_type":null},"pricing":{"prompt":"0.000001","completion":"0.000002","image":null},)"
    R"("top_provider":{"context_length":null,"max_completion_tokens":null,"is_moderated":false},"per_request_limits":null,)"
    R"("supported_parameters":[],"default_parameters":{"temperature":null},"supported_voices":null,"expiration_date":null,)"
    R"("links":{"details":"/api/v1/models/sim/odd-nulls/endpoints"}},)"
    R"({"id":"sim/odd-enums","canonical_slug":"sim/odd-enums","name":"Odd: unknown values","created":1790000000,)"
    R"("context_length":1000,"architecture":{"modality":"text->smell","input_modalities":["text","thought"],)"
    R"("output_modalities":["text","smell"],"tokenizer":"Quantum","instruct_type":"telepathy"},"pricing":{"prompt":"0.000001",)"
    R"("completion":"0.000002","per_photon":"0.5","overrides":[{"when_moon":"full","prompt":"0.1"}]},"top_provider":{)"
    R"("context_length":1000,"max_completion_tokens":10,"is_moderated":false,"mood":"fine"},"per_request_limits":null,)"
    R"("supported_parameters":["temperature","telepathy"],"default_parameters":null,"supported_voices":null,)"
    R"("links":{"details":"/api/v1/models/sim/odd-enums/endpoints"},"x_tomorrow":{"deep":[1,{"two":null}]}})";

std::int64_t bounded(std::int64_t value, std::int64_t low, std::int64_t high) {
  return std::clamp(value, low, high);
}

std::optional<std::int64_t> number_value(std::string_view query, std::string_view key) {
  const auto text = query_value(query, key);
  std::int64_t out = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), out).ec != std::errc{})
    return std::nullopt;
  return std::max<std::int64_t>(out, 0);
}

// The usual endpoint, or that of a service tier.
void append_endpoint(std::string& out, const Model& m, const Provider& p, const Tier* tier,
                     bool authenticated, WallTime now) {
  out += R"({"name":)";
  append_quoted(out, fmt::format("{} | {}", p.name, m.canonical_slug));
  out += R"(,"model_id":)";
  append_quoted(out, m.id);
  out += R"(,"model_name":)";
  append_quoted(out, m.name);
  out += R"(,"context_length":)";
  append_int(out, m.provider_context > 0 ? m.provider_context : m.context_length);
  out += R"(,"pricing":)";
  append_pricing(out, tier ? tier->pricing : m.pricing, now);
  out += R"(,"provider_name":)";
  append_quoted(out, p.name);
  out += R"(,"tag":)";
  append_quoted(out, tier ? fmt::format("{}/{}", p.slug, tier->name) : std::string(p.slug));
  out += R"(,"quantization":null,"max_completion_tokens":)";
  append_number_or_null(out, m.max_completion_tokens);
  out += R"(,"max_prompt_tokens":null,"supported_parameters":)";
  append_string_array(out, m.supported_parameters);
  out +=
      R"(,"status":0,"uptime_last_5m":100,"uptime_last_30m":99.9,"uptime_last_1d":99.8,"supports_implicit_caching":false)";
  out += authenticated ? R"(,"latency_last_30m":{"p50":420,"p75":610,"p90":900,"p99":2100})"
                         R"(,"throughput_last_30m":{"p50":64,"p75":52,"p90":41,"p99":20}})"
                       : R"(,"latency_last_30m":null,"throughput_last_30m":null})";
}

}  // namespace

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == key) return percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

ModelQuery parse_model_query(std::string_view query) {
  ModelQuery out;
  out.output_modalities = query_value(query, "output_modalities").value_or("text");
  out.input_modalities = query_value(query, "input_modalities").value_or("");
  out.supported_parameters = query_value(query, "supported_parameters").value_or("");
  out.author = query_value(query, "model_authors").value_or("");
  out.q = query_value(query, "q").value_or("");
  out.offset = number_value(query, "offset");
  out.limit = number_value(query, "limit");
  out.sim = query_value(query, "sim").value_or("") == "1";
  return out;
}

std::string models_json(const Catalogue& catalogue, const ModelQuery& query, WallTime now) {
  const auto chosen = select(catalogue, query);
  const auto total = static_cast<std::int64_t>(chosen.size());
  // Paging is opt-in: without offset and limit the list is whole (CONTRACT §2).
  const bool paged = query.offset || query.limit;
  const auto first = bounded(query.offset.value_or(0), 0, total);
  const auto last = paged ? bounded(first + bounded(query.limit.value_or(500), 1, 1000), 0, total) : total;
  std::string out = R"({"data":[)";
  for (auto i = first; i < last; ++i) {
    if (i > first) out += ',';
    append_model(out, *chosen[static_cast<std::size_t>(i)], now);
  }
  if (query.odd) out.append(last > first ? "," : "").append(kOddModels);
  out += fmt::format(R"(],"total_count":{},"links":{{"next":)", total);
  append_string_or_null(
      out, last < total ? fmt::format("/api/v1/models?offset={}&limit={}", last, last - first) : "");
  return out + "}}";
}

std::string count_json(const Catalogue& catalogue, const ModelQuery& query) {
  return fmt::format(R"({{"data":{{"count":{}}}}})", select(catalogue, query).size());
}

std::string model_json(const Model& model, WallTime now) {
  std::string out = R"({"data":)";
  append_model(out, model, now);
  return out + "}";
}

std::string endpoints_json(const Model& m, bool authenticated, WallTime now) {
  std::string out = R"({"data":{"id":)";
  append_quoted(out, m.id);
  out += R"(,"name":)";
  append_quoted(out, m.name);
  out += R"(,"created":)";
  append_int(out, m.created);
  out += R"(,"description":)";
  append_quoted(out, described(m));
  out += R"(,"architecture":)";
  append_architecture(out, m);
  out += R"(,"endpoints":[)";
  if (!m.routes_to.empty()) return out + "]}}";
  bool first = true;
  for (const auto* const provider : providers_of(m.id)) {
    if (!std::exchange(first, false)) out += ',';
    append_endpoint(out, m, *provider, nullptr, authenticated, now);
  }
  for (const auto& tier : m.tiers) {
    out += ',';
    append_endpoint(out, m, provider_of(m.id), &tier, authenticated, now);
  }
  return out + "]}}";
}

std::string providers_json(const Catalogue& catalogue) {
  std::string out = R"({"data":[)";
  std::set<std::string_view> seen;
  const auto append = [&](const Provider& p) {
    if (!seen.insert(p.slug).second) return;
    if (seen.size() > 1) out += ',';
    out += R"({"name":)";
    append_quoted(out, p.name);
    out += R"(,"slug":)";
    append_quoted(out, p.slug);
    out += R"(,"privacy_policy_url":null,"terms_of_service_url":null,"status_page_url":null})";
  };
  for (const auto& m : catalogue.models()) {
    if (m.id.starts_with("sim/")) continue;
    for (const auto* each : providers_of(m.id)) append(*each);
  }
  return out + "]}";
}

std::string usage_members(const KeyUsage& u) {
  const auto four = [](std::string_view name, const Spending& spent) {
    return fmt::format(R"("{0}":{1},"{0}_daily":{2},"{0}_weekly":{3},"{0}_monthly":{4})", name,
                       to_decimal(spent.total), to_decimal(spent.daily), to_decimal(spent.weekly),
                       to_decimal(spent.monthly));
  };
  return four("usage", u.usage) + ',' + four("byok_usage", u.byok);
}

std::string key_json(const KeyFacts& facts) {
  const auto& u = facts.usage;
  const bool unlimited = facts.credit == "null" || (facts.credit.empty() && !u.limit);
  std::string remaining = unlimited              ? "null"
                          : facts.credit.empty() ? to_decimal(*u.remaining)
                                                 : std::string(facts.credit);
  std::string limit = unlimited ? "null" : u.limit ? to_decimal(*u.limit) : remaining;
  std::string out = R"({"data":{"label":)";
  append_quoted(out, facts.label);
  out.append(R"(,"limit":)").append(limit);
  out += R"(,"limit_reset":)";
  append_string_or_null(out, name(facts.terms.reset));
  out.append(R"(,"limit_remaining":)").append(remaining);
  out.append(R"(,"include_byok_in_limit":)").append(facts.terms.counts_byok ? "true," : "false,");
  out += usage_members(u) + R"(,"is_free_tier":false)";
  const std::string_view management = facts.management ? "true" : "false";
  out.append(R"(,"is_management_key":)")
      .append(management)
      .append(R"(,"is_provisioning_key":)")
      .append(management);
  out += R"(,"creator_user_id":"user_simulated","expires_at":)";
  append_string_or_null(out, facts.expires_at);
  out += R"(,"rate_limit":{"requests":-1,"interval":"10s","note":"Deprecated; it limits nothing."}}})";
  return out;
}

}  // namespace gantry::sim
