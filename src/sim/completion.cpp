#include "sim/completion.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>

#include "net/http_server.hpp"
#include "sim/job.hpp"
#include "sim/plain_reply.hpp"
#include "sim/presence.hpp"

namespace gantry::sim {
namespace {

constexpr std::size_t kBatch = 8 * 1024;  // streams without a pace leave in pieces of about this size
constexpr Duration kTick = std::chrono::milliseconds{10};
constexpr Duration kSlowestKeepalive = std::chrono::seconds{1};

std::vector<net::Header> view(const OwnedHeaders& owned) {
  std::vector<net::Header> out;
  out.reserve(owned.size());
  for (const auto& [field, value] : owned) out.push_back({field, value});
  return out;
}

// Whether and how a reply went out.
enum class Sent : std::uint8_t { all, cut, lost };

// Runs one job on its exchange. Lives in serve_completion's frame.
class Server {
 public:
  Server(net::Exchange& exchange, Job& job, std::uint64_t journal)
      : exchange_(exchange), job_(job), presence_(exchange), journal_(journal), loop_(exchange.loop()) {}

  Task<void> run() {
    note();
    if (const auto* stall = job_.faults.get(FaultKind::stall_headers)) {
      co_await presence_.until(loop_.now() + std::chrono::milliseconds{stall->number});
    }
    if (!presence_.gone()) {
      if (job_.refused) {
        sent_ = co_await refuse();
      } else if (job_.stream && !job_.faults.has(FaultKind::body_error) &&
                 !job_.faults.has(FaultKind::html)) {
        sent_ = co_await stream();
      } else {
        sent_ = co_await plain();
      }
    }
    finish();
  }

 private:
  void note() {
    job_.world.journal.update(journal_, [&](Attempt& a) {
      a.generation = job_.identity.id;
      a.faults = job_.faults.describe();
      a.streamed = job_.stream;
    });
  }

  void answered(int status) {
    job_.world.journal.update(journal_, [&](Attempt& a) { a.status = status; });
  }

  void finish() {
    const bool cancelled = sent_ == Sent::lost;
    if (cancelled) exchange_.abort(net::Socket::Close::orderly);
    const auto gone_for = loop_.now() - presence_.gone_at();
    const auto cost = job_.settle(tokens_, cancelled);
    const auto now = job_.world.elapsed();
    job_.world.journal.update(journal_, [&](Attempt& a) {
      a.cost = cost;
      a.bytes_sent = exchange_.bytes_sent();
      a.finished = sent_ == Sent::all;
      a.cancelled = cancelled;
      if (cancelled) a.cancelled_at = presence_.gone() ? now - gone_for : now;
      a.ended = now;
    });
  }

  Task<Sent> refuse() {
    auto& error = *job_.refused;
    auto owned = std::move(job_.headers);
    owned.emplace_back("Content-Type", error.content_type);
    owned.emplace_back("x-gantry-simulated", "1");
    for (auto& h : error.headers) owned.push_back(std::move(h));
    const auto headers = view(owned);
    answered(error.status);
    auto done = co_await exchange_.reply(error.status, headers, error.body);
    co_return done ? Sent::all : Sent::lost;
  }

  OwnedHeaders success_headers(std::string_view type) {
    auto owned = std::move(job_.headers);
    owned.emplace_back("Content-Type", type);
    owned.emplace_back("x-gantry-simulated", "1");
    if (type == "text/event-stream") owned.emplace_back("Cache-Control", "no-cache");
    if (const auto* encoding = job_.faults.get(FaultKind::encoding))
      owned.emplace_back("Content-Encoding", encoding->text);
    return owned;
  }

  [[nodiscard]] int success() const {
    return static_cast<int>(job_.faults.number(FaultKind::success_status, 200));
  }

  // Waits; sends a comment or white space now and then when asked to. False when the client left.
  Task<bool> rest(Duration wait, std::string_view keepalive) {
    const auto until = loop_.now() + wait;
    const auto* every = job_.faults.get(FaultKind::keepalive);
    const bool slow = job_.faults.has(FaultKind::slow_json) && !job_.stream;
    while (!presence_.gone() && loop_.now() < until) {
      if (!every && !slow) {
        co_await presence_.until(until);
        continue;
      }
      const auto gap =
          every ? std::max<Duration>(kTick, std::chrono::milliseconds{every->number}) : kSlowestKeepalive;
      const auto next = std::min(until, loop_.now() + gap);
      co_await presence_.until(next);
      if (presence_.gone() || loop_.now() >= until) continue;
      auto written = co_await exchange_.write(keepalive);
      if (!written) co_return false;
    }
    co_return !presence_.gone();
  }

