#include "base/result.hpp"

namespace gantry {

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::timed_out:
      return "timed_out";
    case Fault::cancelled:
      return "cancelled";
    case Fault::closed:
      return "closed";
    case Fault::reset:
      return "reset";
    case Fault::refused:
      return "refused";
    case Fault::unresolved:
      return "unresolved";
    case Fault::tls_failed:
      return "tls_failed";
    case Fault::malformed:
      return "malformed";
    case Fault::too_large:
      return "too_large";
    case Fault::bad_input:
      return "bad_input";
    case Fault::not_found:
      return "not_found";
    case Fault::overloaded:
      return "overloaded";
    case Fault::system:
      return "system";
    case Fault::internal:
      return "internal";
  }
  return "unknown";
}

}  // namespace gantry
