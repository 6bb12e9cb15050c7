#include "sim/simulator.hpp"

#include <fmt/format.h>
#include <charconv>

#include "base/secret.hpp"
#include "net/http_server.hpp"
#include "sim/completion.hpp"
#include "sim/errors.hpp"
#include "sim/listings.hpp"
#include "sim/presence.hpp"
#include "sim/world.hpp"

namespace gantry::sim {
namespace {

/// A reply that is made at once.
struct Reply {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

Reply failed(ErrorCase error, const FaultSet& faults = {}) {
  auto shaped = shape_error(std::move(error), faults);
  return {shaped.status, std::move(shaped.body), shaped.content_type, std::move(shaped.headers)};
}

Reply ok(std::string body) { return {.status = 200, .body = std::move(body), .headers = {}}; }

std::string bearer(const net::HeaderView& headers) {
  const auto value = headers.get("authorization").value_or("");
  constexpr std::string_view kScheme = "Bearer ";
  if (value.size() <= kScheme.size() || !net::same_name(value.substr(0, kScheme.size()), kScheme)) return {};
  return std::string(value.substr(kScheme.size()));
}

bool is_management(std::string_view key) { return key.starts_with("sk-or-mgmt-"); }

// The path below /api/v1 or /v1; nullopt when it is neither.
std::optional<std::string_view> below_api(std::string_view path) {
  for (const std::string_view prefix : {"/api/v1", "/v1"})
    if (path.starts_with(prefix) && path.size() > prefix.size() && path[prefix.size()] == '/')
      return path.substr(prefix.size());
  return std::nullopt;
}

constexpr std::string_view kKnownPaths =
    "POST /chat/completions, POST /completions, GET /models, /models/count, /models/user, "
    "/model/{author}/{slug}, "
    "/models/{author}/{slug}/endpoints, /providers, /key, /auth/key, /credits, /generation?id=";

/// One request that is not a completion: everything it may look at.
struct Asked {
  Simulator::World& world;
  const net::RequestHead& head;
  std::string_view path;  ///< below /api/v1
  std::string key;        ///< the bearer token, empty when there is none
  FaultSet faults;

