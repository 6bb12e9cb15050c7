#pragma once
// Asking the admin API of a ledger in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "access/admin.hpp"
#include "access/fake_ledger.hpp"

namespace gantry::access {

struct AdminTest : testing::Test {
  FakeLedger ledger;
  std::uint8_t next_byte = 1;

  AdminReply ask(std::string method, std::string path, std::string body = {}, std::string query = {},
                 std::string accept = {}) {
    const AdminRequest request{.method = std::move(method),
                               .path = "/admin/v1" + path,
                               .query = std::move(query),
                               .body = std::move(body),
                               .accept = std::move(accept)};
    return answer(ledger, request, [this](std::span<std::uint8_t> to) {
      std::ranges::fill(to, next_byte++);
      return true;
    });
  }
};

/// `expected` are the fields that are wrong, in order.
inline void expect_problems(const AdminReply& reply, const std::vector<std::string>& expected) {
  EXPECT_EQ(reply.status, 400) << reply.body;
  std::vector<std::string> found;
  constexpr std::string_view kMark = "{\"field\":\"";
  for (auto at = reply.body.find(kMark); at != std::string::npos; at = reply.body.find(kMark, at)) {
    at += kMark.size();
    found.push_back(reply.body.substr(at, reply.body.find('"', at) - at));
  }
  EXPECT_EQ(found, expected) << reply.body;
}

}  // namespace gantry::access
