#pragma once
// The table of all settings: each declared once, with its type, bounds, whether a change needs a restart, and
// one sentence for the operator. Reading, printing, the reference page and the restart list walk this table.

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"

namespace gantry::config {

enum class Kind {
  duration,
  size,
  money,  ///< "" when unset
  hold,   ///< the same, or "calibrated"
  integer,
  number,  ///< a decimal number; of an optional one, also unset
  flag,
  text,       ///< one line, may be empty
  choice,     ///< one of `choices`, in the order of the enumerators where it is an enumeration
  path,       ///< of a file, may be empty
  directory,  ///< its path, absolute, or empty
  database,   ///< a postgres:// URL without a password, a reference to one with, or empty
  url,
  listen,        ///< HOST:PORT
  prompt_limit,  ///< an integer, or "context"
  primary,       ///< the first model of a chain
  fallbacks,     ///< its other models
  words,         ///< a list of short texts
  region,        ///< a word, may be empty
  providers,     ///< a list of provider slugs
  secret,        ///< a reference to a lone key
  reference,     ///< a reference to another secret, read where it is used
  keys,          ///< a list of references with weights and names
  prices,        ///< a table of prices by model
};

/// Where a value lives. Server holds the two halves of `listen`; a vector is a chain for primary and
/// fallbacks, and an upstream's keys for secret and keys, of which one prints.
using Slot =
    std::variant<Duration*, std::size_t*, std::int64_t*, int*, bool*, std::string*, std::vector<std::string>*,
                 double*, std::optional<double>*, Server*, std::vector<UpstreamKey>*, SecretReference*,
                 Prices*, Fallback*, DeliveryMode*, DataCollection*, TightBudget*, LedgerAddress*>;

/// What a field is read from or written to: the route at hand for fields of [routes.NAME], the upstream at
/// hand for those of [upstream] and [upstreams.NAME].
struct Scope {
  Config& config;
  Route& route;
  Upstream& upstream;
};

enum class Change { reload, restart };

struct Field {
  std::string_view section;  ///< "server", "routes.NAME.timeouts"; "" = top level
  std::string_view key;
  Kind kind;
  Slot (*slot)(Scope&);
  std::int64_t min = 0;  ///< milliseconds, bytes, or the number itself
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  Change change = Change::reload;
  std::string_view choices = {};  ///< "text|json"
  bool handed_on = true;          ///< to sections that are like its own
  std::string_view sentence;      ///< for the operator
};

struct Section {
  std::string_view name;
  std::string_view sentence;
  std::string_view like = {};  ///< a section whose fields it has behind its own
};

inline constexpr std::string_view kUpstream = "upstreams.NAME";
inline constexpr std::string_view kRoute = "routes.NAME";
inline constexpr std::string_view kRouteTimeouts = "routes.NAME.timeouts";
inline constexpr std::string_view kRouteAttribution = "routes.NAME.attribution";
inline constexpr std::string_view kRouteProvider = "routes.NAME.provider";

/// A section with the same fields as a route's section, for all routes.
struct CommonSection {
  std::string_view name;      ///< "attribution"
  std::string_view of_route;  ///< "routes.NAME.attribution"
};
inline constexpr std::array kCommonSections{CommonSection{"attribution", kRouteAttribution},
                                            CommonSection{"provider", kRouteProvider}};
/// The section that declares the fields of `section`: itself, unless it is a common one.
std::string_view declaring(std::string_view section);

std::span<const Field> fields();
std::span<const Section> sections();
/// All fields of a section, also those that it has from another; an own one hides the other's of its name.
std::vector<const Field*> fields_of(std::string_view section);
const Field* find_field(std::string_view section, std::string_view key);

struct Subsection {
  std::string_view key;      ///< "timeouts"
  std::string_view section;  ///< "routes.NAME.timeouts"
};
/// The sections right below one ("" = the top level). Of those that the operator names there is the word
/// before the name ("routes"), and `section` is the named one.
std::vector<Subsection> subsections(std::string_view section);
/// True for a section whose entries the operator names ("routes.NAME").
bool is_named(std::string_view section);

}  // namespace gantry::config
