#pragma once
// Is the upstream key still good? An attempt's end may cast doubt on it; only `GET /key` settles that,
// because a client can cause a 402 or a 403 with what it sends (DESIGN §4, Scopes). A key without credit is
// left alone until its credit is seen again. On its shard's thread.

#include "base/task.hpp"
#include "net/loop.hpp"
#include "route/scope_table.hpp"

namespace gantry::engine {

class Shard;

class KeyWatch {
 public:
  explicit KeyWatch(Shard& shard) : shard_(shard) {}
  KeyWatch(const KeyWatch&) = delete;

  /// Asks about the key, unless somebody in this process is asking already.
  void doubt(route::ScopeId key);

 private:
  Task<void> ask(route::ScopeId key);
  void settle(route::ScopeId key, int status, std::string_view body);
  void look_again();

  Shard& shard_;
  route::ScopeId key_{};
  net::Timer timer_;
};

}  // namespace gantry::engine
