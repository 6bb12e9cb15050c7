#include "gateway/admin_client.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "base/json_string.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"
#include "wire/json_index.hpp"
#include "wire/reply.hpp"

namespace gantry::gateway {
namespace {

constexpr Duration kLimit = std::chrono::seconds{10};
constexpr std::size_t kLongestReply = 4ull * 1024 * 1024;  // a thousand breakers are 200 KB

struct Question {
  std::string_view method, path;
  std::string body{};
};

struct Reply {
  int status = 0;
  std::string body{};
};

std::string text_of(const net::BaseUrl& server) {
  return fmt::format("{}://{}{}", server.origin.https ? "https" : "http", server.origin.host_header(),
                     server.path);
}

std::string words(const Failure& failure) {
  return failure.detail.empty() ? std::string(name(failure.fault)) : failure.detail;
}

Task<Result<Reply>> ask(net::HttpClient& client, const net::BaseUrl& server, const Question& question,
                        MonoTime deadline) {
  const std::string path = server.path + std::string(question.path);
  const std::array<net::Header, 2> headers{
      {{"Accept", "application/json"}, {"Content-Type", "application/json"}}};
  const std::array<std::string_view, 1> body{question.body};
  const net::ClientRequest request{
      .method = question.method,
      .path = path,
      .headers = std::span(headers).first(question.body.empty() ? 1 : 2),
      .body = question.body.empty() ? std::span<const std::string_view>{} : body};
  const net::ClientDeadlines deadlines{.connect = deadline, .head = deadline};
  auto response = co_await client.send(server.origin, request, deadlines, nullptr);
  if (!response) co_return std::unexpected(response.error().failure);
  auto read = co_await response->read_all(kLongestReply, deadline);
  if (!read) co_return std::unexpected(read.error());
  co_return Reply{.status = response->status(), .body = std::move(*read)};
}

Task<void> ask_into(net::HttpClient& client, net::Loop& loop, const net::BaseUrl& server,
                    const Question& question, std::optional<Result<Reply>>& to) {
  const MonoTime deadline = loop.now() + kLimit;
  to = co_await ask(client, server, question, deadline);
  loop.stop();
}

Result<Reply> ask_now(const net::BaseUrl& server, const Question& question) {
  const SystemTime time;
  net::Loop loop(time);
  net::Resolver resolver;
  std::optional<net::TlsContext> tls;
  if (server.origin.https) {
    auto made = net::TlsContext::client({});
    if (!made) return std::unexpected(made.error());
    tls.emplace(std::move(*made));
  }
  net::HttpClient client(loop, {}, resolver, tls ? &*tls : nullptr);
  std::optional<Result<Reply>> reply;
  loop.spawn(ask_into(client, loop, server, question, reply));
  loop.run();
  client.shut_down();
  loop.poll();
  if (!reply) return fail(Fault::internal, "the question was not asked");
  if (!*reply)
    return fail(reply->error().fault, fmt::format("{}: {}", text_of(server), words(reply->error())));
  return std::move(**reply);
}

// Gateways say in their errors what to do.
bool is_gateways(std::string_view error) {
  wire::JsonIndex index;
  if (index.parse(error)) return false;
  auto value = std::optional(index.root());
  for (const auto* member : {"error", "metadata", "gantry"})
    if (value) value = value->find(member);
  return value.has_value();
}

/// The body of a 200.
Result<std::string> ask_well(const net::BaseUrl& server, const Question& question) {
  auto reply = ask_now(server, question);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status == 200) return std::move(reply->body);
  if (!is_gateways(reply->body))
    return fail(Fault::not_found, fmt::format("{}: status {}, which no gateway answers at {}",
                                              text_of(server), reply->status, question.path));
  return fail(Fault::bad_input, wire::read_error(reply->status, reply->body).message);
}

}  // namespace

Result<std::string> fetch_breakers(const net::BaseUrl& server) {
  return ask_well(server, {.method = "GET", .path = "/admin/v1/breakers"});
}

Result<long> reset_breakers(const net::BaseUrl& server, std::string_view name) {
  Question question{.method = "POST", .path = "/admin/v1/breakers/reset", .body = "{}"};
  if (!name.empty()) {
    question.body = R"({"name":)";
    append_quoted(question.body, name);
    question.body += '}';
  }
  const auto body = ask_well(server, question);
  if (!body) return std::unexpected(body.error());
  wire::JsonIndex index;
  if (index.parse(*body)) return fail(Fault::malformed, text_of(server) + ": the answer is no JSON");
  const auto closed = index.root().find("closed");
  const auto count = closed ? closed->integer() : std::nullopt;
  if (!count)
    return fail(Fault::malformed, text_of(server) + ": the answer does not say how many were closed");
  return *count;
}

}  // namespace gantry::gateway
