// The response as its reader sees it.
#include <charconv>

#include "net/response_impl.hpp"

namespace gantry::net {
namespace {

constexpr std::size_t kStorageKept = 16 * 1024;  // of one string, when an Impl goes back to its client
constexpr std::size_t kImplsKept = 256;

}  // namespace

std::optional<Result<std::string_view>> ClientResponse::Impl::next_piece() {
  if (broken) return std::unexpected(*broken);
  if (ended) {
    block.release();
    return std::string_view{};
  }
  const auto step = body.take({block.data() + begin, end - begin});
  begin += step.consumed;
  switch (step.state) {
    case BodyReader::State::need_more:
      return std::nullopt;
    case BodyReader::State::piece:
      return step.piece;
    case BodyReader::State::last:
      complete();
      return step.piece;
    case BodyReader::State::failed:
      break;
  }
  auto failure = break_off(Fault::malformed, std::string(body.error()));
  if (!step.piece.empty()) return step.piece;  // sound as far as it went; the next call tells
  return std::unexpected(std::move(failure));
}

bool ClientResponse::Impl::fill() {
  if (block.size() == 0) block = Block(Block::kUsual);
  const IoResult got = connection->socket.try_read(block.from(0));
  begin = 0, end = got.bytes;
  more_likely = got.bytes == block.size();
  if (got.ok && got.bytes == 0) block.release();  // nothing there after all
  if (got.ok) return true;
  if (got.fault == Fault::closed && body.ends_with_connection()) {
    complete();
    return true;
  }
  break_off(got.fault, "the body was cut before its end");
  return false;
}

// A connection carries another request only if this exchange left nothing behind on it, in either direction.
void ClientResponse::Impl::complete() {
  ended = true;
  if (!connection) return;
  if (keep_alive && request_complete && begin == end) {
    pool->give_back(std::move(connection));
  } else {
    pool->discard(std::move(connection));
  }
}

Failure ClientResponse::Impl::break_off(Fault fault, std::string detail) {
  broken = Failure{fault, std::move(detail)};
  drop_connection();
  return *broken;
}

void ClientResponse::Impl::drop_connection() {
  if (connection) pool->discard(std::move(connection));
}

// Its answer has come: a quiet stream need not hold the question.
void ClientResponse::Impl::forget_request() {
  if (parts.capacity() == 0) return;
  std::string().swap(request_head);
  std::vector<std::string_view>().swap(parts);
  parser = ResponseParser(HeadLimits{.bytes = max_head_bytes});  // its views were copied
}

void ClientResponse::Impl::restart() {
  drop_connection();
  block.release();
  begin = end = 0;
  parser.reset();
  request_complete = false;
}

void ClientResponse::Impl::recycle() {
  restart();
  for (std::string* storage : {&request_head, &head}) {
    if (storage->capacity() > kStorageKept) std::string().swap(*storage);
  }
  parts.clear();
  headers.clear();
  canceller = nullptr;
  ended = more_likely = false;
  broken.reset();
}

void recycle(std::unique_ptr<ClientResponse::Impl> impl) {
  if (!impl) return;
  impl->recycle();
  auto& home = *impl->home;
  if (home.size() < kImplsKept) home.push_back(std::move(impl));
}

ClientResponse::ClientResponse(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientResponse::ClientResponse(ClientResponse&&) noexcept = default;
ClientResponse& ClientResponse::operator=(ClientResponse&& other) noexcept {
  if (this != &other) {
    recycle(std::move(impl_));
    impl_ = std::move(other.impl_);
  }
  return *this;
}
ClientResponse::~ClientResponse() { recycle(std::move(impl_)); }

int ClientResponse::status() const { return impl_->status; }
const HeaderView& ClientResponse::headers() const { return impl_->headers; }

void ClientResponse::forget_headers() {
  impl_->headers = {};
  std::string().swap(impl_->head);
}

bool ClientResponse::has_all() const {
  const auto whole = length();
  return whole && impl_->end - impl_->begin >= *whole;
}

std::optional<std::size_t> ClientResponse::length() const {
  const auto text = impl_->headers.get("Content-Length");
  std::size_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{})
    return std::nullopt;
  return value;
}

Task<Result<std::string_view>> ClientResponse::read(MonoTime deadline) {
  Impl& in = *impl_;
  for (;;) {
    if (auto piece = in.next_piece()) co_return std::move(*piece);  // none is held while waiting
    // What did not come yet is waited for without a buffer, unless the last read suggests that it is there
    // already.
    if (!in.more_likely) {
      in.forget_request();
      in.block.release();
      in.begin = in.end = 0;
      if (in.canceller && in.canceller->cancelled()) co_return fail(Fault::cancelled, "reading the body");
      const Armed armed(
          in.canceller, [](void* self) { static_cast<Impl*>(self)->connection->socket.cancel(); }, &in);
      const IoResult readable = co_await in.connection->socket.read_some({}, deadline);
      if (in.canceller && in.canceller->cancelled()) co_return fail(Fault::cancelled, "reading the body");
      const bool may_go_on = readable.fault == Fault::timed_out || readable.fault == Fault::cancelled;
      if (!readable.ok && may_go_on) co_return fail(readable.fault, "waiting for the body");
    }
    if (!in.fill()) co_return std::unexpected(*in.broken);
  }
}

Task<Result<std::string>> ClientResponse::read_all(std::size_t limit, MonoTime deadline) {
  std::string whole;
  if (const auto expected = length()) {
    if (*expected > limit)
      co_return fail(Fault::too_large, "the body is longer than " + std::to_string(limit) + " bytes");
    whole.reserve(*expected);
  }
  for (;;) {
    const auto piece = co_await read(deadline);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return whole;
    if (piece->size() > limit - whole.size())
      co_return fail(Fault::too_large, "the body is longer than " + std::to_string(limit) + " bytes");
    whole += *piece;
  }
}

void ClientResponse::cancel() {
  if (impl_->connection) impl_->connection->socket.cancel();
}

}  // namespace gantry::net
