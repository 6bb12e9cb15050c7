#include "instructions/operations.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "ledger/journal.hpp"
#include "load/request.hpp"
#include "net/http_parser.hpp"
#include "net/reply_head.hpp"
#include "observe/log.hpp"
#include "observe/observer.hpp"
#include "route/plan.hpp"
#include "support/system.hpp"
#include "upstream/reply.hpp"
#include "wire/edit.hpp"
#include "wire/reply.hpp"
#include "wire/request.hpp"
#include "wire/sse.hpp"

namespace gantry::bench {

namespace {

void require(bool good, const char* what) {
  if (!good) fail(std::string("an operation went wrong: ") + what);
}

std::string body_of(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }

std::string request_of(std::size_t body_bytes) {
  return chat_request(8700, {.body_bytes = body_bytes, .stream = false, .order = "reply=1453"});
}

// Scans a request and sets the default of max_tokens, as the gateway does with most calls.
Operation scan_and_splice(const std::string& name, std::size_t body_bytes) {
  auto scanner = std::make_shared<wire::RequestScanner>();
  return {name, [scanner, body = body_of(request_of(body_bytes))] {
            const auto facts = scanner->chat(body);
            require(facts.has_value() && facts->model == "openai/gpt-4o-mini", "request scan");
            wire::Splice splice(body);
            splice.insert(facts->insert_at, R"("max_tokens":4096,)");
            std::size_t bytes = 0;
            for (const std::string_view piece : splice.pieces()) bytes += piece.size();
            require(bytes == body.size() + 18, "splice");
          }};
}

Operation scan_reply() {
  auto scanner = std::make_shared<wire::ReplyScanner>();
  return {"reply_scan_1453_b", [scanner, body = body_of(ReplyBook().chat(1453))] {
            const auto facts = scanner->reply(body);
            require(facts.has_value() && facts->usage && facts->usage->completion_tokens == 161,
                    "reply scan");
          }};
}

// One token's event as it arrives: cut out of the stream, then scanned.
Operation scan_event() {
  auto scanner = std::make_shared<wire::ReplyScanner>();
  auto parser = std::make_shared<wire::SseParser>();
  const std::string chunk = token_chunk(1'764'000'000'000'000'000);
  const std::string event = chunk.substr(chunk.find('\n') + 1, chunk.size() - chunk.find('\n') - 3);
  return {"sse_event_parse_and_scan", [scanner, parser, event] {
            parser->feed(event);
            auto found = parser->next();
            require(found.has_value(), "event");
            const auto facts = scanner->chunk(found->data);
            require(facts.has_value() && facts->first_token, "chunk scan");
            require(!parser->next().has_value(), "one event");
          }};
}

Operation parse_request_head() {
  auto parser = std::make_shared<net::RequestParser>();
  const std::string message = request_of(927);
  return {"http_request_head", [parser, head = message.substr(0, message.size() - 927)] {
            parser->reset();
            require(parser->parse(head) == net::HeadState::done && parser->framing().length == 927,
                    "request head");
          }};
}

Operation parse_response_head() {
  auto parser = std::make_shared<net::ResponseParser>();
  return {"http_response_head", [parser, message = ReplyBook().chat(1453)] {
            parser->reset();
            require(parser->parse(message, net::ResponseParser::To::other_request) == net::HeadState::done &&
                        parser->status() == 200,
                    "response head");
          }};
}

Operation decode_chunk() {
  auto decoder = std::make_shared<net::ChunkedDecoder>();
  return {"http_chunk_decode", [decoder, chunk = token_chunk(1'764'000'000'000'000'000)] {
            std::string_view left = chunk;
            std::size_t bytes = 0;
            while (!left.empty()) {
              const auto step = decoder->next(left);
              require(step.state != net::ChunkedDecoder::State::failed, "chunk");
              bytes += step.piece.size();
              left.remove_prefix(step.consumed);
            }
            require(bytes > 200, "chunk's data");
          }};
}

Operation encode_chunk() {
  return {"http_chunk_line", [] {
            std::array<char, 18> buffer{};
            require(net::chunk_line(287, std::span<char, 18>(buffer)) == "11f\r\n", "chunk line");
          }};
}

// The process's log, into nothing.
struct Log {
  Log() : descriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    require(descriptor >= 0, "/dev/null");
    observe::start_log(observe::Level::info, observe::LogFormat::text, &time, descriptor);
  }
  ~Log() {
    observe::stop_log();
    ::close(descriptor);
  }
  SystemTime time;
  int descriptor;
  observe::Observer observer{time, 1};
};

observe::CallRecord delivered_call() {
  observe::CallRecord call;
  call.call_id = "call-0123456789abcdef";
  call.dialect = "chat";
  call.route = "-";
  call.model_asked = call.model_served = "openai/gpt-4o-mini";
  call.generation_id = "gen-1764000000-0123456789abcdefghij";
  call.attempts = 1;
  call.took = std::chrono::nanoseconds{1'234'567};
  call.prompt_tokens = 231;
  call.completion_tokens = 161;
  call.cost = PicoUsd{131'250'000};
  call.request_bytes = 927;
  call.reply_bytes = 1453;
  return call;
}

// What a shard does to tell of a call with one attempt: its counters, and its line on the way to the writer,
// whose thread is not counted.
Operation record_call() {
  auto log = std::make_shared<Log>();
  return {"call_counters_and_log_line", [log, call = delivered_call()] {
            const std::uint64_t before = log->observer.calls();
            log->observer.call_started(0);
            log->observer.attempt_ended(
                0, {call.model_asked, route::Outcome::delivered, 200, std::chrono::microseconds{1200}});
            log->observer.call_ended(0, call);
            require(log->observer.calls() == before + 1, "call record");
          }};
}

// A shard's journal in a folder of its own, with room for all runs.
struct Money {
  Money() {
    std::string name = "/tmp/gantry-bench-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "a folder");
    folder = name;
    auto opened = ledger::Journal::open(folder, {.holder = {1}, .shard = 0}, bell);
    require(opened.has_value(), "a journal");
    journal = std::move(*opened);
  }
  ~Money() { std::filesystem::remove_all(folder); }
  std::string folder;
  net::Bell bell;
  std::unique_ptr<ledger::Journal> journal;
};

// What a shard does to tell the ledger of a call with one attempt.
Operation journal_call() {
  auto money = std::make_shared<Money>();
  const WallTime at{std::chrono::seconds{1'790'000'000}};
  const ledger::AttemptBegun begun{.attempt = {1},
                                   .call = 1,
                                   .payer = {{3}, {2}, {1}},
                                   .at = at,
                                   .hold = {650'000'000},
                                   .estimate = {131'000'000},
                                   .model = "openai/gpt-4o-mini",
                                   .route = "default",
                                   .upstream = "openrouter",
                                   .upstream_key = "main"};
  const ledger::GenerationSeen seen{{1}, "gen-1764000000-0123456789abcdefghij"};
  const ledger::AttemptSettled settled{.attempt = {1},
                                       .at = at,
                                       .cost = {131'250'000},
                                       .delivered = true,
                                       .prompt_tokens = 231,
                                       .completion_tokens = 161,
                                       .served_model = "openai/gpt-4o-mini",
                                       .provider = "OpenAI",
                                       .outcome = "delivered"};
  return {"journal_of_a_call", [money, begun, seen, settled] {
            auto& writer = money->journal->writer();
            const std::uint64_t before = writer.written();
            require(writer.has_room() && writer.write(begun), "an attempt begins");
            writer.write(seen);
            writer.write(settled);
            require(writer.written() == before + 3, "three entries");
          }};
}

// The default chain with its scopes in the table that all shards share.
struct Chain {
  Chain() {
    using Origin = route::ScopeNames::Origin;
    auto& names = table.names();
    const auto add = [&](route::Scope kind, route::ScopeId parent, std::string_view name) {
      return names.intern(kind, parent, name, Origin::configuration);
    };
    const auto upstream = add(route::Scope::upstream, route::kUntracked, "openrouter");
    key[0].key = add(route::Scope::key, upstream, "key");
    key[0].free_allowance = add(route::Scope::free_allowance, key[0].key, "free");
    source[0] = {.scope = upstream, .keys = key};
    for (std::size_t i = 0; i < models.size(); ++i)
      candidates[i].model = add(route::Scope::model, upstream, models[i]);
  }
  static constexpr std::array<std::string_view, 4> models = {
      "openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash",
      "meta-llama/llama-3.1-70b-instruct"};
  route::ScopeTable table{1};
  route::RetryBudget retries{1, MonoTime{}};
  std::array<route::KeyScopes, 1> key;
  std::array<route::Source, 1> source;
  std::array<route::Candidate, 4> candidates;
  Random random{1};
  MonoTime now{std::chrono::seconds{1000}};
};

// What a call's way through plan and breakers costs when its first attempt is delivered.
Operation plan_and_feed() {
  auto chain = std::make_shared<Chain>();
  const route::Verdict delivered{.outcome = route::Outcome::delivered};
  return {"plan_and_feed_of_a_delivered_call", [chain, delivered] {
            const route::Shared shared{.scopes = chain->table, .retries = chain->retries};
            chain->retries.call_began(0);
            route::Plan plan({.sources = chain->source, .candidates = chain->candidates}, {},
                             chain->now + std::chrono::minutes{10});
            const auto step = plan.first(chain->now, shared);
            const auto* attempt = std::get_if<route::Try>(&step);
            require(attempt && attempt->candidate == 0, "the primary first");
            route::CallFeed feed(chain->table, 0, shared.client);
            const route::End end{.verdict = delivered, .answered = true, .served_by = "Acme"};
            const auto changes = feed.ended(plan.way(*attempt), end, chain->now, chain->random);
            require(changes.model == route::Change::none, "nothing changed");
          }};
}

Operation find_scopes() {
  auto chain = std::make_shared<Chain>();
  return {"scope_names_of_four_models", [chain] {
            for (const auto model : Chain::models) {
              const auto id = chain->table.names().find(route::Scope::model, chain->source[0].scope, model);
              require(id.tracked(), "a known scope");
            }
          }};
}

}  // namespace

std::vector<Operation> operations() {
  return {scan_and_splice("request_scan_and_splice_927_b", 927),
          scan_and_splice("request_scan_and_splice_100_kb", 100'000),
          scan_reply(),
          scan_event(),
          parse_request_head(),
          parse_response_head(),
          decode_chunk(),
          encode_chunk(),
          record_call(),
          journal_call(),
          plan_and_feed(),
          find_scopes()};
}

}  // namespace gantry::bench
