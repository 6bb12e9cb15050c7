#include "manage/session.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <optional>

#include "config/secret_source.hpp"
#include "engine/headers.hpp"
#include "engine/upstreams.hpp"
#include "net/http_client.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"

namespace gantry::manage {
namespace {

constexpr Duration kLimit = std::chrono::seconds{30};  // for one request
constexpr std::size_t kLongestReply = 4ull * 1024 * 1024;

// One request. Lives in Session::ask()'s frame.
struct Question {
  std::string_view method;
  std::string path;
  std::string_view body;
};

Task<void> ask_into(const engine::UpstreamTarget& upstream, net::Loop& loop, const Question& question,
                    Answer& to) {
  const config::Attribution nobody;
  const engine::UpstreamHeaders headers(nobody, upstream.keys.front().authorization, nullptr,
                                        "application/json");
  const std::array<std::string_view, 1> parts{question.body};
  bool on_its_way = false;
  const net::ClientRequest request{
      .method = question.method,
      .path = question.path,
      .headers = headers.all(),
      .body = question.body.empty() ? std::span<const std::string_view>{} : parts,
      .on_its_way = &on_its_way};
  const MonoTime deadline = loop.now() + kLimit;
  auto response = co_await upstream.client->send(upstream.base.origin, request,
                                                 {.connect = deadline, .head = deadline}, nullptr);
  if (response) {
    auto read = co_await response->read_all(kLongestReply, deadline);
    if (read) {
      to.status = response->status(), to.body = std::move(*read);
    } else {
      to.failure = "the reply broke off: " + std::string(name(read.error().fault));
    }
  } else {
    const auto& failure = response.error().failure;
    to.failure = failure.detail.empty() ? std::string(name(failure.fault)) : failure.detail;
  }
  to.maybe_done = to.status == 0 && on_its_way && question.method != "GET";
  loop.stop();
}

// [upstream] with the management key in place of its keys, and nothing else of the configuration.
config::Config managing(const config::Config& config, Secret key) {
  config::Config out;
  out.upstream = config.upstream;
  out.upstream.keys = {{.secret = std::move(key)}};
  return out;
}

class Session {
 public:
  explicit Session(config::Config config) : config_(std::move(config)) {}
  /// Errors: bad_input when the authorities to trust cannot be read.
  Result<void> prepare() { return tls_.prepare(config_); }

  // Each request has a loop of its own: there are few, and one after the other.
  Answer ask(std::string_view method, const std::string& path, const std::string& body) {
    const SystemTime time;
    net::Loop loop(time);
    net::Resolver resolver;
    route::ScopeNames names{{}};
    engine::Upstreams upstreams(loop, resolver, &tls_);
    upstreams.configure(config_, names);
    const auto& upstream = upstreams.targets()->front();
    const Question question{.method = method, .path = upstream.base.path + path, .body = body};
    Answer answer;
    loop.spawn(ask_into(upstream, loop, question, answer));
    loop.run();
    upstreams.shut_down();
    loop.poll();
    return answer;
  }

 private:
  config::Config config_;
  engine::UpstreamTls tls_;
};

bool write(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

std::optional<Secret> management_key(const config::Config& config,
                                     const std::map<std::string, std::string>& environment) {
  const auto& reference = config.upstream.management_key;
  auto key = config::resolve(reference, environment);
  if (key && !key->empty()) return std::move(*key);
  fmt::print(stderr,
             "no management key: {}\n    create one in OpenRouter's settings and set "
             "OPENROUTER_MANAGEMENT_KEY, or say "
             "in upstream.management_key where it is\n",
             key ? config::to_string(reference) + " gives none" : config::without_keys(key.error().detail));
  return std::nullopt;
}

}  // namespace

bool manage_now(const config::Config& config, const std::map<std::string, std::string>& environment,
                const Order& order) {
  auto key = management_key(config, environment);
  if (!key) return false;
  Session session(managing(config, std::move(*key)));
  if (const auto ready = session.prepare(); !ready) {
    fmt::print(stderr, "{}\n    upstream.ca_file names the authorities to trust\n", ready.error().detail);
    return false;
  }
  return carry_out(order,
                   [&session](std::string_view method, const std::string& path, const std::string& body) {
                     return session.ask(method, path, body);
                   },
                   {.out = write, .err = [](const std::string& text) { std::fputs(text.c_str(), stderr); }});
}

}  // namespace gantry::manage
