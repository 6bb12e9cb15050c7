#pragma once
// The bytes of a reply's head, and the Date that is formatted once a second.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/headers.hpp"

namespace gantry::net {

/// IMF-fixdate (RFC 9110 §5.6.7), as in "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(WallTime at);
/// "Not Found" for 404; "Status" for a number without a phrase of its own.
std::string_view reason_phrase(int status);
/// 1xx, 204 and 304 have no body, and no framing fields that speak of one.
bool status_has_body(int status);

class DateCache {
 public:
  std::string_view at(WallTime now);

 private:
  long long second_ = -1;
  std::string text_;
};

/// What the server adds to the handler's fields.
struct ReplyFraming {
  bool http11 = true;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::size_t> length;
};

/// Replaces `out`. What is no header field (RFC 9110 §5), and could break the head in two, is left out.
void compose_head(std::string& out, int status, std::span<const Header> headers, const ReplyFraming& framing,
                  std::string_view server_name, std::string_view date);

/// "1f4\r\n": the line before a chunk. `buffer` holds 18 bytes.
std::string_view chunk_line(std::size_t size, std::span<char, 18> buffer);

}  // namespace gantry::net
