// What a stream's client is given while there is nothing for it: headers are held back until `patience` is
// over, so that a failure can still have its own status; then come a 200 and a comment, and a comment every
// ten seconds of quiet (DESIGN §4, Streams). It goes on through attempts, pauses and waits for upstream's
// head alike.
#include "engine/call.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kCommentEvery = std::chrono::seconds{10};
constexpr std::string_view kComment = ": GANTRY WAITING\n\n";

}  // namespace

void Call::be_patient() { look_again(started_ + admission_.route->patience); }

void Call::look_again(MonoTime at) {
  const auto look = [](void* self) { static_cast<Call*>(self)->look_for_quiet(); };
  shard_.loop_.set_timer(patience_.timer, at, look, this);
}

void Call::look_for_quiet() {
  const MonoTime now = shard_.loop_.now();
  if (patience_.delivering) return look_again(now + kCommentEvery);
  if (stream_open_ && now < last_write_ + kCommentEvery) return look_again(last_write_ + kCommentEvery);
  patience_.commenting = true;
  shard_.loop_.spawn(comment());
}

Task<void> Call::comment() {
  if (!stream_open_) {
    stream_open_ = true;
    // Which model answers, and after how many attempts, is not known yet.
    const std::array<net::Header, 3> headers{{{"Content-Type", "text/event-stream"},
                                              {"x-gantry-call-id", id_.text()},
                                              {"Cache-Control", "no-cache"}}};
    co_await delivery_.open_stream(headers, Delivery::Flush::now);
  }
  co_await delivery_.piece(kComment);  // a client that is gone is told of by on_gone
  last_write_ = shard_.loop_.now();
  patience_.commenting = false;
  if (!patience_.over) look_again(last_write_ + kCommentEvery);
  patience_.commented.notify();  // the call may end in here
}

Task<void> Call::end_patience() {
  patience_.over = true;
  shard_.loop_.timers().clear(patience_.timer);
  while (patience_.commenting) co_await patience_.commented;
}

}  // namespace gantry::engine
