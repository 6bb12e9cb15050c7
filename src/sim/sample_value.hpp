#pragma once
// A made-up JSON value that satisfies the simple shape of a JSON Schema: type, properties, items, enum,
// const, bounds, anyOf/oneOf/allOf's first branch, local $ref. Used for structured output and for tool
// arguments.

#include <boost/json/fwd.hpp>
#include <string>

#include "base/random.hpp"

namespace gantry::sim {

/// Appends the value as compact JSON. Every property of an object is given, required or not. Recursion is
/// bounded: past eight levels an object or array is left empty.
void append_sample(std::string& out, const boost::json::value& schema, const boost::json::value& root,
                   Random& random);

}  // namespace gantry::sim
