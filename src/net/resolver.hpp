#pragma once
// Names to addresses, off the loops: getaddrinfo on a thread of its own, cached, stale answers used on
// failure.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "base/time.hpp"
#include "net/socket.hpp"

namespace gantry::net {

/// One per process, shared by all loops; thread-safe.
class Resolver {
 public:
  /// Numeric addresses of a name in the order of preference. Called on the resolver's thread, may block; one
  /// that hangs may outlive the resolver, so it owns what it uses.
  using Lookup = std::function<Result<std::vector<std::string>>(const std::string& host)>;

  static constexpr Duration kFresh = std::chrono::seconds{30};
  /// How long a fresh answer is waited for where an old one exists: a dead name server must not cost calls.
  static constexpr Duration kStalePatience = std::chrono::milliseconds{500};
  /// After a failed look-up the old answer serves this long before the next try.
  static constexpr Duration kFailurePause = std::chrono::seconds{5};

  Resolver();  ///< with getaddrinfo
  explicit Resolver(Lookup lookup);
  ~Resolver();  ///< nothing may be waiting; does not wait for a look-up that hangs
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Addresses of `host`, IPv6 and IPv4 interleaved (RFC 8305 §4), port filled in. Numeric hosts are answered
  /// at once. Fresh for 30 s by `loop`'s time; after that it is looked up again (one look-up a name, whoever
  /// asks), and the old answer serves while the look-up fails or does not come. `canceller` may be null.
  /// Errors: unresolved with the name and the system's reason, timed_out, cancelled.
  Task<Result<std::vector<Endpoint>>> resolve(Loop& loop, std::string host, unsigned short port,
                                              MonoTime deadline, Canceller* canceller = nullptr);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// The families take turns, beginning with that of the first; the order within a family stays.
std::vector<std::string> interleave_families(const std::vector<std::string>& addresses);

}  // namespace gantry::net
