#pragma once
// From a scanned request to what will be asked of upstream: route, chain and edits; or a refusal before
// anything is sent. Pure.

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "wire/dialect.hpp"
#include "wire/edit.hpp"
#include "wire/request.hpp"

namespace gantry::engine {

/// What was decided for a call. Points into the facts and the configuration snapshot it was made from.
struct Admission {
  const config::Route* route = nullptr;
  std::string_view route_name;  ///< "-" when the client named a plain model id
  std::vector<std::string_view>
      chain;               ///< models to ask, in order; the first may be "" (the account's default model)
  std::string_view asked;  ///< what the client asked for, for logs
};

/// `fallback` is the client's x-gantry-fallback header: "none" keeps to the one model it named (DESIGN §1,
/// route).
std::expected<Admission, wire::Refusal> admit(const wire::RequestFacts& facts, const config::Config& config,
                                              std::optional<std::string_view> fallback);

/// The request's edits for one model of the chain: max_tokens set or clamped, temperature by route, model
/// replaced when it differs from what the client wrote. Everything else stays byte-identical.
void edit(wire::Splice& body, const wire::RequestFacts& facts, const config::Route& route,
          const wire::Dialect& dialect, std::string_view model);

}  // namespace gantry::engine
