#pragma once
// A completion that nobody asked for: the health probe. What it costs is booked like a call's, as waste.

#include <string>

#include "base/task.hpp"
#include "engine/shard.hpp"

namespace gantry::engine {

/// Asks `model` of OpenRouter for a short answer, with the first key in use. `body` is the whole request.
Task<Result<Fetched>> probe(Shard& shard, std::string model, std::string body, MonoTime deadline);

}  // namespace gantry::engine
