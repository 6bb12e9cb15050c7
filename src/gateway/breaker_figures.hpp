#pragma once
// What /metrics tells of breakers. Pure. Clients and replies bring names of their own (model ids, providers),
// so only configured ones become label values; the rest of each kind is summed up as "other".

#include "config/config.hpp"
#include "observe/breaker_figures.hpp"
#include "route/scope_table.hpp"

namespace gantry::gateway {

/// Everything configured is told of, open or not, as in a chain's names: what lies below OpenRouter by its
/// own name, what lies below another upstream as upstream:name. An allowance of free calls goes by its key's
/// name.
observe::BreakerFigures breaker_figures(const route::ScopeTable& scopes, const config::Config& config,
                                        MonoTime now);

}  // namespace gantry::gateway
