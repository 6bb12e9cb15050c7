#pragma once
// For tests of handlers: an exchange without a socket that records what was written, on a loop whose time is
// moved by hand.

#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace gantry::sim::test {

class FakeExchange final : public net::Exchange {
 public:
  enum class End { open, whole, closed, reset };

  FakeExchange(net::Loop& loop, std::string method, std::string target, std::string body,
               std::vector<std::pair<std::string, std::string>> headers)
      : loop_(loop),
        method_(std::move(method)),
        target_(std::move(target)),
        request_body_(std::move(body)),
        fields_(std::move(headers)) {
    const auto question = target_.find('?');
    head_.method = method_;
    head_.target = target_;
    head_.path = std::string_view(target_).substr(0, question);
    if (question != std::string::npos) head_.query = std::string_view(target_).substr(question + 1);
    for (const auto& [field, value] : fields_) head_.headers.add(field, value);
    head_.has_body = !request_body_.empty();
  }

  const net::RequestHead& head() const override { return head_; }
  const net::Endpoint& peer() const override { return peer_; }
  net::Loop& loop() override { return loop_; }
  Task<Result<std::string_view>> read_body() override { co_return std::string_view(request_body_); }

  Task<Result<void>> reply(int code, std::span<const net::Header> headers, std::string_view text) override {
    take_head(code, headers);
    take(text);
    end = End::whole;
    co_return outcome();
  }
  Task<Result<void>> begin(int code, std::span<const net::Header> headers, Flush flush) override {
    take_head(code, headers);
    flushed_early = flush == Flush::now;
    co_return outcome();
  }
  Task<Result<void>> write(std::string_view piece) override {
    if (!gone_) take(piece);
    co_return outcome();
  }
  Task<Result<void>> finish() override {
    end = End::whole;
    co_return outcome();
  }
  void abort(net::Socket::Close how) override {
    end = how == net::Socket::Close::reset ? End::reset : End::closed;
  }
  bool hung_up() const override { return gone_; }
  void on_hang_up(void (*action)(void*), void* context) override {
    action_ = action;
    context_ = context;
    if (gone_ && action_) std::exchange(action_, nullptr)(context_);
  }
  std::size_t bytes_sent() const override { return body.size(); }

  /// The client goes away.
  void hang_up() {
    gone_ = true;
    if (action_) std::exchange(action_, nullptr)(context_);
  }
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [field, value] : reply_headers)
      if (net::same_name(field, name)) return value;
    return "";
  }

  // What the handler did.
  int status = 0;
  std::vector<std::pair<std::string, std::string>> reply_headers;
  std::string body;
  std::vector<std::string> pieces;
  End end = End::open;
  bool flushed_early = false;

 private:
  void take_head(int code, std::span<const net::Header> headers) {
    status = code;
    for (const auto& [field, value] : headers) reply_headers.emplace_back(field, value);
  }
  void take(std::string_view piece) {
    body += piece;
    pieces.emplace_back(piece);
  }
  Result<void> outcome() const {
    if (gone_) return fail(Fault::closed, "the client left");
    return {};
  }

  net::Loop& loop_;
  std::string method_, target_, request_body_;
  std::vector<std::pair<std::string, std::string>> fields_;
  net::RequestHead head_;
  net::Endpoint peer_{.address = "127.0.0.1", .port = 1};
  void (*action_)(void*) = nullptr;
  void* context_ = nullptr;
  bool gone_ = false;
};

}  // namespace gantry::sim::test
