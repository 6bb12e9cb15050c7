// Request bodies: small ones are used where they were received, large ones go into a block of their own size.

#include <cstring>

#include "net/block.hpp"
#include "net/http_connection.hpp"

namespace gantry::net {
namespace {

constexpr std::size_t kDrainBytes = 64 * 1024;  // of a body that nobody wanted, to keep the connection
constexpr Duration kDrainTime = std::chrono::seconds{5};
constexpr std::size_t kFirstRoom = 64 * 1024;  // for a body that has only been announced

Failure describe(const IoResult& result) {
  switch (result.fault) {
    case Fault::timed_out:
      return {Fault::timed_out, "the request body did not arrive in time"};
    case Fault::closed:
      return {Fault::closed, "the client closed the connection within the request body"};
    case Fault::cancelled:
      return {Fault::cancelled, "the connection was closed within the request body"};
    default:
      return {result.fault, "the connection broke within the request body"};
  }
}

int status_of(Fault fault) {
  switch (fault) {
    case Fault::timed_out:
      return 408;
    case Fault::too_large:
      return 413;
    case Fault::overloaded:
      return 503;
    default:
      return 400;
  }
}

}  // namespace

bool BodyBuffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return true;
  if (inflight_ && !inflight_->take(capacity - capacity_)) return false;
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
  data_ = std::move(larger);
  capacity_ = capacity;
  return true;
}

bool BodyBuffer::append(std::string_view piece) {
  const std::size_t needed = size_ + piece.size();
  if (needed > capacity_ && !reserve(std::max({needed, capacity_ * 2, std::size_t{2048}}))) return false;
  std::memcpy(data_.get() + size_, piece.data(), piece.size());
  size_ = needed;
  return true;
}

void BodyBuffer::clear() {
  if (inflight_ && capacity_ > 0) inflight_->give_back(capacity_);
  data_.reset();
  size_ = capacity_ = 0;
}

bool Connection::body_is_here() {
  const Framing& framing = parser_.framing();
  if (framing.body == BodyKind::chunked) return false;
  if (framing.length > in_.unread().size()) return false;
  body_view_ = in_.unread().substr(0, framing.length);
  in_.consume(framing.length);
  return true;
}

// The request is whole: from now on the connection is watched.
void Connection::body_ends() {
  body_state_ = Body::read;
  if (!watching_) in_.turn(head_bytes_.size() + body_view_.size());
  watch();
}

bool Connection::drainable() const {
  if (body_state_ == Body::read) return true;
  return body_state_ == Body::unread && !expects_continue_ && parser_.framing().length <= kDrainBytes;
}

Task<Result<std::string_view>> Connection::read_body() {
  if (body_state_ == Body::read) co_return body_view_;
  if (body_state_ == Body::failed) co_return std::unexpected(body_refusal_->why);
  const MonoTime deadline = earlier(kNever, core_->loop.now(), limits().body_time);
  Result<void> got = co_await send_continue();
  if (got) {
    const Framing& framing = parser_.framing();
    if (framing.body == BodyKind::chunked) {
      got = co_await read_chunked(Pieces::keep, limits().max_body_bytes, deadline);
    } else {
      got = co_await read_sized(framing.length, deadline);
    }
  }
  if (!got) {
    body_state_ = Body::failed;
    body_refusal_ = std::make_unique<Refusal>(status_of(got.error().fault), got.error());
    body_.clear();  // the refusal may take a while to be read
    keep_ = false;
    co_return std::unexpected(std::move(got.error()));
  }
  body_ends();
  co_return body_view_;
}

Task<Result<void>> Connection::send_continue() {
  if (!expects_continue_) co_return Result<void>{};
  expects_continue_ = false;
  if (!in_.empty()) co_return Result<void>{};  // it did not wait (RFC 9110 §10.1.1 lets us be silent then)
  auto sent = co_await send({"HTTP/1.1 100 Continue\r\n\r\n"});
  co_return sent;
}

Task<Result<void>> Connection::read_sized(std::size_t length, MonoTime deadline) {
  if (length > in_.unread().size() + in_.room().size()) {
    auto apart = co_await read_sized_apart(length, deadline);
    co_return apart;
  }
  while (in_.unread().size() < length) {
    const IoResult got = co_await receive(deadline);
    if (!got.ok) co_return std::unexpected(describe(got));
  }
  body_view_ = in_.unread().substr(0, length);
  in_.consume(length);
  co_return Result<void>{};
}

