#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config.hpp"

namespace gantry::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Load : public testing::Test {
 protected:
  Load() {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Load() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    const auto path = (folder_ / name).string();
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::filesystem::path folder_;
};

TEST_F(Load, reads_the_file_that_is_named_and_resolves_the_key) {
  const auto key = write("key", "sk-or-v1-abc\n");
  Inputs inputs;
  inputs.file = write("g.toml", "[upstream]\nkey = { file = \"" + key + "\" }\n");
  const auto config = load(inputs);
  ASSERT_TRUE(config) << config.error().front().message;
  EXPECT_EQ((*config)->upstream.key().reveal(), "sk-or-v1-abc");
  EXPECT_EQ(to_string((*config)->upstream.keys.front().reference), "file " + key);
  EXPECT_EQ((*config)->source, inputs.file);
}

TEST_F(Load, finds_the_file_by_variable) {
  Inputs inputs;
  inputs.environment["GANTRY_CONFIG"] = write("g.toml", "[log]\nlevel = \"debug\"\n");
  const auto config = load(inputs);
  ASSERT_TRUE(config);
  EXPECT_EQ((*config)->log.level, "debug");
}

TEST_F(Load, an_unset_variable_for_the_key_is_no_problem) {
  Inputs inputs;
  inputs.file = write("g.toml", "");
  const auto config = load(inputs);
  ASSERT_TRUE(config);
  EXPECT_TRUE((*config)->upstream.key().empty());
}

TEST_F(Load, tells_all_problems_at_once) {
  Inputs inputs;
  inputs.file = write("g.toml",
                      "[upstream]\nkey = { file = \"/nonexistent/key\" }\nca_file = \"/nonexistent/ca\"\n"
                      "[server]\nthreads = -1\n");
  const auto config = load(inputs);
  ASSERT_FALSE(config);
  ASSERT_THAT(config.error(), SizeIs(3));
  EXPECT_THAT(config.error()[0].message, HasSubstr("server.threads must be an integer"));
  EXPECT_EQ(config.error()[0].where, inputs.file + ":5");
  EXPECT_THAT(config.error()[1].message, HasSubstr("upstream.ca_file: /nonexistent/ca cannot be read"));
  EXPECT_EQ(config.error()[1].where, inputs.file + ":3");
  EXPECT_THAT(config.error()[2].message, HasSubstr("upstream.key: /nonexistent/key cannot be read"));
  EXPECT_EQ(config.error()[2].where, inputs.file + ":2");
}

TEST_F(Load, runs_no_command_for_a_configuration_that_is_not_in_order) {
  const auto trace = folder_ / "trace";
  Inputs inputs;
  inputs.file = write("g.toml", "[upstream]\nkey = { command = [\"touch\", \"" + trace.string() +
                                    "\"] }\n[log]\nlevel = \"loud\"\n");
  EXPECT_FALSE(load(inputs));
  EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST_F(Load, refuses_a_file_that_others_can_write_or_that_is_not_there) {
  Inputs inputs;
  inputs.file = write("g.toml", "", 0666);
  auto config = load(inputs);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().front().message, HasSubstr("can be written by others"));
  inputs.file = "/nonexistent/g.toml";
  config = load(inputs);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().front().remedy, "name a file that exists, or none to use defaults");
}

TEST_F(Load, refuses_a_private_tls_key_that_everyone_can_read) {
  Inputs inputs;
  inputs.file = write("g.toml", "[server]\ntls_certificate = \"" + write("c.pem", "c", 0644) +
                                    "\"\ntls_key = \"" + write("k.pem", "k", 0644) + "\"\n");
  const auto config = load(inputs);
  ASSERT_FALSE(config);
  ASSERT_THAT(config.error(), SizeIs(1));
  EXPECT_THAT(config.error().front().message, HasSubstr("k.pem can be read by everyone"));
}

TEST(Restart, is_needed_for_listeners_and_threads_only) {
  Config running, next;
  next.log.level = "debug";
  next.routes["default"].retries = 1;
  next.server.drain_delay = std::chrono::seconds{1};
  next.upstream.proxy = "http://proxy:1";  // only its pool is a new one
  EXPECT_THAT(needs_restart(running, next), IsEmpty());
  next.server.listen_port = 9000;
  next.server.threads = 4;
  EXPECT_THAT(
      needs_restart(running, next),
      ElementsAre("server.listen: \"127.0.0.1:8700\" -> \"127.0.0.1:9000\"", "server.threads: 0 -> 4"));
}

TEST(Environment, is_the_processs_own) {
  ::setenv("GANTRY_TEST_VARIABLE", "a=b", 1);
  EXPECT_EQ(process_environment().at("GANTRY_TEST_VARIABLE"), "a=b");
}

}  // namespace
}  // namespace gantry::config
