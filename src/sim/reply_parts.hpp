#pragma once
// Members that a plain reply and the chunks of a stream have in common. Pure.

#include <string>
#include <string_view>

#include "sim/answer.hpp"

namespace gantry::sim {

/// What a client of today does not know (fault unknown-fields).
inline constexpr std::string_view kUnknownFields = R"(,"x_tomorrow":{"kind":"novel","weights":[1,null]})";

/// Id, object, time, model, provider and tier; the brace before them is the caller's.
void append_identity(std::string& out, const Identity& identity, std::string_view object);
void append_reasoning_details(std::string& out, std::string_view text);
/// `"error":{…}` of a reply whose status is 200 already; `code` as the fault gives it. `provider` is whose
/// error it is; "" when that is not told.
void append_error_member(std::string& out, std::string_view code, std::string_view provider = {});

}  // namespace gantry::sim