  // Why the key will not do; nullopt when it will.
  [[nodiscard]] std::optional<ErrorCase> bad_key() const {
    if (key.empty()) return simple_error(401);
    const auto& only = world.options.key;
    const bool known =
        key.starts_with("sk-or-") && (only.empty() || is_management(key) || Secret(only).matches(key));
    return known ? std::nullopt : std::optional(simple_error(401, "User not found"));
  }
};

Reply models(const Asked& asked) {
  auto query = parse_model_query(asked.head.query);
  query.odd = asked.faults.has(FaultKind::odd_models);
  return ok(models_json(asked.world.catalogue, query, asked.world.time.wall()));
}

Reply no_model(std::string_view id) {
  return failed(simple_error(404, fmt::format("Model {} does not exist", id)));
}

Reply one_model(const Asked& asked, std::string_view id) {
  const auto* model = asked.world.catalogue.find(percent_decode(id));
  return model ? ok(model_json(*model, asked.world.time.wall())) : no_model(id);
}

Reply endpoints(const Asked& asked, std::string_view id) {
  const auto* model = asked.world.catalogue.find(percent_decode(id));
  if (!model) return no_model(id);
  return ok(endpoints_json(*model, !asked.key.empty() && !asked.bad_key(), asked.world.time.wall()));
}

Reply key_info(const Asked& asked) {
  if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
  return ok(key_json({.label = Secret::mask(asked.key),
                      .usage = asked.world.accounts.see(asked.key, asked.world.time.wall()),
                      .reset = asked.world.accounts.reset(),
                      .management = is_management(asked.key),
                      .credit = asked.faults.text(FaultKind::credit)}));
}

Reply credits(const Asked& asked) {
  if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
  if (!is_management(asked.key))
    return failed(simple_error(403, "Only management keys can perform this operation"));
  constexpr std::string_view kBought = "1000";
  return ok(fmt::format(R"({{"data":{{"total_credits":{},"total_usage":{}}}}})", kBought,
                        to_decimal(asked.world.accounts.total())));
}

Reply generation(const Asked& asked) {
  if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
  const auto id = query_value(asked.head.query, "id").value_or("");
  if (id.empty()) return failed(simple_error(400, "id: the query must name a generation"));
  const auto found = asked.world.generations.find(id, asked.key, asked.world.time.mono());
  if (!found) return failed(simple_error(404, fmt::format("Generation {} not found", id)));
  return ok(generation_json(*found));
}

Reply unknown_path(const Asked& asked) {
  return failed(simple_error(404, fmt::format("{} {} does not exist; what exists below /api/v1: {}",
                                              asked.head.method, asked.head.path, kKnownPaths)));
}

Reply answer_get(const Asked& asked) {
  const auto p = asked.path;
  if (p == "/models") return models(asked);
  if (p == "/models/count") return ok(count_json(asked.world.catalogue, parse_model_query(asked.head.query)));
  if (p == "/models/user") {
    if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
    return models(asked);
  }
  if (p == "/providers") return ok(providers_json(asked.world.catalogue));
  if (p == "/key" || p == "/auth/key") return key_info(asked);
  if (p == "/credits") return credits(asked);
  if (p == "/generation") return generation(asked);
  constexpr std::string_view kOne = "/model/", kMany = "/models/", kEndpoints = "/endpoints";
  if (p.starts_with(kOne)) return one_model(asked, p.substr(kOne.size()));
  if (p.starts_with(kMany) && p.ends_with(kEndpoints) && p.size() > kMany.size() + kEndpoints.size())
    return endpoints(asked, p.substr(kMany.size(), p.size() - kMany.size() - kEndpoints.size()));
  return unknown_path(asked);
}

Reply answer(const Asked& asked) {
  if (asked.faults.refuses())
    return failed(fault_error(asked.faults, "", asked.world.catalogue, asked.world.time.wall()),
                  asked.faults);
  return asked.head.method == "GET" ? answer_get(asked) : unknown_path(asked);
}

Task<void> send(net::Exchange& exchange, Reply reply) {
  std::vector<net::Header> headers{{"Content-Type", reply.content_type}, {"x-gantry-simulated", "1"}};
  for (const auto& [field, value] : reply.headers) headers.push_back({field, value});
  auto done = co_await exchange.reply(reply.status, headers, reply.body);
  static_cast<void>(done);
}

Task<void> stall(net::Exchange& exchange, Duration wait) {
  Presence presence(exchange);
  co_await presence.until(exchange.loop().now() + wait);
}

// GET and the like below /api/v1: one attempt in the journal, one reply.
Task<void> serve_simple(Simulator::World& world, net::Exchange& exchange, std::string_view path,
                        std::string key) {
  Asked asked{world, exchange.head(), path, std::move(key), world.script_faults(path, false, "")};
  auto attempt = attempt_of(world, exchange);
  std::optional<Reply> wrong;
  if (const auto text = asked.head.headers.get("x-sim-fault")) {
    auto faults = parse_faults(*text);
    if (faults) {
      asked.faults.merge(*faults);
    } else {
      wrong = failed(simple_error(400, "x-sim-fault: " + faults.error().detail));
    }
  }
  attempt.faults = asked.faults.describe();
  const auto number = world.journal.begin(std::move(attempt));
  if (const auto* wait = asked.faults.get(FaultKind::stall_headers)) {
    co_await stall(exchange, std::chrono::milliseconds{wait->number});
  }
  auto reply = wrong ? std::move(*wrong) : answer(asked);
  const int status = reply.status;
  co_await send(exchange, std::move(reply));
  const auto now = world.elapsed();
  world.journal.update(number, [&](Attempt& a) {
    a.status = status;
    a.bytes_sent = exchange.bytes_sent();
    a.cancelled = exchange.hung_up();
    a.finished = !a.cancelled;
    if (a.cancelled) a.cancelled_at = now;
    a.ended = now;
  });
}

// A completion needs an inference key (CONTRACT §1.2).
std::optional<ErrorCase> completion_key_error(const Asked& asked) {
  if (auto error = asked.bad_key()) return error;
  if (is_management(asked.key)) return simple_error(403, "A management key cannot be used for completions");
  return std::nullopt;
}

Task<void> serve_api(Simulator::World& world, net::Exchange& exchange, std::string_view path) {
  const auto& head = exchange.head();
  auto key = bearer(head.headers);
  const bool chat = path == "/chat/completions";
  if (head.method != "POST" || (!chat && path != "/completions")) {
    co_await serve_simple(world, exchange, path, std::move(key));
    co_return;
  }
  auto error = completion_key_error(Asked{world, head, path, key, {}});
  if (!error) {
    co_await serve_completion(world, exchange, chat ? Api::chat : Api::completions, std::move(key));
    co_return;
  }
  auto attempt = attempt_of(world, exchange);
  attempt.status = error->status;
  attempt.finished = true;
  world.journal.begin(std::move(attempt));
  co_await send(exchange, failed(std::move(*error)));
}

}  // namespace

Simulator::Simulator(std::unique_ptr<World> world) : world_(std::move(world)) {}
Simulator::~Simulator() = default;

Result<std::unique_ptr<Simulator>> Simulator::create(const TimeSource& time, SimOptions options) {
  auto catalogue = options.catalogue_file.empty() ? Catalogue::builtin(time.wall())
                                                  : Catalogue::load(options.catalogue_file, time.wall());
  if (!catalogue) return std::unexpected(catalogue.error());
  std::optional<PicoUsd> limit;
  if (!options.key_limit.empty()) {
    const auto parsed = parse_usd(options.key_limit);
    if (!parsed) return fail(Fault::bad_input, "the key limit: " + parsed.error().detail);
    limit = *parsed;
  }
  if (!options.limit_reset.empty() && parse_limit_reset(options.limit_reset) == LimitReset::never)
    return fail(Fault::bad_input,
                fmt::format("the limit reset '{}' is not daily, weekly or monthly", options.limit_reset));
  if (!(options.jitter >= 0 && options.jitter <= 1) || !(options.tokens_per_second >= 0))
    return fail(Fault::bad_input, "jitter goes from 0 to 1, and tokens per second are 0 (at once) or more");
  std::shared_ptr<Script> script;
  if (!options.script_file.empty()) {
    auto loaded = Script::load(options.script_file);
    if (!loaded) return std::unexpected(loaded.error());
    script = std::move(*loaded);
  }
  auto world = std::make_unique<World>(time, std::move(options), std::move(*catalogue), limit);
  world->set_script(std::move(script));
  return std::unique_ptr<Simulator>(new Simulator(std::move(world)));
}

std::vector<Attempt> Simulator::attempts() const { return world_->journal.entries(); }

Result<void> Simulator::run_script(std::string_view text) {
  auto script = Script::parse(text, "script");
  if (!script) return std::unexpected(script.error());
  world_->set_script(std::move(*script));
  return {};
}

void Simulator::reset() { world_->restart(); }

std::string Simulator::refusal(int status, const Failure& why) {
  return envelope(simple_error(status, why.detail));
}

Task<void> Simulator::handle(net::Exchange& exchange) {
  const auto& head = exchange.head();
  if (const auto path = below_api(head.path)) {
    co_await serve_api(*world_, exchange, *path);
    co_return;
  }
  if (head.method == "GET" && head.path == "/sim/journal") {
    std::uint64_t after = 0;
    if (const auto text = query_value(head.query, "after"))
      std::from_chars(text->data(), text->data() + text->size(), after);
    co_await send(exchange, ok(world_->journal.json(after)));
    co_return;
  }
  if (head.method == "POST" && head.path == "/sim/reset") {
    reset();
    co_await send(exchange, ok(R"({"reset":true})"));
    co_return;
  }
  if (head.method == "POST" && head.path == "/sim/script") {
    auto text = co_await exchange.read_body();
    auto done = text ? run_script(*text) : Result<void>(std::unexpected(text.error()));
    auto reply = done ? ok(R"({"script":"running"})") : failed(simple_error(400, done.error().detail));
    co_await send(exchange, std::move(reply));
    co_return;
  }
  const Asked asked{*world_, head, head.path, {}, {}};
  co_await send(exchange, unknown_path(asked));
}

}  // namespace gantry::sim
