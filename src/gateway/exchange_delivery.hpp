#pragma once
// The engine's Delivery over an HTTP exchange.

#include "engine/delivery.hpp"
#include "net/http_server.hpp"

namespace gantry::gateway {

class ExchangeDelivery final : public engine::Delivery {
 public:
  explicit ExchangeDelivery(net::Exchange& exchange) : exchange_(exchange) {}

  Task<Result<void>> whole(int status, std::span<const net::Header> headers, std::string_view body) override {
    return exchange_.reply(status, headers, body);
  }
  Task<Result<void>> open_stream(std::span<const net::Header> headers, Flush flush) override {
    using net::Exchange;
    return exchange_.begin(200, headers,
                           flush == Flush::now ? Exchange::Flush::now : Exchange::Flush::with_first_write);
  }
  Task<Result<void>> piece(std::string_view bytes) override { return exchange_.write(bytes); }
  Task<Result<void>> close_stream() override { return exchange_.finish(); }
  void request_done() override { exchange_.forget_request(); }
  [[nodiscard]] bool gone() const override { return exchange_.hung_up(); }
  void on_gone(void (*action)(void*), void* context) override { exchange_.on_hang_up(action, context); }
  [[nodiscard]] std::size_t bytes_sent() const override { return exchange_.bytes_sent(); }

 private:
  net::Exchange& exchange_;
};

}  // namespace gantry::gateway
