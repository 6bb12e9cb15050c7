#include "spend/account.hpp"

namespace gantry::spend {

std::string_view name(AccountKind kind) {
  switch (kind) {
    case AccountKind::organisation:
      return "organisation";
    case AccountKind::project:
      return "project";
    case AccountKind::key:
      break;
  }
  return "key";
}

std::string_view name(CostSource source) {
  switch (source) {
    case CostSource::told:
      return "told";
    case CostSource::computed:
      return "computed";
    case CostSource::assumed:
      return "assumed";
    case CostSource::free:
      break;
  }
  return "free";
}

std::string_view name(Waste waste) {
  switch (waste) {
    case Waste::none:
      return "none";
    case Waste::retry:
      return "retry";
    case Waste::lost_primary:
      return "lost_primary";
    case Waste::abandoned:
      return "abandoned";
    case Waste::probe:
      break;
  }
  return "probe";
}

}  // namespace gantry::spend
