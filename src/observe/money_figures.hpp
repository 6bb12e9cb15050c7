#pragma once
// What the metrics page says of money at upstream, as who asked for it last was told
// (engine/money_watch.hpp).

#include <optional>
#include <string>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"

namespace gantry::observe {

struct MoneyFigures {
  struct Key {
    std::string name;  ///< the configured one
    std::optional<PicoUsd> left, usage, unexplained{};
    std::optional<Duration> age{};  ///< of what was told
  };
  std::vector<Key> keys{};
  std::optional<PicoUsd> account_left{};
};

}  // namespace gantry::observe
