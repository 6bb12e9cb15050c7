// The shell of the launch checks: sends what judge.cpp judges.

#include "launch/verify.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "engine/headers.hpp"
#include "launch/judge.hpp"
#include "net/resolver.hpp"
#include "wire/request.hpp"

namespace gantry::launch {
namespace {

constexpr std::size_t kLongestReply = 64ull * 1024 * 1024;  // a models list is about 1 MB

// What all requests of one run share. Lives in verify()'s frame.
struct Session {
  const engine::Targets& upstreams;
  net::Loop& loop;
  const config::Config& config;
  const config::Route& route;
  MonoTime deadline;
};

// One key of one upstream.
struct Way {
  const engine::UpstreamTarget* upstream;
  std::size_t key = 0;
};

Task<Reply> ask(const Session& session, Way way, std::string_view method, std::string target,
                std::string body) {
  const auto& upstream = *way.upstream;
  const std::string path = upstream.base.path + target;
  const engine::UpstreamHeaders headers(session.route.attribution, upstream.keys[way.key].authorization,
                                        nullptr, "application/json");
  const std::array<std::string_view, 1> parts{body};
  const net::ClientRequest request{.method = method,
                                   .path = path,
                                   .headers = headers.all(),
                                   .body = body.empty() ? std::span<const std::string_view>{} : parts};
  const MonoTime start = session.loop.now();
  const net::ClientDeadlines deadlines{.connect = session.deadline, .head = session.deadline};
  Reply reply;
  auto response = co_await upstream.client->send(upstream.base.origin, request, deadlines, nullptr);
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

Task<Reply> ask_model(const Session& session, Way way, std::string model) {
  Reply reply;
  for (const int tokens : {5, 16}) {
    auto body =
        fmt::format(R"({{"model":{},"messages":[{{"role":"user","content":"test"}}],"max_tokens":{}}})",
                    wire::json_quote(model), tokens);
    reply = co_await ask(session, way, "POST", "/chat/completions", std::move(body));
    if (!refuses_few_tokens(reply)) break;
  }
  co_return reply;
}

// Requests side by side: each notes its reply, the last one wakes the waiter.
struct Group {
  std::size_t open = 0;
  net::Signal done;
};

Task<void> get_into(const Session& session, Way way, std::string target, Reply& to, Group& group) {
  to = co_await ask(session, way, "GET", std::move(target), {});
  if (--group.open == 0) group.done.notify();
}

Task<void> answer_into(const Session& session, Way way, std::string model, Reply& to, Group& group) {
  to = co_await ask_model(session, way, std::move(model));
  if (--group.open == 0) group.done.notify();
}

Role role_of(std::size_t index) { return index == 0 ? Role::primary : Role::fallback; }

/// What OpenRouter said of itself and of each key.
struct Account {
  Reply models;
  std::vector<Reply> keys;
  [[nodiscard]] bool refused(std::size_t key) const { return keys[key].status == 401; }
  /// The first key that was not refused, or keys.size().
  [[nodiscard]] std::size_t usable_key() const {
    std::size_t key = 0;
    while (key < keys.size() && refused(key)) ++key;
    return key;
  }
  /// Why none of its models is asked; empty = ask them.
  [[nodiscard]] std::string reason_to_skip() const {
    if (models.status == 0) return "the API cannot be reached";
    if (usable_key() < keys.size()) return {};
    return keys.size() == 1 ? "the key is not valid" : "no key is valid";
  }
};

// A model of another upstream: what is wrong there is not for OpenRouter's pages.
Check judge_elsewhere(Role role, const std::string& link, const config::ModelPlace& place, const Reply& reply,
                      const config::Config& config) {
  auto check = judge_model(role, link, reply, {});
  if (check.verdict == Verdict::fail)
    check.remedy = fmt::format("look at [upstreams.{}], and whether it serves {}",
                               config::upstream_at(config, place.upstream).name, place.model);
  return check;
}

Task<void> check_models(const Session& session, const Account& account, Report& report) {
  const auto& chain = session.route.models;
  const auto skip = account.reason_to_skip();
  std::vector<Reply> replies(chain.size());
  std::vector<config::ModelPlace> places;
  for (const auto& link : chain) places.push_back(config::locate(session.config, link));
  const auto skipped = [&](std::size_t i) { return places[i].upstream == 0 && !skip.empty(); };
  Group group{.open = 1, .done = {}};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (skipped(i)) continue;
    const Way way{&session.upstreams[places[i].upstream], places[i].upstream == 0 ? account.usable_key() : 0};
    ++group.open;
    session.loop.spawn(answer_into(session, way, std::string(places[i].model), replies[i], group));
  }
  if (--group.open > 0) co_await group.done;
  const auto living = model_ids(account.models.body);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (skipped(i)) {
      report.checks.push_back(skipped_model(role_of(i), chain[i], skip));
    } else if (places[i].upstream == 0) {
      report.checks.push_back(judge_model(role_of(i), chain[i], replies[i], living));
    } else {
      report.checks.push_back(judge_elsewhere(role_of(i), chain[i], places[i], replies[i], session.config));
    }
  }
}

// With several keys each has its own line.
Check of_key(Check check, const engine::UpstreamTarget& upstream, std::size_t key) {
  if (upstream.keys.size() > 1) check.title += fmt::format(" ({})", upstream.keys[key].name);
  return check;
}

Task<void> check_all(const Session& session, Report& report) {
  const auto& openrouter = session.upstreams.front();
  Account account;
  account.keys.resize(openrouter.keys.size());
  Group group{.open = 1 + account.keys.size(), .done = {}};
  session.loop.spawn(get_into(session, {&openrouter}, "/models", account.models, group));
  for (std::size_t i = 0; i < account.keys.size(); ++i)
    session.loop.spawn(get_into(session, {&openrouter, i}, "/key", account.keys[i], group));
  co_await group.done;
  report.checks.push_back(judge_api(account.models));
  for (std::size_t i = 0; i < account.keys.size(); ++i)
    report.checks.push_back(of_key(judge_key(account.keys[i]), openrouter, i));
  report.key_refused = account.usable_key() == account.keys.size();
  co_await check_models(session, account, report);
  for (std::size_t i = 0; i < account.keys.size(); ++i)
    report.checks.push_back(
        of_key(judge_credit(account.keys[i], session.config.verify.min_credit_usd), openrouter, i));
}

Report refused(const config::Config& config, const std::string& route, Failure why) {
  Reply reply;
  reply.failure = std::move(why.detail);
  return {.route = route, .upstream = config.upstream.base_url, .checks = {judge_api(reply)}};
}

Task<void> verify_into(const engine::Targets& upstreams, net::Loop& loop, const config::Config& config,
                       VerifyOptions options, Report& to) {
  to = co_await verify(upstreams, loop, config, std::move(options));
  loop.stop();
}

}  // namespace

