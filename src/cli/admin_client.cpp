#include "cli/admin_client.hpp"

#include <array>
#include <vector>

#include "base/time.hpp"
#include "base/url.hpp"
#include "net/http_client.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace gantry::cli {
namespace {

constexpr std::size_t kLongestReply = 256ULL * 1024 * 1024;
constexpr auto kPatience = std::chrono::seconds{30};

std::string described(const std::string& url, const Failure& failure) {
  return url +
         " does not answer: " + (failure.detail.empty() ? std::string(name(failure.fault)) : failure.detail);
}

struct Exchange {
  net::HttpClient& client;
  net::Loop& loop;
  const net::BaseUrl& base;
  const std::string& url;
  const Secret& token;
  const access::AdminRequest& request;
};

Task<Result<access::AdminReply>> exchange(const Exchange& way) {
  const auto& request = way.request;
  const std::string target =
      way.base.path + request.path + (request.query.empty() ? "" : "?" + request.query);
  const std::string authorization = "Bearer " + std::string(way.token.reveal());
  std::vector<net::Header> headers{{"Authorization", authorization}};
  if (!request.accept.empty()) headers.push_back({"Accept", request.accept});
  if (request.method != "GET") headers.push_back({"Content-Type", "application/json"});
  const std::array<std::string_view, 1> parts{request.body};
  const net::ClientRequest sent{.method = request.method,
                                .path = target,
                                .headers = headers,
                                .body = request.body.empty() ? std::span<const std::string_view>{} : parts};
  const auto deadline = way.loop.now() + kPatience;
  const net::ClientDeadlines deadlines{.connect = deadline, .head = deadline};
  auto response = co_await way.client.send(way.base.origin, sent, deadlines, nullptr);
  if (!response) {
    const auto& failure = response.error().failure;
    co_return fail(failure.fault, described(way.url, failure));
  }
  access::AdminReply reply{.status = response->status(), .body = {}};
  reply.content_type = response->headers().get("content-type").value_or("");
  auto body = co_await response->read_all(kLongestReply, deadline);
  if (!body) co_return fail(body.error().fault, described(way.url, body.error()));
  reply.body = std::move(*body);
  co_return reply;
}

Task<void> exchange_into(const Exchange& way, Result<access::AdminReply>& to) {
  to = co_await exchange(way);
  way.loop.stop();
}

}  // namespace

bool is_safe_for_tokens(std::string_view url) {
  const auto parsed = parse_url(url);
  return parsed && (parsed->https || is_loopback(parsed->host));
}

Result<access::AdminReply> ask_server(const std::string& url, const Secret& token,
                                      const access::AdminRequest& request) {
  const auto base = net::parse_base_url(url);
  if (!base) return std::unexpected(base.error());
  if (!is_safe_for_tokens(url))
    return fail(Fault::bad_input, "the admin token would be readable on its way to " + url);
  auto tls = net::TlsContext::client({});
  if (!tls) return std::unexpected(tls.error());
  const SystemTime time;
  net::Loop loop(time);
  net::Resolver resolver;
  net::HttpClient client(loop, {}, resolver, &*tls);
  Result<access::AdminReply> reply = fail(Fault::internal);
  const Exchange way{client, loop, *base, url, token, request};
  loop.spawn(exchange_into(way, reply));
  loop.run();
  client.shut_down();
  loop.poll();
  return reply;
}

}  // namespace gantry::cli
