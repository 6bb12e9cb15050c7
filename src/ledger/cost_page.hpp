#pragma once
// Settled attempts, many to a row of the ledger: a page (docs/decisions/0013). What most attempts have in
// common (who paid, models, names, how it ended) stands in it once. Pure; internal to src/ledger.
//
//     u8 version · kinds and costs · u32 CRC-32C of all before it
//     kind:  'k' · 5 numbers (key, project, organisation, holder, places) · u8 × 3 (source, waste, delivered)
//                · 7 texts (model, served model, provider, route, upstream, its key, outcome)
//     cost:  'c' · which kind, counted from 0 · 2 × u64 (attempt, call) · 7 numbers (began since the cost
//     before,
//                its length, hold, cost, upstream's cost, prompt and completion tokens) · text (generation)
//
// Numbers are LEB128 of their zigzag form, texts have their length before them. A kind stands before its
// first cost.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"
#include "ledger/entries.hpp"
#include "ledger/ledger.hpp"

namespace gantry::ledger {

/// One attempt whose cost is known. Texts are views.
struct Cost {
  AttemptId attempt{};
  std::uint64_t call = 0;
  HolderId holder{};
  spend::Path payer{};
  WallTime began{}, ended{};
  PicoUsd hold{}, cost{}, upstream_cost{};
  std::uint16_t places = 0;
  spend::CostSource source = spend::CostSource::told;
  spend::Waste waste = spend::Waste::none;
  bool delivered = false;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::string_view model{}, served_model{}, provider{}, route{}, upstream{}, upstream_key{}, generation{},
      outcome{};
};

class CostPage {
 public:
  void add(const Cost& cost);
  [[nodiscard]] std::size_t costs() const { return costs_; }
  [[nodiscard]] std::size_t bytes() const { return body_.size(); }
  /// The page; empty afterwards.
  [[nodiscard]] std::string finish();

 private:
  std::string body_;
  std::string kind_;  // of the cost at hand, as it is written
  std::unordered_map<std::string, std::uint64_t> kinds_;
  std::string last_kind_;
  std::uint64_t last_ = 0;
  std::int64_t began_ = 0;
  std::size_t costs_ = 0;
};

/// Calls `each` for each cost of a page, in order; its texts are views of the page. Errors: malformed, when
/// it is not whole or not written by CostPage; some costs may have been told by then.
Result<void> read_cost_page(std::string_view page, const std::function<void(const Cost&)>& each);

}  // namespace gantry::ledger