Task<Report> verify(const engine::Targets& upstreams, net::Loop& loop, const config::Config& config,
                    VerifyOptions options) {
  const auto route = config.routes.find(options.route);
  if (route == config.routes.end())
    co_return refused(config, options.route, {Fault::not_found, "there is no route " + options.route});
  Report report{.route = options.route, .upstream = config.upstream.base_url};
  const MonoTime start = loop.now();
  const Session session{.upstreams = upstreams,
                        .loop = loop,
                        .config = config,
                        .route = route->second,
                        .deadline = start + options.limit};
  co_await check_all(session, report);
  report.took = loop.now() - start;
  co_return report;
}

Task<bool> verify_and_print(std::shared_ptr<const engine::Targets> upstreams, net::Loop& loop,
                            config::Snapshot config, bool simulated) {
  const auto report = co_await verify(*upstreams, loop, *config, {});
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
  engine::UpstreamTls tls;
  if (const auto ready = tls.prepare(config); !ready) return refused(config, options.route, ready.error());
  route::ScopeNames names{{}};
  engine::Upstreams upstreams(loop, resolver, &tls);
  upstreams.configure(config, names);
  Report report;
  loop.spawn(verify_into(*upstreams.targets(), loop, config, options, report));
  loop.run();
  upstreams.shut_down();
  loop.poll();
  return report;
}

}  // namespace gantry::launch
