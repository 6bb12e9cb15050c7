#pragma once
// The launch checks as verdicts on what came back. Pure: replies in, checks out.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "launch/report.hpp"

namespace gantry::launch {

/// One request's end.
struct Reply {
  int status = 0;  ///< 0 = no reply came
  std::string body;
  std::string failure;  ///< why, when status is 0
  Duration took{};
};

/// GET /models. Passes with the number of models it lists.
Check judge_api(const Reply& models);
/// The ids of a models list; empty when it is none.
std::vector<std::string> model_ids(std::string_view models_body);

/// GET /key (CONTRACT §7.2). A management key fails: it cannot call models (CONTRACT §1.2).
Check judge_key(const Reply& key);
/// From the same reply: strictly more than `minimum_usd` must be left. Without a limit on the key the balance
/// is not visible, which is a warning.
Check judge_credit(const Reply& key, const std::string& minimum_usd);

enum class Role { primary, fallback };
/// A completion of a few tokens. Any content is an answer, and so is finish `length` with tokens used: a
/// reasoning model may spend them all on thinking. A model that is gone is named with its relatives among
/// `living`.
Check judge_model(Role role, const std::string& model, const Reply& reply,
                  const std::vector<std::string>& living);
/// The model was not judged; says why.
Check skipped_model(Role role, const std::string& model, std::string why);

/// True when the model itself refused the request, as some do with limits below 16 tokens (CONTRACT §3.1).
bool refuses_few_tokens(const Reply& reply);

/// Up to `most` ids that may stand in for `model`: of the same author first, then by the edit distance of the
/// slug.
std::vector<std::string> relatives(std::string_view model, const std::vector<std::string>& living,
                                   std::size_t most);

}  // namespace gantry::launch
