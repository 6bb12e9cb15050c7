#pragma once
// The upstream behind the measured proxy: one thread, one epoll, fixed answers.

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/message.hpp"
#include "support/system.hpp"
#include "upstream/link.hpp"
#include "upstream/reply.hpp"

namespace gantry::bench {

class UpstreamServer {
 public:
  /// Serves plain HTTP on `plain` and TLS on `secure`, which may be closed.
  UpstreamServer(Fd plain, Fd secure, const ServerTls* tls);
  /// Until the process is told to end.
  [[noreturn]] void run();

 private:
  struct Connection {
    Connection(Fd socket, const ServerTls* tls) : link(std::move(socket), tls) {}
    Link link;
    MessageReader request;
    std::string start_of_body;
    bool streaming = false;
    Order order;
    std::int64_t sent_tokens = 0;
  };
  /// Serial numbers are never used twice, so that a frame due for a closed connection finds nobody.
  struct Due {
    std::int64_t at_ns;
    std::uint64_t serial;
    bool operator>(const Due& other) const { return at_ns > other.at_ns; }
  };

  void accept_from(const Fd& listener, const ServerTls* tls);
  void serve(std::uint64_t serial, std::uint32_t events);
  bool read(std::uint64_t serial, Connection& connection, bool peer_ended);
  bool take(std::uint64_t serial, Connection& connection, std::string_view bytes);
  bool answer(std::uint64_t serial, Connection& connection);
  bool send_token(std::uint64_t serial, Connection& connection, std::int64_t due_ns);
  void send_due();
  [[nodiscard]] std::int64_t until_next() const;

  Fd epoll_ = epoll_create();
  Fd plain_;
  Fd secure_;
  const ServerTls* tls_;
  std::uint64_t next_serial_ = 2;  // 0 and 1 are the listeners
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  ReplyBook replies_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

}  // namespace gantry::bench
