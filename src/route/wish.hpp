#pragma once
// When upstream wishes to be asked again: read from wherever it says so, and never taken at more than its
// word is worth. Pure.

#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "route/verdict.hpp"
#include "wire/reply.hpp"

namespace gantry::route {

/// No wish is longer: a call waits minutes, and larger numbers overflow.
inline constexpr Duration kLongestWish = std::chrono::days{7};

/// Upstream's headers about waiting, as they came (CONTRACT §1.4); "" when absent.
struct WaitHeaders {
  std::string_view retry_after_ms;
  std::string_view retry_after;
  std::string_view rate_limit_reset;
};

/// How long upstream wishes to be left alone, at most kLongestWish; zero when it has no wish. The first of
/// these that says something wins:
/// 1. the end of the daily cap on `:free` ids: no shorter wish can be true (CONTRACT §7.1);
/// 2. error.availability.retry_after, which speaks of this very error;
/// 3. retry-after-ms, then Retry-After, as the official SDK reads them;
/// 4. X-RateLimit-Reset, the header, then its copy in error.metadata.headers;
/// 5. a minute, for the cap on `:free` ids a minute.
/// What is zero, past, negative or not understood says nothing.
Duration wish(const WaitHeaders& headers, const wire::UpstreamError& error, FreeCap cap, WallTime now);

/// When a cap on `:free` ids ends at the latest: the daily one at 00:00 UTC, the other within a minute. `now`
/// for none.
WallTime end_of(FreeCap cap, WallTime now);

/// Whole or decimal seconds, rounded up to milliseconds, or an HTTP date in any form of RFC 9110 §5.6.7; zero
/// when it is neither, or past.
Duration parse_retry_after(std::string_view value, WallTime now);

/// Milliseconds, whole or decimal; zero when they are not.
Duration parse_retry_after_ms(std::string_view value);

/// From Unix milliseconds (CONTRACT §11.10: not seconds) to how long that is from now; zero when it is past.
Duration until_unix_ms(std::int64_t milliseconds, WallTime now);

/// Seconds that upstream asked for, within what is heeded: never negative.
Duration bounded_retry_after(std::int64_t seconds);

}  // namespace gantry::route
