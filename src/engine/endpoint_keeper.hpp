#pragma once
// Asks OpenRouter for the endpoints of models, and their prices: of those that routes name and that calls
// under budgets ask, one after the other, every hour. On its shard's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/task.hpp"
#include "base/time.hpp"
#include "engine/endpoint_book.hpp"
#include "net/loop.hpp"

namespace gantry::engine {

struct Catalogue;
class Shard;

class EndpointKeeper {
 public:
  static constexpr Duration kLook = std::chrono::minutes{1};  ///< how often it looks who is wanted

  /// `news` is called when fill() would put in something else.
  EndpointKeeper(Shard& shard, std::move_only_function<void()> news)
      : shard_(shard), news_(std::move(news)) {}
  EndpointKeeper(const EndpointKeeper&) = delete;

  /// Looks now, and from then on, for the models of this catalogue.
  void look(std::shared_ptr<const Catalogue> catalogue);
  /// Puts what is good into a table.
  void fill(wire::PriceTable& table);
  /// The upstream is another.
  void forget();

 private:
  void look_again();
  void note_wanted();
  void arm();
  Task<void> ask_all();
  bool take(const std::string& id, std::string_view body);

  Shard& shard_;
  std::move_only_function<void()> news_;
  std::shared_ptr<const Catalogue> catalogue_;
  EndpointBook book_;
  bool asking_ = false;
  std::uint64_t upstream_ = 0;  // grows with each other upstream: what was asked of an old one is not taken
  net::Timer timer_;
};

}  // namespace gantry::engine
