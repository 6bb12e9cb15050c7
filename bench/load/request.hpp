#pragma once
// The chat request that the load sends.

#include <cstddef>
#include <string>

namespace gantry::bench {

struct RequestShape {
  std::size_t body_bytes = 927;
  bool stream = false;
  std::string order;  ///< for the upstream, as bench/upstream/reply.hpp reads it
};

/// A whole HTTP request to `port`, its JSON body exactly as long as asked (at least some 300 bytes). Like
/// most calls it sets no max_tokens, so that a gateway that sets a default has to edit it.
std::string chat_request(int port, const RequestShape& shape);

}  // namespace gantry::bench
