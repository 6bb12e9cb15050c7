#pragma once
// One order of `gantry upstream-keys`, carried out through an API that is handed in. Pure: it neither knows a
// socket nor a terminal.

#include <functional>
#include <string>
#include <string_view>

#include "manage/upstream_key.hpp"

namespace gantry::manage {

struct Order {
  enum class Verb { create, list, show, update, rotate, disable, remove };
  Verb verb = Verb::list;
  std::string key = {};           ///< a hash, its beginning, or a name; for all but create and list
  KeySettings settings = {};      ///< of create and update, and what rotate changes
  bool disable_old = false;       ///< rotate
  bool include_disabled = false;  ///< list
  bool json = false;
};

struct Answer {
  int status = 0;  ///< 0 = no answer came
  std::string body = {};
  std::string failure = {};  ///< why, when status is 0
  bool maybe_done = false;   ///< no answer came, and the request may have been carried out
};
/// method, path below the base URL, body.
using Api = std::function<Answer(std::string_view, const std::string&, const std::string&)>;

/// Where results and remarks go. `out` says whether the text arrived.
struct Console {
  std::function<bool(const std::string&)> out;
  std::function<void(const std::string&)> err;
};

/// Returns whether it was done; what was wrong is on `err`, as what, why and what to do. A new key's text is
/// written to `out` once, and nowhere else.
bool carry_out(const Order& order, const Api& api, const Console& console);

}  // namespace gantry::manage