  // Sends a piece as the faults want it cut up. `all` = go on.
  Task<Sent> send(std::string_view piece) {
    const auto* close_at = job_.faults.get(FaultKind::close_at);
    const auto* reset_at = job_.faults.get(FaultKind::reset_at);
    bool last = false;
    if (const auto* cut = close_at ? close_at : reset_at) {
      const auto left =
          static_cast<std::size_t>(cut->number) - std::min(body_sent_, static_cast<std::size_t>(cut->number));
      last = piece.size() >= left;
      piece = piece.substr(0, left);
    }
    auto done = co_await send_pieces(piece);
    if (!done) co_return Sent::lost;
    body_sent_ += piece.size();
    if (!last) co_return Sent::all;
    exchange_.abort(reset_at && !close_at ? net::Socket::Close::reset : net::Socket::Close::orderly);
    co_return Sent::cut;
  }

  Task<bool> send_pieces(std::string_view piece) {
    std::size_t size = std::max<std::size_t>(piece.size(), 1);
    if (const auto* split = job_.faults.get(FaultKind::split)) size = static_cast<std::size_t>(split->number);
    const bool utf8 = job_.faults.has(FaultKind::split_utf8);
    while (!piece.empty()) {
      auto length = std::min(size, piece.size());
      if (utf8) length = std::min(inside_character(piece), piece.size());
      auto written = co_await exchange_.write(piece.substr(0, length));
      if (!written) co_return false;
      piece.remove_prefix(length);
      if (utf8 && !piece.empty())
        co_await presence_.until(loop_.now() + kTick);  // so that the reader sees the cut
      if (presence_.gone()) co_return false;
    }
    co_return true;
  }

  // Where the first multi-byte character of `piece` can be cut in two; npos when there is none.
  static std::size_t inside_character(std::string_view piece) {
    for (std::size_t i = 0; i + 1 < piece.size(); ++i)
      if (static_cast<unsigned char>(piece[i]) >= 0xC0) return i + 1;
    return std::string_view::npos;
  }

  [[nodiscard]] Duration wait_for(Pause pause) {
    switch (pause) {
      case Pause::first_token:
        return job_.first_token_delay();
      case Pause::token:
        return paced();
      case Pause::stall_first:
        return std::chrono::milliseconds{job_.faults.number(FaultKind::stall_first, 0)};
      case Pause::stall_mid:
        return std::chrono::milliseconds{job_.faults.number(FaultKind::stall_mid, 0)};
      default:
        return Duration{0};
    }
  }

  // Tokens keep their own clock, so that late timers do not slow the stream down.
  Duration paced() {
    const auto delay = job_.token_delay();
    if (delay.count() == 0) return delay;
    const auto now = loop_.now();
    next_token_ = std::max(next_token_, now - std::chrono::milliseconds{100}) + delay;
    return std::max(Duration{0}, next_token_ - now);
  }

  [[nodiscard]] bool heads_first() const {
    return job_.faults.has(FaultKind::ttft) || job_.world.options.first_token.count() > 0 ||
           job_.faults.has(FaultKind::stall_first);
  }

  Task<Sent> stream() {
    {
      const auto owned = success_headers("text/event-stream");
      const auto headers = view(owned);
      const auto flush = heads_first() ? net::Exchange::Flush::now : net::Exchange::Flush::with_first_write;
      answered(success());
      auto begun = co_await exchange_.begin(success(), headers, flush);
      if (!begun) co_return Sent::lost;
    }
    EventSource source(job_.api, job_.identity, job_.answer, job_.faults);
    std::string buffer;
    next_token_ = loop_.now();
    while (true) {
      const auto pause = source.next(buffer, job_.usage_json);
      tokens_ = source.tokens();
      const auto wait = wait_for(pause);
      const bool over = pause == Pause::end || pause == Pause::close || pause == Pause::reset;
      if (!over && wait.count() == 0 && pause != Pause::flush && buffer.size() < kBatch) continue;
      const auto sent = co_await send(buffer);
      if (sent != Sent::all) co_return sent;
      buffer.clear();
      if (pause == Pause::end) break;
      if (over) {
        exchange_.abort(pause == Pause::reset ? net::Socket::Close::reset : net::Socket::Close::orderly);
        co_return Sent::cut;
      }
      if (wait.count() > 0) {
        const bool there = co_await rest(wait, ": OPENROUTER PROCESSING\n\n");
        if (!there) co_return Sent::lost;
        if (pause != Pause::token) next_token_ = loop_.now();
      }
      if (presence_.gone()) co_return Sent::lost;
    }
    auto done = co_await exchange_.finish();
    co_return done ? Sent::all : Sent::lost;
  }

