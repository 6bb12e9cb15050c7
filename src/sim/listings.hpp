#pragma once
// The catalogue as the API lists it (CONTRACT §8): models, one model, endpoints, providers, and what GET /key
// says. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/account.hpp"
#include "sim/catalogue.hpp"

namespace gantry::sim {

/// The query of GET /models, as far as it is heard.
struct ModelQuery {
  std::string output_modalities = "text";  ///< comma list, or all
  std::string input_modalities, supported_parameters, author, q;
  std::optional<std::int64_t> offset, limit;
  bool sim = false;  ///< list the sim/… models too
  bool odd = false;  ///< fault odd-models: entries with nulls, unknown enum values and unknown fields
};
/// Reads the query string, percent-decoding values; unknown keys are ignored.
ModelQuery parse_model_query(std::string_view query);
/// One value of a query string, decoded; nullopt when the key is not there.
std::optional<std::string> query_value(std::string_view query, std::string_view key);
std::string percent_decode(std::string_view text);

/// {"data":[…],"total_count":N,"links":{"next":…}}
std::string models_json(const Catalogue& catalogue, const ModelQuery& query, WallTime now);
/// {"data":{"count":N}}
std::string count_json(const Catalogue& catalogue, const ModelQuery& query);
/// {"data":Model}
std::string model_json(const Model& model, WallTime now);
/// {"data":{…,"endpoints":[…]}}; percentiles are null when nobody is authenticated.
std::string endpoints_json(const Model& model, bool authenticated, WallTime now);
std::string providers_json(const Catalogue& catalogue);

struct KeyFacts {
  std::string label;
  KeyUsage usage;
  KeyTerms terms;
  std::string expires_at;  ///< empty = never
  bool management = false;
  std::string_view credit;  ///< fault credit: what limit_remaining says; empty = the truth
};
/// "usage":…,"usage_daily":… and so on to "byok_usage_monthly", as GET /key and GET /keys tell them.
std::string usage_members(const KeyUsage& usage);
/// {"data":{…}} of GET /key.
std::string key_json(const KeyFacts& facts);

}  // namespace gantry::sim
