#pragma once
// What upstream told last of money, for who shows it. One a process. Any thread.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "wire/balance.hpp"

namespace gantry::engine {

/// Of one upstream key, by its configured name.
struct KeyMoney {
  std::string name;
  std::optional<wire::KeyBalance> told;  ///< nullopt before the first answer
  std::optional<MonoTime> at;            ///< when that came
  std::optional<PicoUsd> unexplained;    ///< of this day; nullopt where totals are not compared
};

struct MoneyTold {
  std::vector<KeyMoney> keys;  ///< in the configuration's order
  std::optional<wire::AccountCredits> account;
};

class MoneyBoard {
 public:
  void put(MoneyTold told) {
    const std::lock_guard lock(mutex_);
    told_ = std::move(told);
  }
  [[nodiscard]] MoneyTold get() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  mutable std::mutex mutex_;
  MoneyTold told_;
};

}  // namespace gantry::engine
