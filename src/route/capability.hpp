#pragma once
// Can a model do what a request needs? (DESIGN §4: a fallback that cannot is skipped, with the reason kept.)
// Pure. What is not known never skips: an attempt costs less than an answer that is not given.

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "wire/models.hpp"
#include "wire/needs.hpp"

namespace gantry::route {

/// Why `model` is skipped, in a few words that fit behind its name ("takes no image"); nullopt when it may be
/// asked. The first reason found stands for all.
std::optional<std::string> reason_to_skip(const wire::ModelFacts& model, const wire::RequestNeeds& needs,
                                          WallTime now);

/// After too_long on a model with a context of `failed` tokens: may one with `candidate` be asked? Only a
/// larger one can help; what is unknown may be larger.
bool may_hold_more(std::optional<std::int64_t> candidate, std::optional<std::int64_t> failed);

}  // namespace gantry::route
