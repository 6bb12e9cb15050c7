// A connection's replies: whole ones in one gathered write, streams piece by piece at the reader's pace.

#include "net/http_connection.hpp"

namespace gantry::net {

bool Connection::reply_has_body(int status) const {
  return status_has_body(status) && parser_.head().method != "HEAD";
}

void Connection::compose(int status, std::span<const Header> headers, std::optional<std::size_t> length,
                         bool chunked) {
  const Framing& framing = parser_.framing();
  keep_ = keep_ && framing.keep_alive && !core_->draining && drainable();
  if (!status_has_body(status)) length.reset(), chunked = false;
  compose_head(out_, status, headers,
               {.http11 = framing.http11, .keep_alive = keep_, .chunked = chunked, .length = length},
               core_->options.server_name, core_->date.at(core_->loop.time().wall()));
}

// Each stretch of write_stall must move at least one byte; a slow reader may take as long as it likes.
Task<Result<void>> Connection::send(Parts parts) {
  while (true) {
    const MonoTime deadline = earlier(kNever, core_->loop.now(), limits().write_stall);
    const IoResult sent = co_await socket_.write_all(parts, deadline);
    bytes_sent_ += sent.bytes;
    if (sent.ok) co_return Result<void>{};
    if (sent.fault == Fault::timed_out && sent.bytes > 0) {
      std::size_t gone = sent.bytes;
      for (auto& part : parts) {
        const std::size_t here = std::min(gone, part.size());
        part.remove_prefix(here);
        gone -= here;
      }
      continue;
    }
    reply_ = Reply::broken;
    keep_ = false;
    if (sent.fault == Fault::timed_out) {
      socket_.close(Socket::Close::reset);
      co_return fail(Fault::timed_out, "the client does not read the reply");
    }
    co_return fail(sent.fault, "the client is gone");
  }
}

Task<Result<void>> Connection::reply(int status, std::span<const Header> headers, std::string_view body) {
  if (reply_ != Reply::none) co_return fail(Fault::internal, "the request has been answered already");
  reply_ = Reply::whole;
  compose(status, headers, body.size(), false);
  auto sent = co_await send({out_, reply_has_body(status) ? body : std::string_view()});
  co_return sent;
}

Task<Result<void>> Connection::begin(int status, std::span<const Header> headers, Flush flush) {
  if (reply_ != Reply::none) co_return fail(Fault::internal, "the request has been answered already");
  reply_ = Reply::begun;
  body_wanted_ = reply_has_body(status);
  const bool http11 = parser_.framing().http11;
  if (!http11 && body_wanted_) keep_ = false;  // the end of the connection is the end of the body
  compose(status, headers, std::nullopt, http11);
  chunked_ = http11 && body_wanted_;
  head_pending_ = flush == Flush::with_first_write;
  if (head_pending_) co_return Result<void>{};
  auto sent = co_await send({out_});
  co_return sent;
}

Task<Result<void>> Connection::write(std::string_view piece) {
  if (reply_ == Reply::broken) co_return fail(Fault::closed, "the client is gone");
  if (reply_ != Reply::begun) co_return fail(Fault::internal, "no streamed reply is under way");
  if (piece.empty() || !body_wanted_) co_return Result<void>{};
  std::array<char, 18> line;
  Parts parts{std::exchange(head_pending_, false) ? std::string_view(out_) : std::string_view(), "", piece,
              ""};
  if (chunked_) {
    parts[1] = chunk_line(piece.size(), line);
    parts[3] = "\r\n";
  }
  auto sent = co_await send(parts);
  if (!parts[0].empty()) std::string().swap(out_);  // a stream need not hold the head that it has sent
  co_return sent;
}

Task<Result<void>> Connection::finish() {
  if (reply_ == Reply::broken) co_return fail(Fault::closed, "the client is gone");
  if (reply_ != Reply::begun) co_return fail(Fault::internal, "no streamed reply is under way");
  reply_ = Reply::whole;
  const std::string_view head =
      std::exchange(head_pending_, false) ? std::string_view(out_) : std::string_view();
  const std::string_view end = chunked_ ? std::string_view("0\r\n\r\n") : std::string_view();
  if (head.empty() && end.empty()) co_return Result<void>{};
  auto sent = co_await send({head, end});
  co_return sent;
}

void Connection::abort(Socket::Close how) {
  if (reply_ == Reply::broken) return;
  // Without chunks an orderly close would look like the end of the body.
  const bool cut_shows = chunked_ || reply_ != Reply::begun;
  reply_ = Reply::broken;
  keep_ = false;
  hang_up_action_ = nullptr;
  socket_.close(cut_shows ? how : Socket::Close::reset);
}

Task<void> Connection::refuse(Refusal refusal) {
  keep_ = false;
  linger_ = true;
  reply_ = Reply::whole;
  const std::string body = core_->refusal(refusal.status, refusal.why);
  const std::array<Header, 2> headers{Header{"Content-Type", "application/json"}, Header{"Retry-After", "1"}};
  const auto used = std::span(headers).first(refusal.status == 503 ? 2 : 1);
  compose(refusal.status, used, body.size(), false);
  const Parts parts{out_, reply_has_body(refusal.status) ? std::string_view(body) : std::string_view()};
  const auto sent = co_await send(parts);
  if (!sent) linger_ = false;
}

}  // namespace gantry::net
