// Rules between fields. Each names the file's line when the field was written there.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/url.hpp"
#include "config/build.hpp"
#include "config/nearest.hpp"
#include "config/units.hpp"

namespace gantry::config {
namespace {

class Checker {
 public:
  explicit Checker(const Config& config) : config_(config) {}

  void server();
  void upstream(const Upstream& upstream, const std::string& path);
  void route(const Route& route);
  void health();
  void watch();
  std::vector<Problem> take() { return std::move(problems_); }

 private:
  void add(std::initializer_list<std::string> paths, std::string message, std::string remedy);
  void timeouts(const Route& route);
  void provider(const Route& route);
  void proxy(const Upstream& upstream, const std::string& path);
  void chain(const Route& route);
  void region(const Route& route);
  std::string remedy_for(std::string_view unknown_upstream) const;

  const Config& config_;
  std::vector<Problem> problems_;
};

// Where: the first of the fields that was set, else the file.
void Checker::add(std::initializer_list<std::string> paths, std::string message, std::string remedy) {
  std::string where = config_.source.empty() ? "defaults" : config_.source;
  for (const auto& path : paths) {
    const auto origin = config_.origins.find(path);
    if (origin == config_.origins.end()) continue;
    where = origin->second;
    break;
  }
  problems_.push_back({std::move(where), std::move(message), std::move(remedy)});
}

void Checker::server() {
  const auto& server = config_.server;
  if (server.tls_certificate.empty() != server.tls_key.empty())
    add({"server.tls_certificate", "server.tls_key"},
        "server.tls_certificate and server.tls_key come together, and only one of them is set",
        "set both to serve TLS, or neither");
}

void Checker::upstream(const Upstream& upstream, const std::string& path) {
  const auto base = parse_url(upstream.base_url);
  if (upstream.base_url.empty()) {  // told where it was read
  } else if (!base) {
    add({path + ".base_url"}, fmt::format("{}.base_url is not usable: {}", path, base.error().detail),
        "write it like https://openrouter.ai/api/v1");
  } else if (base->user_info) {
    add({path + ".base_url"}, path + ".base_url holds a user name or password",
        fmt::format("take it out of the URL; the key is given by {}.key", path));
  } else if (!base->https && !is_loopback(base->host) && !upstream.allow_plain_http) {
    add({path + ".base_url"},
        fmt::format("{}.base_url is plain http to {}, where the key and every prompt can be read on the way",
                    path, base->host),
        fmt::format("use https://, or set allow_plain_http = true under [{}]", path));
  }
  if (!upstream.proxy.empty()) proxy(upstream, path);
}

void Checker::proxy(const Upstream& upstream, const std::string& path) {
  const auto proxy = parse_url(upstream.proxy);
  const auto origin = config_.origins.find(path + ".proxy");
  const bool from_variable =
      origin != config_.origins.end() && (origin->second == "HTTPS_PROXY" || origin->second == "https_proxy");
  if (!proxy || proxy->https) {
    add({path + ".proxy"},
        fmt::format("{}.proxy is not usable: {}", path,
                    proxy ? "it is not plain http" : proxy.error().detail),
        "write it like http://HOST:PORT");
  } else if (proxy->user_info && !from_variable) {
    add({path + ".proxy"}, path + ".proxy holds a user name or password",
        "keep it out of this file: set the variable HTTPS_PROXY instead");
  }
}

void Checker::route(const Route& route) {
  const auto path = "routes." + route.name;
  std::set<std::string> seen;
  for (const auto& model : route.models)
    if (!seen.insert(model).second)
      add({path + ".fallbacks", path + ".primary"}, fmt::format("{} names {} twice", path, model),
          "name each model of a chain once");
  if (route.max_tokens_ceiling > 0 && route.max_tokens > route.max_tokens_ceiling)
    add({path + ".max_tokens"},
        fmt::format("{}.max_tokens ({}) is above its max_tokens_ceiling ({})", path, route.max_tokens,
                    route.max_tokens_ceiling),
        "lower max_tokens or raise the ceiling");
  chain(route);
  region(route);
  timeouts(route);
  provider(route);
}

std::string Checker::remedy_for(std::string_view unknown_upstream) const {
  std::vector<std::string_view> known{"openrouter"};
  for (const auto& upstream : config_.upstreams) known.push_back(upstream.name);
  const auto guess = nearest(unknown_upstream, known);
  return guess.empty() ? fmt::format("describe it under [upstreams.{}], or name a model as author/slug",
                                     unknown_upstream)
                       : fmt::format("did you mean {}?", guess);
}

// Every upstream that the chain names exists. What a route has from the default route is told there.
void Checker::chain(const Route& route) {
  const auto path = "routes." + route.name;
  const auto fallbacks = config_.origins.find(path + ".fallbacks");
  const bool inherited = fallbacks != config_.origins.end() && fallbacks->second == "routes.default";
  for (std::size_t i = 0; i < (inherited ? 1 : route.models.size()); ++i) {
    const auto upstream = split_chain_name(route.models[i]).upstream;
    if (upstream.empty() || locate(config_, route.models[i]).upstream != 0) continue;
    const auto field = i == 0 ? path + ".primary" : path + ".fallbacks";
    add({i == 0 ? field : fmt::format("{}[{}]", field, i - 1), field},
        fmt::format("{} names the upstream {}, and there is none of that name", field, upstream),
        remedy_for(upstream));
  }
}

void Checker::region(const Route& route) {
  const auto there = [&](const auto& model) {
    return upstream_at(config_, locate(config_, model).upstream).region == route.region;
  };
  if (route.region.empty() || std::ranges::any_of(route.models, there)) return;
  const auto path = "routes." + route.name;
  add({path + ".region"},
      fmt::format("no upstream of {}'s chain is declared to be in its region, {}", path, route.region),
      "declare region under [upstream] or [upstreams.NAME], or take region out of the route");
}

void Checker::provider(const Route& route) {
  const auto path = "routes." + route.name + ".provider.";
  const auto& rules = route.provider;
  const auto ignored = [&](const auto& each) { return std::ranges::count(rules.ignore, each) != 0; };
  if (!rules.only.empty() && std::ranges::all_of(rules.only, ignored))
    add({path + "ignore", path + "only"},
        fmt::format("{}ignore leaves none of the providers that {}only allows", path, path),
        "take one of them out of ignore, or allow another");
}

void Checker::timeouts(const Route& route) {
  const auto path = "routes." + route.name + ".timeouts.";
  const auto& t = route.timeouts;
  const std::pair<const char*, Duration> parts[] = {
      {"connect", t.connect}, {"silence", t.silence}, {"first_token", t.first_token}, {"stall", t.stall}};
  for (const auto& [name, value] : parts)
    if (value > t.call)
      add({path + name, path + "call"},
          fmt::format("{}{} ({}) is longer than the whole call may take ({})", path, name,
                      format_duration(value), format_duration(t.call)),
          fmt::format("lower {} or raise call", name));
}

void Checker::health() {
  const auto& health = config_.health;
  if (health.probe_time > health.window)
    add({"health.probe_time", "health.window"},
        fmt::format("health.probe_time ({}) is longer than health.window ({})",
                    format_duration(health.probe_time), format_duration(health.window)),
        "lower probe_time or raise window");
  const auto openrouters = [&](const auto& model) { return locate(config_, model).upstream == 0; };
  if (health.probe && std::ranges::none_of(config_.routes.at("default").models, openrouters))
    add({"health.probe"}, "health.probe asks OpenRouter, and the default route names no model of its",
        "name one in routes.default, or set probe = false");
}

void Checker::watch() {
  const auto every = config_.watch.every;
  if (every != Duration::zero() && every < std::chrono::seconds{1})
    add({"watch.every"}, fmt::format("watch.every ({}) is less than a second", format_duration(every)),
        "write at least \"1s\", or \"0s\" to turn it off");
  if (every == Duration::zero() && config_.watch.credits)
    add({"watch.credits", "watch.every"}, "watch.credits is on, and watch.every turns all looks off",
        "set watch.every to something like \"60s\", or credits to false");
}

}  // namespace

std::vector<Problem> check_together(const Config& config) {
  Checker checker(config);
  checker.server();
  checker.upstream(config.upstream, "upstream");
  for (const auto& upstream : config.upstreams) checker.upstream(upstream, "upstreams." + upstream.name);
  for (const auto& [name, route] : config.routes) checker.route(route);
  checker.health();
  checker.watch();
  return checker.take();
}

}  // namespace gantry::config
