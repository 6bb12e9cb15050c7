#pragma once
// systemd's readiness protocol (sd_notify(3)): one datagram to the socket named by NOTIFY_SOCKET. Written
// here because the protocol is one sendto and libsystemd would be the largest library in the process.

#include <string_view>

namespace gantry::gateway {

/// "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…", "STATUS=…". Does nothing when nobody asked.
void notify_service_manager(std::string_view state);

}  // namespace gantry::gateway