// A declared length is only a claim: room is taken as bytes come, at most as much again as have come.
// Otherwise a few connections that send nothing could hold all that a process may.
Task<Result<void>> Connection::read_sized_apart(std::size_t length, MonoTime deadline) {
  while (body_.view().size() < length) {
    if (body_.room().empty() &&
        !body_.reserve(std::min(length, std::max(kFirstRoom, body_.view().size() * 2))))
      co_return fail(Fault::overloaded, "too many request bytes are held already");
    const auto have = in_.unread().substr(0, body_.room().size());
    if (!have.empty()) {
      std::memcpy(body_.room().data(), have.data(), have.size());
      body_.commit(have.size());
      in_.consume(have.size());
      continue;
    }
    IoResult got;
    if (watching_) {
      got = co_await receive(deadline);
    } else {
      got = co_await socket_.read_some(body_.room(), deadline);
      if (got.ok) body_.commit(got.bytes);
    }
    if (!got.ok) co_return std::unexpected(describe(got));
  }
  body_view_ = body_.view();
  if (!watching_) in_.rewind_to(head_bytes_);
  co_return Result<void>{};
}

// Takes what it can from the front of `bytes`; true once the body has ended.
Result<bool> Connection::decode(std::string_view& bytes, Pieces pieces, std::size_t limit) {
  while (true) {
    const ChunkedDecoder::Step step = chunks_.next(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.state) {
      case ChunkedDecoder::State::need_more:
        return false;
      case ChunkedDecoder::State::done:
        return true;
      case ChunkedDecoder::State::failed:
        return fail(Fault::malformed, std::string(chunks_.error()));
      case ChunkedDecoder::State::piece:
        break;
    }
    decoded_ += step.piece.size();
    if (decoded_ > limit) return fail(Fault::too_large, "the request body is larger than the limit");
    if (pieces == Pieces::keep && !body_.append(step.piece)) {
      return fail(Fault::overloaded, "too many request bytes are held already");
    }
  }
}

// The input buffer was filled to its end, so more is waiting: take it in large steps.
Result<bool> Connection::decode_waiting(Pieces pieces, std::size_t limit) {
  constexpr std::size_t kStep = 64 * 1024;
  Block scratch(kStep);
  while (true) {
    const IoResult got = socket_.try_read(scratch.from(0));
    if (!got.ok) return std::unexpected(describe(got));
    if (got.bytes == 0) return false;
    std::string_view bytes(scratch.data(), got.bytes);
    const auto done = decode(bytes, pieces, limit);
    if (!done) return done;
    if (*done && !bytes.empty()) {
      in_.rewind_to(head_bytes_);
      if (!in_.append(bytes)) keep_ = false;  // more pipelined than fits: it will not be answered
    }
    if (*done || got.bytes < kStep) return done;
  }
}

Task<Result<void>> Connection::read_chunked(Pieces pieces, std::size_t limit, MonoTime deadline) {
  bool filled = false;
  while (true) {
    std::string_view bytes = in_.unread();
    auto done = decode(bytes, pieces, limit);
    in_.consume(in_.unread().size() - bytes.size());
    if (done && !*done && filled && !watching_) done = decode_waiting(pieces, limit);
    if (!done) co_return std::unexpected(std::move(done.error()));
    if (*done) break;
    if (!watching_) in_.rewind_to(head_bytes_);
    const IoResult got = co_await receive(deadline);
    if (!got.ok) co_return std::unexpected(describe(got));
    filled = in_.room().empty();
  }
  body_view_ = body_.view();
  if (!watching_) in_.rewind_to(head_bytes_);
  co_return Result<void>{};
}

Task<Result<void>> Connection::skip_sized(std::size_t length, MonoTime deadline) {
  while (true) {
    const std::size_t now = std::min(length, in_.unread().size());
    in_.consume(now);
    length -= now;
    if (length == 0) co_return Result<void>{};
    if (!watching_) in_.make_room(InputBuffer::kInitial);
    const IoResult got = co_await receive(deadline);
    if (!got.ok) co_return std::unexpected(describe(got));
  }
}

// The handler answered without reading: what is left of a small body goes by, so that the connection can go
// on.
Task<void> Connection::drain_body() {
  const MonoTime deadline = core_->loop.now() + kDrainTime;
  const Framing& framing = parser_.framing();
  Result<void> drained;
  if (framing.body == BodyKind::chunked) {
    drained = co_await read_chunked(Pieces::drop, kDrainBytes, deadline);
  } else {
    drained = co_await skip_sized(framing.length, deadline);
  }
  body_state_ = drained ? Body::read : Body::failed;
  if (drained) co_return;
  keep_ = false;
  linger_ = drained.error().fault == Fault::too_large;
}

}  // namespace gantry::net
