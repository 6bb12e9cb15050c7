#pragma once
// Model ids that misbehave: sim/status-503, sim/no-done … Each is a name for a fault text, so that a client
// that can only choose a model can meet every fault. GET /api/v1/models lists them only with ?sim=1.

#include <string_view>
#include <vector>

#include "sim/catalogue.hpp"

namespace gantry::sim {

/// The sim/… models, priced at 1 and 2 USD per million tokens.
std::vector<Model> fault_models();

}  // namespace gantry::sim
