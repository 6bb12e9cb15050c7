#pragma once
// The one error type of the project. Expected failures travel as Result; exceptions stay at the edges.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gantry {

/// What went wrong, for code. Local errors only: how an upstream attempt ended is an Outcome (src/route).
enum class Fault {
  timed_out,   ///< a deadline passed
  cancelled,   ///< whoever asked for the work no longer wants it
  closed,      ///< the peer closed the connection in an orderly way, where more was expected
  reset,       ///< the peer or the network broke the connection
  refused,     ///< nothing listens there, or the address cannot be reached
  unresolved,  ///< the name has no address
  tls_failed,  ///< the TLS handshake or the certificate check failed
  malformed,   ///< bytes from outside do not follow their protocol
  too_large,   ///< a stated size limit was passed
  bad_input,   ///< what the user or the client gave is invalid; detail says what and how to mend it
  not_found,   ///< the thing named does not exist
  overloaded,  ///< a bound of this process is reached (connections, memory, descriptors)
  system,      ///< the operating system refused; detail holds its words
  internal,    ///< an invariant of ours broke
};

/// The stable name of a fault, as in metrics and logs.
std::string_view name(Fault fault);

/// A failure that was expected to be possible.
struct Failure {
  Fault fault;
  std::string detail;  ///< for people and logs: never parsed, never a secret, never a prompt
  bool operator==(const Failure&) const = default;
};

template <class T>
using Result = std::expected<T, Failure>;

/// `return fail(Fault::closed, "...")` in any function that returns a Result.
inline std::unexpected<Failure> fail(Fault fault, std::string detail = {}) {
  return std::unexpected<Failure>(Failure{fault, std::move(detail)});
}

}  // namespace gantry
