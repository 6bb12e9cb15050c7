#pragma once
// The last good list of prices in the ledger (engine/kept_prices.hpp): written when it changed, read at the
// start. Never on a call's way.

#include <cstddef>
#include <memory>
#include <string>

#include "base/time.hpp"
#include "engine/catalogue.hpp"
#include "ledger/bank.hpp"
#include "ledger/recorder.hpp"

namespace gantry::gateway {

class PriceMemory {
 public:
  /// Both outlive it.
  PriceMemory(ledger::Recorder& recorder, ledger::Bank& bank) : recorder_(recorder), bank_(bank) {}
  PriceMemory(const PriceMemory&) = delete;

  /// What was kept of this upstream, as a catalogue that knows prices alone; null when there is nothing of
  /// use. Before the recorder starts: it has the ledger then.
  std::shared_ptr<const engine::Catalogue> recall(const std::string& base_url, MonoTime now);
  /// The body of a list of models that was read just now. Any thread, waits for nobody.
  void remember(std::string base_url, std::string models);

 private:
  void write(ledger::Ledger& ledger, const std::string& base_url, const std::string& models);

  ledger::Recorder& recorder_;
  ledger::Bank& bank_;
  std::size_t kept_ = 0;  // the hash of what is kept; on the recorder's thread once that runs
};

}  // namespace gantry::gateway
