#include "gateway/limits.hpp"

#include <gtest/gtest.h>

namespace gantry::gateway {
namespace {

TEST(ConnectionLimits, leave_two_descriptors_a_call_and_a_reserve) {
  config::Server server;
  EXPECT_EQ(connection_limits(server, 1064).clients, 500u);
  EXPECT_EQ(connection_limits(server, 1064).upstream, 500u);
  server.max_connections = 100;
  EXPECT_EQ(connection_limits(server, 1064).clients, 100u);
  server.max_connections = 10'000;
  EXPECT_EQ(connection_limits(server, 1064).clients, 500u);
  EXPECT_GT(connection_limits({}, 20).upstream, 0u);
}

TEST(ForOneShard, each_upstream_has_its_part_of_its_own_number_or_of_the_descriptors) {
  config::Config config;
  config.upstream.max_connections = 90;
  config.upstreams.resize(2);
  config.upstreams[1].max_connections = 2;
  const auto part = for_one_shard(config, {.clients = 1, .upstream = 600}, 3);
  EXPECT_EQ(part->upstream.max_connections, 30u);
  EXPECT_EQ(part->upstreams[0].max_connections, 200u);
  EXPECT_EQ(part->upstreams[1].max_connections, 1u) << "none is shut out";
}

}  // namespace
}  // namespace gantry::gateway
