#pragma once
// What the metrics page says of breakers, as somebody who knows them and the configuration sums it up at a
// scrape (gateway/breaker_figures.hpp).

#include <cstddef>
#include <string>
#include <vector>

#include "route/scope_table.hpp"

namespace gantry::observe {

struct BreakerFigures {
  struct Open {
    route::Scope scope = route::Scope::upstream;
    std::string name{};  ///< a configured one, or "other" for all the rest of this kind
    std::size_t open = 0;
    bool operator==(const Open&) const = default;
  };
  std::vector<Open> open{};        ///< for everybody
  std::size_t for_one_client = 0;  ///< these are open for one client alone
  std::vector<route::ChangeCount> changes{};
};

}  // namespace gantry::observe
