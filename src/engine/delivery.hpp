#pragma once
// Where a call's answer goes: an HTTP exchange in the gateway, a callback in the library. The engine knows no
// listener.

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/headers.hpp"

namespace gantry::engine {

/// Exactly one of: whole(), or open_stream() … close_stream(). Used on the shard's loop only.
class Delivery {
 public:
  virtual ~Delivery() = default;
  /// A plain answer or an error, complete and checked. What is shown outlives the await.
  virtual Task<Result<void>> whole(int status, std::span<const net::Header> headers,
                                   std::string_view body) = 0;
  /// Status 200 of a stream. It need not leave before the first piece unless `now` is set.
  enum class Flush { with_first_piece, now };
  virtual Task<Result<void>> open_stream(std::span<const net::Header> headers, Flush flush) = 0;
  virtual Task<Result<void>> piece(std::string_view bytes) = 0;
  virtual Task<Result<void>> close_stream() = 0;
  /// The request will not be sent again: who holds its body and headers for the call may let them go.
  virtual void request_done() {}
  /// True once nobody takes the answer any more.
  [[nodiscard]] virtual bool gone() const = 0;
  /// `action(context)` runs once when that happens, at once if it already has; nullptr clears it.
  virtual void on_gone(void (*action)(void* context), void* context) = 0;
  [[nodiscard]] virtual std::size_t bytes_sent() const = 0;
};

}  // namespace gantry::engine
