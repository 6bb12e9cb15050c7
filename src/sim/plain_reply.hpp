#pragma once
// The reply of a call that does not stream. Pure.

#include <string>
#include <string_view>

#include "sim/answer.hpp"
#include "sim/faults.hpp"
#include "sim/request.hpp"

namespace gantry::sim {

/// All of it, with the faults that change its JSON.
std::string plain_reply(Api api, const Identity& identity, const Answer& answer, const FaultSet& faults,
                        std::string_view usage_json);

}  // namespace gantry::sim
