// Sending a request and waiting for the head of its response.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

#include "net/head_text.hpp"
#include "net/response_impl.hpp"

namespace gantry::net {
namespace {

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

std::optional<ClientFailure> failed(Fault fault, std::string detail, Reached reached) {
  return ClientFailure{{fault, std::move(detail)}, reached};
}

}  // namespace

Result<void> ClientResponse::Impl::build(Pool& to_pool, const ClientRequest& request) {
  pool = &to_pool;
  to = request.method == "HEAD" ? ResponseParser::To::head_request : ResponseParser::To::other_request;
  if (!is_token(request.method)) return fail(Fault::bad_input, "the method is not a token");
  if (!is_target(request.path))
    return fail(Fault::bad_input, "the path does not begin with / or holds a blank");
  std::size_t body_bytes = 0;
  for (const auto piece : request.body) body_bytes += piece.size();

  constexpr std::size_t kRest = 64;  // Content-Length and line ends
  std::size_t room = kRest + request.method.size() + pool->target_prefix().size() + request.path.size() +
                     pool->fixed_fields().size();
  for (const Header& header : request.headers) {
    if (!is_token(header.name))
      return fail(Fault::bad_input, "a header name holds a character that it must not");
    if (!is_value(header.value))
      return fail(Fault::bad_input,
                  "the value of " + std::string(header.name) + " holds a control character");
    room += HeadWriter::field_bytes(header.name, header.value);
  }
  HeadWriter head_text(request_head, room);
  head_text.text(request.method);
  head_text.text(" ");
  head_text.text(pool->target_prefix());
  head_text.text(request.path);
  head_text.text(pool->fixed_fields());
  for (const Header& header : request.headers) head_text.field(header.name, header.value);
  // RFC 9110 §8.6: a method that gives content a meaning says so also when there is none.
  if (body_bytes > 0 || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
    head_text.text("Content-Length: ");
    head_text.number(body_bytes);
    head_text.text("\r\n");
  }
  head_text.text("\r\n");
  head_text.finish();

  parts.clear();
  parts.push_back(request_head);
  parts.insert(parts.end(), request.body.begin(), request.body.end());
  request_bytes = request_head.size() + body_bytes;
  return {};
}

// What the peer's kernel has not acknowledged, no process there has seen. With TLS the queue counts records,
// which are a few bytes longer than their text: less acknowledged than one record is nothing that could be
// decrypted.
bool ClientResponse::Impl::peer_accepted_nothing(std::size_t of_bytes) const {
  int unacknowledged = 0;
  if (::ioctl(connection->socket.native_handle(), SIOCOUTQ, &unacknowledged) != 0) return false;
  return static_cast<std::size_t>(unacknowledged) >= of_bytes;
}

Task<std::optional<ClientFailure>> ClientResponse::Impl::run(MonoTime deadline) {
  if (canceller && canceller->cancelled())
    co_return failed(Fault::cancelled, "before sending", Reached::nothing_sent);
  const Armed armed(
      canceller, [](void* self) { static_cast<Impl*>(self)->connection->socket.cancel(); }, this);
  const IoResult sent = co_await connection->socket.write_until_heard(parts, deadline);
  request_complete = sent.bytes == request_bytes;
  if (!request_complete) {
    auto failure = co_await send_rest(sent, deadline);
    if (failure || !request_complete) co_return failure;
  }
  auto failure = co_await receive_head(deadline);
  co_return failure;
}

// Only a part of the request was sent when the peer spoke or left. A final answer ends the sending (RFC 9112
// §9.5): a peer that refuses a request early (413, 401) does not read the rest, and may close before it has
// seen it. Its answer is there even where the sending failed.
Task<std::optional<ClientFailure>> ClientResponse::Impl::send_rest(IoResult sent, MonoTime deadline) {
  for (;;) {
    const bool left = !sent.ok && (sent.fault == Fault::reset || sent.fault == Fault::closed);
    ClientFailure why;
    const Head answer = sent.ok || left ? read_early_answer(why) : Head::need_more;
    if (answer == Head::done) co_return std::nullopt;
    if (answer == Head::failed) co_return why;
    if (!sent.ok) {
      const bool nothing =
          sent.bytes == 0 || (sent.fault == Fault::closed && peer_accepted_nothing(sent.bytes));
      co_return failed(sent.fault, "while the request was sent",
                       nothing ? Reached::nothing_sent : Reached::request_sent);
    }
    // An interim answer, or a part of one.
    const std::size_t before = sent.bytes;
    const auto rest = parts_behind(before);
    sent = co_await connection->socket.write_until_heard(rest, deadline);
    sent.bytes += before;
    request_complete = sent.bytes == request_bytes;
    if (request_complete) co_return std::nullopt;
  }
}

std::vector<std::string_view> ClientResponse::Impl::parts_behind(std::size_t bytes) const {
  std::vector<std::string_view> rest;
  for (const auto part : parts) {
    const std::size_t skipped = std::min(bytes, part.size());
    bytes -= skipped;
    if (skipped < part.size()) rest.push_back(part.substr(skipped));
  }
  return rest;
}

ClientResponse::Impl::Head ClientResponse::Impl::read_early_answer(ClientFailure& why) {
  if (block.size() == 0) block = Block(Block::kUsual);
  for (;;) {
    const IoResult got = connection->socket.try_read(block.from(end));
    if (!got.ok || got.bytes == 0) return Head::need_more;
    end += got.bytes;
    const Head state = parse_head(why);
    if (state != Head::need_more) return state;
    if (make_room()) continue;
    why = {{Fault::too_large, "the response head is too large"}, Reached::head_received};
    return Head::failed;
  }
}

Task<std::optional<ClientFailure>> ClientResponse::Impl::receive_head(MonoTime deadline) {
  bool any = false;  // some byte of an answer has come
  for (;;) {
    // The block is taken when there is something to read: thousands of calls may wait for their first token.
    IoResult got = co_await connection->socket.read_some({}, deadline);
    if (got.ok) {
      if (block.size() == 0) block = Block(Block::kUsual);
      got = connection->socket.try_read(block.from(end));
      if (got.ok && got.bytes == 0) continue;
    }
    if (canceller && canceller->cancelled())
      co_return failed(Fault::cancelled, "waiting for the response", Reached::request_sent);
    if (!got.ok) {
      // Only a FIN tells what the peer had received before it closed. A reset does not: its acknowledgement
      // is not taken into account, and the peer may have read a request that its kernel was yet to
      // acknowledge.
      const bool nothing = got.fault == Fault::closed && !any && peer_accepted_nothing(request_bytes);
      co_return failed(got.fault, any ? "within the response head" : "waiting for the response",
                       nothing ? Reached::nothing_sent : Reached::request_sent);
    }
    any = true;
    end += got.bytes;
    ClientFailure why;
    const Head state = parse_head(why);
    if (state == Head::done) co_return std::nullopt;
    if (state == Head::failed) co_return why;
    if (!make_room())
      co_return failed(Fault::too_large, "the response head is too large", Reached::head_received);
  }
}

// A head longer than the usual block moves into one that holds the longest head allowed.
bool ClientResponse::Impl::make_room() {
  if (end < block.size()) return true;
  if (begin > 0) {  // interim responses went before
    std::memmove(block.data(), block.data() + begin, end - begin);
    end -= begin;
    begin = 0;
    return true;
  }
  if (block.size() > max_head_bytes) return false;
  Block larger(max_head_bytes + Block::kUsual);
  std::memcpy(larger.data(), block.data(), end);
  block = std::move(larger);
  return true;
}

ClientResponse::Impl::Head ClientResponse::Impl::parse_head(ClientFailure& why) {
  const auto refuse = [&](Fault fault, std::string_view reason) {
    why = {{fault, "the response: " + std::string(reason)}, Reached::head_received};
    return Head::failed;
  };
  for (;;) {
    const auto state = parser.parse({block.data() + begin, end - begin}, to);
    if (state == HeadState::need_more) return Head::need_more;
    if (state == HeadState::failed)
      return refuse(parser.error().status == 431 ? Fault::too_large : Fault::malformed,
                    parser.error().reason);
    if (parser.status() >= 200) break;
    // RFC 9110 §15.2: interim responses are skipped; nobody asked for another protocol (101).
    if (parser.status() == 101) return refuse(Fault::malformed, "the peer switched protocols unasked");
    begin += parser.head_bytes();
    parser.reset();
  }
  accept_head();
  return Head::done;
}

// The views move with the bytes: the head lives in a string of its own, so that the block can be given back.
void ClientResponse::Impl::accept_head() {
  const char* from = block.data() + begin;
  head.assign(from, parser.head_bytes());
  const auto moved = [&](std::string_view text) {
    return text.empty() ? std::string_view{}
                        : std::string_view(head.data() + (text.data() - from), text.size());
  };
  for (const Header& header : parser.headers()) headers.add(moved(header.name), moved(header.value));
  status = parser.status();
  keep_alive = parser.framing().keep_alive;
  body.start(parser.framing());
  begin += parser.head_bytes();
  if (parser.framing().body == BodyKind::none) complete();
}

}  // namespace gantry::net
