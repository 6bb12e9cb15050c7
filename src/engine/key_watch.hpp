#pragma once
// Is an upstream key still good? An attempt's end may cast doubt on it; only `GET /key` settles that,
// because a client can cause a 402 or a 403 with what it sends (DESIGN §4, Scopes). A key without credit is
// left alone until its credit is seen again. On its shard's thread.

#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "engine/upstreams.hpp"
#include "net/loop.hpp"
#include "route/scope_table.hpp"

namespace gantry::engine {

class Shard;

class KeyWatch {
 public:
  explicit KeyWatch(Shard& shard) : shard_(shard) {}
  KeyWatch(const KeyWatch&) = delete;

  /// Asks OpenRouter about the key, with it, unless somebody in this process is asking already. Other
  /// upstreams have nobody to ask.
  void doubt(route::ScopeId key);

 private:
  Task<void> ask(KeyPlace key);
  void settle(route::ScopeId key, int status, std::string_view body);
  void keep(route::ScopeId key);
  void arm();
  void look_again();

  Shard& shard_;
  std::vector<route::ScopeId> held_;  // to be looked at again
  bool armed_ = false;
  net::Timer timer_;
};

}  // namespace gantry::engine
