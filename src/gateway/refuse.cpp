#include "gateway/refuse.hpp"

#include <vector>

#include "wire/envelope.hpp"

namespace gantry::gateway {

Task<void> refuse(net::Exchange& exchange, Refused why, std::string_view allow) {
  const auto body = wire::error_json({.code = why.status,
                                      .message = std::move(why.message),
                                      .error_type = std::move(why.error_type),
                                      .remedy = std::move(why.remedy),
                                      .param = {},
                                      .call_id = {},
                                      .attempts = {}});
  std::vector<net::Header> headers{{"Content-Type", "application/json"}, {"x-should-retry", "false"}};
  const auto wait = std::to_string(why.retry_after_s);
  if (why.retry_after_s > 0) headers.push_back({"Retry-After", wait});
  if (!allow.empty()) headers.push_back({"Allow", allow});
  co_await exchange.reply(why.status, headers, body);
}

}  // namespace gantry::gateway