  [[nodiscard]] bool in_pieces() const {
    for (const auto kind :
         {FaultKind::slow_json, FaultKind::keepalive, FaultKind::stall_first, FaultKind::stall_mid,
          FaultKind::close_at, FaultKind::reset_at, FaultKind::split, FaultKind::split_utf8})
      if (job_.faults.has(kind)) return true;
    return false;
  }

  // A plain answer takes as long as its tokens would.
  [[nodiscard]] Duration plain_delay() {
    const auto per_token = job_.token_delay();
    return job_.first_token_delay() + per_token * job_.answer.usage.completion_tokens;
  }

  Task<Sent> plain() {
    tokens_ = job_.answer.usage.completion_tokens;
    const auto delay = plain_delay();
    const auto owned =
        success_headers(job_.faults.has(FaultKind::html) ? "text/html; charset=UTF-8" : "application/json");
    const auto headers = view(owned);
    if (in_pieces()) {
      const auto sent = co_await plain_in_pieces(headers, delay);
      co_return sent;
    }
    const bool there = co_await rest(delay, "");
    if (!there) co_return Sent::lost;
    const auto body = plain_reply(job_.api, job_.identity, job_.answer, job_.faults, job_.usage_json);
    answered(success());
    auto done = co_await exchange_.reply(success(), headers, body);
    co_return done ? Sent::all : Sent::lost;
  }

  Task<Sent> plain_in_pieces(const std::vector<net::Header>& headers, Duration delay) {
    answered(success());
    auto begun = co_await exchange_.begin(success(), headers, net::Exchange::Flush::now);
    if (!begun) co_return Sent::lost;
    delay += std::chrono::milliseconds{job_.faults.number(FaultKind::slow_json, 0)};
    delay += std::chrono::milliseconds{job_.faults.number(FaultKind::stall_first, 0)};
    bool there = co_await rest(delay, "\n");
    if (!there) co_return Sent::lost;
    const auto body = plain_reply(job_.api, job_.identity, job_.answer, job_.faults, job_.usage_json);
    std::string_view left = body;
    if (const auto* stall = job_.faults.get(FaultKind::stall_mid)) {
      const auto half = co_await send(left.substr(0, left.size() / 2));
      if (half != Sent::all) co_return half;
      left.remove_prefix(left.size() / 2);
      co_await presence_.until(loop_.now() + std::chrono::milliseconds{stall->number});
      if (presence_.gone()) co_return Sent::lost;
    }
    const auto sent = co_await send(left);
    if (sent != Sent::all) co_return sent;
    auto done = co_await exchange_.finish();
    co_return done ? Sent::all : Sent::lost;
  }

  net::Exchange& exchange_;
  Job& job_;
  Presence presence_;
  std::uint64_t journal_;
  net::Loop& loop_;
  Sent sent_ = Sent::lost;
  std::size_t body_sent_ = 0;
  std::int64_t tokens_ = 0;
  MonoTime next_token_{};
};

// The status for a body that could not be read; 0 when nobody is left to tell.
int status_for(Fault fault) {
  switch (fault) {
    case Fault::too_large:
      return 413;
    case Fault::timed_out:
      return 408;
    case Fault::malformed:
      return 400;
    case Fault::overloaded:
      return 503;
    default:
      return 0;
  }
}

}  // namespace

Attempt attempt_of(const Simulator::World& world, const net::Exchange& exchange) {
  const auto& head = exchange.head();
  Attempt a;
  a.began = world.elapsed();
  a.method = head.method;
  a.path = head.path;
  a.headers = masked_headers(head.headers);
  return a;
}

Task<void> serve_completion(Simulator::World& world, net::Exchange& exchange, Api api, std::string key) {
  auto body = co_await exchange.read_body();
  auto attempt = attempt_of(world, exchange);
  auto job = std::make_unique<Job>(world, api);
  job->key = std::move(key);
  if (!body) {
    const int status = status_for(body.error().fault);
    attempt.status = status;
    attempt.cancelled = status == 0;
    world.journal.begin(std::move(attempt));
    if (status == 0) {
      exchange.abort(net::Socket::Close::orderly);
      co_return;
    }
    const auto text = envelope(simple_error(status, body.error().detail));
    const net::Header headers[] = {{"Content-Type", "application/json"}, {"x-gantry-simulated", "1"}};
    auto ignored = co_await exchange.reply(status, headers, text);
    static_cast<void>(ignored);
    co_return;
  }
  auto digest = sha256(*body);
  job->decide(exchange.head(), *body, digest);
  attempt.body_bytes = body->size();
  attempt.body_sha256 = std::move(digest.hex);
  attempt.model = job->requested;
  if (job->provider) attempt.provider = job->provider->name;
  attempt.ignored = job->ignored;
  const auto number = world.journal.begin(std::move(attempt));
  Server server(exchange, *job, number);
  co_await server.run();
}

}  // namespace gantry::sim
