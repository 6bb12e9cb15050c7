// The bench's upstream. Prints one line, "plain=PORT secure=PORT" (secure=0 without a certificate), then
// serves until it is told to end.

#include <cstdio>
#include <optional>
#include <utility>

#include "support/system.hpp"
#include "upstream/server.hpp"

int main(int argc, char** argv) {
  using namespace gantry::bench;
  const Options options(argc, argv, {{"core", "1"}, {"certificate", ""}, {"key", ""}});
  settle_in(static_cast<int>(options.number("core")));
  Fd plain = listen_on(0);
  Fd secure;
  std::optional<ServerTls> tls;
  if (!options.text("certificate").empty()) {
    tls.emplace(options.text("certificate"), options.text("key"));
    secure = listen_on(0);
  }
  std::printf("plain=%d secure=%d\n", local_port(plain), secure.open() ? local_port(secure) : 0);
  std::fflush(stdout);
  UpstreamServer server(std::move(plain), std::move(secure), tls ? &*tls : nullptr);
  server.run();
}
