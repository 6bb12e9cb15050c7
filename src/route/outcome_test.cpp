#include "route/outcome.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace gantry::route {

static std::ostream& operator<<(std::ostream& out, Outcome outcome) { return out << name(outcome); }

namespace {

using enum Outcome;

std::vector<Outcome> all_outcomes() {
  std::vector<Outcome> out;
  for (int i = 0; i < kOutcomes; ++i) out.push_back(static_cast<Outcome>(i));
  return out;
}

TEST(Outcome, has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const Outcome outcome : all_outcomes()) {
    EXPECT_FALSE(name(outcome).empty());
    names.insert(name(outcome));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kOutcomes));
  EXPECT_EQ(name(delivered), "delivered");
  EXPECT_EQ(name(cancelled), "cancelled");
}

TEST(Outcome, says_whether_another_model_may_be_asked) {
  const std::set<Outcome> no = {delivered, refused_content, bad_request, bad_key, cancelled};
  for (const Outcome outcome : all_outcomes())
    EXPECT_EQ(may_fall_back(outcome), !no.contains(outcome)) << outcome;
}

struct Client {
  Outcome outcome;
  int upstream;
  int status;
  std::string error_type;
};

TEST(ClientStatus, is_what_the_client_should_act_on) {
  const std::vector<Client> rows = {
      {delivered, 200, 200, ""},
      {empty, 200, 502, "provider_unavailable"},
      {rate_limited, 429, 429, "rate_limit_exceeded"},
      {overloaded, 529, 503, "provider_overloaded"},
      {upstream_error, 500, 500, "server"},
      {upstream_error, 502, 502, "provider_unavailable"},
      {upstream_error, 504, 504, "timeout"},
      {upstream_error, 524, 504, "timeout"},
      {upstream_error, 408, 504, "timeout"},
      {upstream_error, 522, 502, "provider_unavailable"},
      {upstream_error, 0, 502, "provider_unavailable"},
      {unreachable, 0, 502, "provider_unavailable"},
      {ambiguous, 0, 502, "provider_unavailable"},
      {silent, 0, 504, "timeout"},
      {slow, 200, 504, "timeout"},
      {model_missing, 400, 404, "not_found"},
      {model_missing, 404, 404, "not_found"},
      {too_long, 400, 400, "context_length_exceeded"},
      {refused_content, 403, 403, "content_policy_violation"},
      {refused_content, 400, 400, "content_policy_violation"},
      {bad_request, 400, 400, "invalid_request"},
      {bad_request, 403, 403, "permission_denied"},
      {bad_request, 404, 404, "not_found"},
      {bad_request, 412, 412, "precondition_failed"},
      {bad_request, 413, 413, "payload_too_large"},
      {bad_request, 422, 422, "unprocessable"},
      {bad_request, 418, 400, "invalid_request"},
      {bad_key, 401, 502, "provider_unavailable"},
      {bad_key, 403, 502, "provider_unavailable"},
      {out_of_money, 402, 503, "provider_unavailable"},
      {out_of_money, 403, 503, "provider_unavailable"},
      {cancelled, 0, 499, "cancelled"},
  };
  for (const auto& row : rows) {
    const ClientStatus status = client_status(row.outcome, row.upstream);
    EXPECT_EQ(status.status, row.status) << row.outcome << " from " << row.upstream;
    EXPECT_EQ(status.error_type, row.error_type) << row.outcome << " from " << row.upstream;
  }
}

TEST(ClientStatus, never_speaks_of_our_key_as_if_it_were_the_clients) {
  for (const Outcome outcome : all_outcomes())
    for (int upstream = 0; upstream < 600; ++upstream) {
      const int status = client_status(outcome, upstream).status;
      EXPECT_TRUE(status != 401 && status != 402) << outcome << " from " << upstream;
      if (outcome != delivered) EXPECT_GE(status, 400) << outcome << " from " << upstream;
    }
}

}  // namespace
}  // namespace gantry::route
