#include "sim/simulator.hpp"

#include <fmt/format.h>

#include "sim/asked.hpp"
#include "sim/completion.hpp"
#include "sim/presence.hpp"

namespace gantry::sim {
namespace {

std::string bearer(const net::HeaderView& headers) {
  const auto value = headers.get("authorization").value_or("");
  constexpr std::string_view kScheme = "Bearer ";
  if (value.size() <= kScheme.size() || !net::same_name(value.substr(0, kScheme.size()), kScheme)) return {};
  return std::string(value.substr(kScheme.size()));
}

// The path below /api/v1 or /v1; nullopt when it is neither.
std::optional<std::string_view> below_api(std::string_view path) {
  for (const std::string_view prefix : {"/api/v1", "/v1"})
    if (path.starts_with(prefix) && path.size() > prefix.size() && path[prefix.size()] == '/')
      return path.substr(prefix.size());
  return std::nullopt;
}

Reply answer(const Asked& asked) {
  if (asked.faults.refuses())
    return failed(fault_error(asked.faults, "", asked.world.catalogue, asked.world.time.wall()),
                  asked.faults);
  if (asked.path == "/keys" || asked.path.starts_with("/keys/")) return answer_management(asked);
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

// All but completions below /api/v1: one attempt in the journal, one reply.
Task<void> serve_simple(Simulator::World& world, net::Exchange& exchange, std::string_view path,
                        std::string key) {
  const auto body = co_await exchange.read_body();
  Asked asked{world,
              exchange.head(),
              path,
              std::move(key),
              world.script_faults(path, false, ""),
              body ? *body : std::string_view()};
  auto attempt = attempt_of(world, exchange);
  attempt.body_bytes = asked.body.size();
  if (!asked.body.empty()) attempt.body_sha256 = sha256(asked.body).hex;
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
  auto error = completion_key_error(Asked{world, head, path, key, {}, {}});
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
  world->adopt_key();
  world->set_script(std::move(script));
  return std::unique_ptr<Simulator>(new Simulator(std::move(world)));
}

std::vector<Attempt> Simulator::attempts() const { return world_->journal.entries(); }

Result<void> Simulator::run_script(std::string_view text) { return world_->run_script(text); }

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
  const auto body = co_await exchange.read_body();
  const Asked asked{*world_, head, head.path, {}, {}, body ? *body : std::string_view()};
  co_await send(exchange, answer_control(asked));
}

}  // namespace gantry::sim
