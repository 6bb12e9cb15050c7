#pragma once
// What an attempt's end means: its outcome, the scope it speaks of (DESIGN §4), and what else follows from
// it. Pure; every end has a verdict, also codes, types and statuses nobody has seen yet.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "route/outcome.hpp"
#include "route/scope.hpp"
#include "wire/reply.hpp"

namespace gantry::route {

/// Does the end cast doubt on the upstream key? A key is set aside only when the body names it, or `GET /key`
/// confirms a suspicion.
enum class KeyDoubt { none, suspected, named };

/// Which cap on `:free` ids was hit (CONTRACT §7.1).
enum class FreeCap { none, minute, daily };

struct Verdict {
  Outcome outcome = Outcome::upstream_error;
  /// Where it counts. A suspected key has request scope: until the suspicion is confirmed it counts against
  /// nothing, since a client can cause a 402 or a 403 with what it sends.
  Scope scope = Scope::request;
  /// The long breaker: upstream says that the model does not exist any more, or never did.
  bool gone = false;
  /// The same model must not be asked again in this call, whatever the outcome allows.
  bool no_retry = false;
  KeyDoubt key = KeyDoubt::none;
  /// With scope free_allowance; how long it lasts is end_of() in wish.hpp.
  FreeCap free_cap = FreeCap::none;
  /// The generation may have run all the same, and be billed (CONTRACT §6.3: 504, 524, a reset, a timeout).
  bool maybe_billed = false;
  /// Of a 402: how many tokens upstream says can be paid for. Credit is left, so it is about max_tokens.
  std::optional<std::int64_t> affordable_tokens{};
  /// With scope provider: its name as upstream writes it.
  std::string provider{};
};

/// From an error, be it a body of its own, inside a 200, in a choice or in the middle of a stream. DESIGN's
/// order: availability.retryable → error_type → HTTP status. What is unknown: by its `retryable` flag, else a
/// 4xx is bad_request and anything else upstream_error.
///
/// Scopes:
/// - request: whatever the request's content, limits, filters or data policy can cause, so every plain 404
/// and
///   every unknown 4xx; a capacity error too, when filters left nothing else.
/// - provider: failures of one provider that the body names. Of several it is the model's: counting each
///   would end in all of them being ignored, and ignoring all of them is a 404 of our own making.
/// - model: failures that name no provider, and ids that are gone.
/// - free_allowance: the caps on `:free` ids, by limit_source, else by the message.
/// - key: only with KeyDoubt::named. 401 in JSON names it; so do an exceeded key limit and an exhausted
/// budget.
/// - upstream: Cloudflare's own failures, a 429 that is not JSON (its rules against floods), and redirects.
///
/// A provider's 401, 402 or 403 (metadata.provider_name) concerns its own account, not our key:
/// upstream_error.
Verdict judge(const wire::UpstreamError& error);

/// From a transport failure. `sent`: the request had been handed to the network. What keeps a request from
/// being sent (DNS, connect, TLS) speaks of the whole upstream; this process's own limits speak of nothing.
enum class Sent { no, yes };
Verdict judge(Fault fault, Sent sent);

/// From a whole plain reply with status 200: delivered, empty, or the class of its error. Broken JSON is
/// judge(Fault::malformed, Sent::yes).
Verdict judge(const wire::ReplyFacts& reply);

/// From one chunk of a stream; nullopt when it tells of no failure.
std::optional<Verdict> judge(const wire::ChunkFacts& chunk);

/// An end that the engine saw by itself (silent, slow, an unusable reply): it speaks of who was serving, the
/// provider where its name is known, else the model.
Verdict judge(Outcome seen, std::string_view provider = {});

}  // namespace gantry::route
