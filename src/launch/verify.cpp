// The shell of the launch checks: sends what judge.cpp judges.

#include "launch/verify.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <deque>

#include "launch/judge.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"
#include "wire/request.hpp"

namespace gantry::launch {
namespace {

constexpr std::size_t kLongestReply = 64ull * 1024 * 1024;  // a models list is about 1 MB

// What all requests of one run share. Lives in verify()'s frame.
struct Session {
  net::HttpClient& client;
  net::Loop& loop;
  const config::Config& config;
  const config::Route& route;
  net::BaseUrl base;
  std::string bearer;
  MonoTime deadline;
};

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

Task<Reply> ask(const Session& session, std::string_view method, std::string target, std::string body) {
  const std::string path = session.base.path + target;
  const std::string categories = join(session.route.attribution.categories);
  std::vector<net::Header> headers{{"Authorization", session.bearer},
                                   {"Accept", "application/json"},
                                   {"Accept-Encoding", "identity"},
                                   {"Content-Type", "application/json"}};
  const auto& attribution = session.route.attribution;
  if (!attribution.referer.empty()) headers.push_back({"HTTP-Referer", attribution.referer});
  if (!attribution.title.empty()) headers.push_back({"X-OpenRouter-Title", attribution.title});
  if (!categories.empty()) headers.push_back({"X-OpenRouter-Categories", categories});
  const std::array<std::string_view, 1> parts{body};
  const net::ClientRequest request{.method = method,
                                   .path = path,
                                   .headers = headers,
                                   .body = body.empty() ? std::span<const std::string_view>{} : parts};
  const MonoTime start = session.loop.now();
  const net::ClientDeadlines deadlines{.connect = session.deadline, .head = session.deadline};
  Reply reply;
  auto response = co_await session.client.send(session.base.origin, request, deadlines, nullptr);
  if (!response) {
    const auto& failure = response.error().failure;
    reply.failure = failure.detail.empty() ? std::string(name(failure.fault)) : failure.detail;
    reply.took = session.loop.now() - start;
    co_return reply;
  }
  auto read = co_await response->read_all(kLongestReply, session.deadline);
  reply.took = session.loop.now() - start;
  if (read) {
    reply.status = response->status(), reply.body = std::move(*read);
  } else {
    reply.failure = "the reply broke off: " + std::string(name(read.error().fault));
  }
  co_return reply;
}

Task<Reply> ask_model(const Session& session, std::string model) {
  Reply reply;
  for (const int tokens : {5, 16}) {
    auto body =
        fmt::format(R"({{"model":{},"messages":[{{"role":"user","content":"test"}}],"max_tokens":{}}})",
                    wire::json_quote(model), tokens);
    reply = co_await ask(session, "POST", "/chat/completions", std::move(body));
    if (!refuses_few_tokens(reply)) break;
  }
  co_return reply;
}

// Requests side by side: each notes its reply, the last one wakes the waiter.
struct Group {
  std::size_t open = 0;
  net::Signal done;
};

Task<void> get_into(const Session& session, std::string target, Reply& to, Group& group) {
  to = co_await ask(session, "GET", std::move(target), {});
  if (--group.open == 0) group.done.notify();
}

Task<void> answer_into(const Session& session, std::string model, Reply& to, Group& group) {
  to = co_await ask_model(session, std::move(model));
  if (--group.open == 0) group.done.notify();
}

Role role_of(std::size_t index) { return index == 0 ? Role::primary : Role::fallback; }

// Why no model is asked; empty = ask them.
std::string reason_to_skip(const Reply& models, const Reply& key) {
  if (models.status == 0) return "the API cannot be reached";
  if (key.status == 401) return "the key is not valid";
  return {};
}

Task<void> check_models(const Session& session, const std::vector<std::string>& living, Report& report) {
  const auto& chain = session.route.models;
  std::vector<Reply> replies(chain.size());
  Group group{.open = chain.size(), .done = {}};
  for (std::size_t i = 0; i < chain.size(); ++i)
    session.loop.spawn(answer_into(session, chain[i], replies[i], group));
  co_await group.done;
  for (std::size_t i = 0; i < chain.size(); ++i)
    report.checks.push_back(judge_model(role_of(i), chain[i], replies[i], living));
}

Task<void> check_all(const Session& session, Report& report) {
  Reply models, key;
  Group group{.open = 2, .done = {}};
  session.loop.spawn(get_into(session, "/models", models, group));
  session.loop.spawn(get_into(session, "/key", key, group));
  co_await group.done;
  report.checks.push_back(judge_api(models));
  report.checks.push_back(judge_key(key));
  report.key_refused = key.status == 401;
  const auto skip = reason_to_skip(models, key);
  if (skip.empty()) {
    co_await check_models(session, model_ids(models.body), report);
  } else {
    for (std::size_t i = 0; i < session.route.models.size(); ++i)
      report.checks.push_back(skipped_model(role_of(i), session.route.models[i], skip));
  }
  report.checks.push_back(judge_credit(key, session.config.verify.min_credit_usd));
}

Report refused(const config::Config& config, const std::string& route, Failure why) {
  Reply reply;
  reply.failure = std::move(why.detail);
  return {.route = route, .upstream = config.upstream.base_url, .checks = {judge_api(reply)}};
}

Task<void> verify_into(net::HttpClient& client, net::Loop& loop, const config::Config& config,
                       VerifyOptions options, Report& to) {
  to = co_await verify(client, loop, config, std::move(options));
  loop.stop();
}

}  // namespace

Task<Report> verify(net::HttpClient& client, net::Loop& loop, const config::Config& config,
                    VerifyOptions options) {
  auto base = net::parse_base_url(config.upstream.base_url);
  if (!base) co_return refused(config, options.route, base.error());
  const auto route = config.routes.find(options.route);
  if (route == config.routes.end())
    co_return refused(config, options.route, {Fault::not_found, "there is no route " + options.route});
  Report report{.route = options.route, .upstream = config.upstream.base_url};
  const MonoTime start = loop.now();
  const Session session{.client = client,
                        .loop = loop,
                        .config = config,
                        .route = route->second,
                        .base = std::move(*base),
                        .bearer = "Bearer " + std::string(config.upstream.key().reveal()),
                        .deadline = start + options.limit};
  co_await check_all(session, report);
  report.took = loop.now() - start;
  co_return report;
}

Task<bool> verify_and_print(net::HttpClient& client, net::Loop& loop, config::Snapshot config,
                            bool simulated) {
  const auto report = co_await verify(client, loop, *config, {});
  std::string text = (simulated ? "SIMULATED. " : "") + table(report);
  if (!report.passed() && !report.key_refused)
    text +=
        "\nServing all the same: calls that need what failed will fail. Mend it, then run gantry verify.\n";
  std::fwrite(text.data(), 1, text.size(), stdout);  // a closed stdout is no reason to stop serving
  std::fflush(stdout);
  co_return !report.key_refused;
}

Report verify_now(const config::Config& config, const VerifyOptions& options) {
  const SystemTime time;
  net::Loop loop(time);
  net::Resolver resolver;
  std::optional<net::TlsContext> tls;
  if (config.upstream.base_url.starts_with("https://")) {
    auto context = net::TlsContext::client({.ca_file = config.upstream.ca_file});
    if (!context) return refused(config, options.route, context.error());
    tls.emplace(std::move(*context));
  }
  net::ClientOptions client_options;
  client_options.proxy = config.upstream.proxy;
  client_options.no_proxy = config.upstream.no_proxy;
  net::HttpClient client(loop, client_options, resolver, tls ? &*tls : nullptr);
  Report report;
  loop.spawn(verify_into(client, loop, config, options, report));
  loop.run();
  client.shut_down();
  loop.poll();
  return report;
}

}  // namespace gantry::launch
