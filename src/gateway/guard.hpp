#pragma once
// Who may talk to a gateway that has no client keys: programs on this machine, and no web page (DESIGN §6).
// Pure.

#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.hpp"

namespace gantry::gateway {

struct GuardRefusal {
  int status;
  std::string message;
  std::string remedy;
};

/// The host asked for must name this machine (a page cannot reach us by a name it controls), a foreign Origin
/// is refused, and a POST needs a JSON content type (a form cannot send one without asking first). `open`
/// lifts the Host rule, for a gateway whose owner put it on the network.
std::optional<GuardRefusal> guard(const net::RequestHead& head, bool open);

/// True for localhost, 127.0.0.0/8 and ::1, with or without a port.
bool is_loopback_host(std::string_view host);

}  // namespace gantry::gateway
