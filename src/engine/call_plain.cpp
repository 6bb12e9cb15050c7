// A call's plain answers: taken whole, checked, and delivered; and what the ends of attempts mean.
#include "engine/call.hpp"
#include "engine/reply_buffer.hpp"
#include "route/wish.hpp"

namespace gantry::engine {
namespace {

constexpr std::size_t kMaxPlainReply = 64ull * 1024 * 1024;

}  // namespace

Task<AttemptEnd> Call::read_plain(net::ClientResponse& response) {
  ReplyBuffer gathered(shard_.with_.inflight);
  std::string_view body;
  const auto length = response.length();
  for (;;) {
    // White space before the JSON is bytes too (CONTRACT §5.1): each piece starts the silence anew.
    const MonoTime until = earlier(until_, shard_.loop_.now(), admission_.route->timeouts.silence);
    const auto piece = co_await response.read(until);
    if (!piece) co_return transport_end({piece.error(), net::Reached::head_received});
    if (piece->empty()) break;
    if (gathered.size() == 0 && piece->size() == length) {
      body = *piece;  // all of it: used where it was received
      break;
    }
    if (gathered.size() + piece->size() > kMaxPlainReply)
      co_return unusable_end("the reply is larger than 64 MiB");
    if (!gathered.append(*piece, length)) co_return no_room_end();
    body = gathered.view();
  }
  if (response.status() != 200) co_return status_end(response, body);
  auto reply = request_.dialect->reply(shard_.reply_scanner_, body);
  if (!reply) co_return unusable_end("the reply is not JSON: " + reply.error().detail);
  auto verdict = route::judge(*reply);
  note_usage(reply->usage);
  if (reply->provider) served_by_ = *reply->provider;
  if (verdict.outcome != route::Outcome::delivered) {
    auto why = reply->error ? reply->error->message : std::string("the reply holds no answer");
    AttemptEnd end = failed_end(std::move(verdict), std::move(why));
    end.told = true;
    co_return end;
  }
  if (facts_.stream) co_await end_patience();
  if (stream_open_)  // the client has been promised events
    co_return unusable_end("the answer came whole, not as a stream");
  served_model_ = std::move(reply->model);
  if (generation_id_.empty()) generation_id_ = std::move(reply->id);
  if (abandoned_) co_return delivered_end();
  const auto headers = answer_headers("application/json", Answered::yes);
  const auto sent = co_await delivery_.whole(200, headers, body);
  if (!sent) co_return client_left();
  co_return delivered_end();
}

// ---- ends

AttemptEnd failed_end(route::Verdict verdict, std::string why, int status) {
  AttemptEnd end{.outcome = verdict.outcome, .upstream_status = status, .why = std::move(why)};
  end.verdict = std::make_unique<const route::Verdict>(std::move(verdict));
  return end;
}

AttemptEnd Call::unusable_end(std::string why) const {
  return failed_end(route::judge(route::Outcome::upstream_error, served_by_), std::move(why));
}

AttemptEnd Call::no_room_end() {
  return {.outcome = route::Outcome::overloaded,
          .why = "this gateway holds as many bytes as it may",
          .ours = true};
}

AttemptEnd Call::delivered_end() {
  return {.outcome = route::Outcome::delivered, .answered = true, .final = true};
}

AttemptEnd Call::abandoned_end(AttemptEnd end) const {
  const bool whole = end.outcome == route::Outcome::delivered;
  end = client_left();
  if (whole) end.why = "the client left; the answer was read to its end for its cost";
  return end;
}

AttemptEnd Call::cancelled_end() const {
  const bool draining = stopped_why_ == Why::draining;
  return {.outcome = route::Outcome::cancelled,
          .why = draining ? "this gateway is shutting down" : "the client left",
          .final = !draining};
}

AttemptEnd Call::transport_end(const net::ClientFailure& failure) const {
  if (stopped_) return cancelled_end();
  const auto sent = failure.reached == net::Reached::nothing_sent ? route::Sent::no : route::Sent::yes;
  std::string why(name(failure.failure.fault));
  if (!failure.failure.detail.empty()) why += ": " + failure.failure.detail;
  AttemptEnd end = failed_end(route::judge(failure.failure.fault, sent), std::move(why));
  end.answered = failure.reached == net::Reached::head_received;
  return end;
}

AttemptEnd Call::status_end(const net::ClientResponse& response, std::string_view body) const {
  const auto error = wire::read_error(response.status(), body);
  AttemptEnd end = failed_end(route::judge(error), error.message, response.status());
  const auto header = [&](std::string_view name) {
    return response.headers().get(name).value_or(std::string_view{});
  };
  const route::WaitHeaders waits{.retry_after_ms = header("retry-after-ms"),
                                 .retry_after = header("retry-after"),
                                 .rate_limit_reset = header("x-ratelimit-reset")};
  end.wish = route::wish(waits, error, end.verdict->free_cap, shard_.loop_.time().wall());
  return end;
}

}  // namespace gantry::engine
