#pragma once
// Reads the error shapes of CONTRACT §6.1 out of an indexed document; shared by whole replies, chunks and
// error bodies.

#include "wire/json_index.hpp"
#include "wire/reply.hpp"

namespace gantry::wire {

/// From a document that holds an error in one of the shapes A–E. `http_status` 0: not known (an error inside
/// a 200).
UpstreamError error_from_document(int http_status, JsonValue document);

/// From the value of an `error` member alone, as inside a choice (§4.3).
UpstreamError error_from_value(int http_status, JsonValue error);

/// True for an `error` member that tells of an error: anything but null and false.
bool tells_an_error(JsonKind error);

}  // namespace gantry::wire
