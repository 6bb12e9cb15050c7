#pragma once
// Of which models the endpoints are asked for, when, and how long what they told is good (CONTRACT §8.3).
// Pure.
//
// A bound over endpoints holds while no dearer one has come: what is older than kEndpointsGood is forgotten,
// and the bound rests again on the listed price and a max_price that keeps dearer endpoints out (DESIGN §5).

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "wire/price_table.hpp"

namespace gantry::engine {

class EndpointBook {
 public:
  static constexpr std::size_t kMost = 128;  ///< models; the first that were wanted
  static constexpr Duration kEvery = std::chrono::hours{1};
  static constexpr Duration kGood = std::chrono::hours{2};
  static constexpr Duration kWanted = std::chrono::hours{24};         ///< and nobody wants it again
  static constexpr Duration kAfterFailure = std::chrono::minutes{1};  ///< doubled with each further one

  /// Somebody wants to know: a route names the model, or a call under a budget asked it. Ids that cannot
  /// stand in a path, and those past kMost, are passed over.
  void want(std::string_view id, MonoTime now);
  /// The next model to ask for; nullopt when none is due.
  [[nodiscard]] std::optional<std::string> due(MonoTime now);
  void got(const std::string& id, std::vector<wire::EndpointPrices> endpoints, MonoTime now);
  /// True for the first failure in a row: that one is told.
  bool failed(const std::string& id, MonoTime now);
  /// Puts in what is good.
  void fill(wire::PriceTable& table, MonoTime now);
  /// What was put in last is no longer good.
  [[nodiscard]] bool stale(MonoTime now) const { return now >= good_until_; }
  /// The upstream is another: what is known is of the old one.
  void clear() { models_.clear(); }
  [[nodiscard]] std::size_t size() const { return models_.size(); }

 private:
  struct Known {
    std::vector<wire::EndpointPrices> endpoints{};
    std::optional<MonoTime> at{};  // of the last good answer
    MonoTime next{};
    MonoTime wanted{};
    int failures = 0;  // in a row
  };
  std::map<std::string, Known, std::less<>> models_;
  MonoTime good_until_ = kNever;
};

/// Whether an id may stand in a path as it is: author/slug, perhaps with a variant.
bool fits_in_path(std::string_view id);

}  // namespace gantry::engine
