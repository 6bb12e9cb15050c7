#pragma once
// Happy Eyeballs (RFC 8305 §5): the addresses of a host are tried one after the other without waiting for the
// slow ones; the first connection wins, the others are given up. Inside src/net only.

#include <vector>

#include "net/socket.hpp"

namespace gantry::net {

/// The next attempt begins this long after the previous one, or when that fails (RFC 8305 §5).
inline constexpr Duration kAttemptDelay = std::chrono::milliseconds{250};

/// `targets` in the order of preference, at least one. Errors: the last attempt's; timed_out, cancelled.
Task<Result<Socket>> connect_first(Loop& loop, std::vector<Endpoint> targets, MonoTime deadline,
                                   Canceller* canceller);

}  // namespace gantry::net
