#include "cli/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "config/config.hpp"
#include "gateway/admin_client.hpp"
#include "gateway/run.hpp"
#include "launch/verify.hpp"
#include "manage/session.hpp"
#include "sim/serve.hpp"

// Stand-ins for what the commands start: they note what they were given.
namespace {
std::optional<gantry::gateway::RunOptions> served;
std::optional<gantry::launch::VerifyOptions> verified;
std::optional<gantry::sim::SimServerOptions> simulated;
std::optional<gantry::manage::Order> ordered;
bool ready = true;
std::optional<gantry::net::BaseUrl> asked;
std::optional<std::string> reset_name;
std::optional<gantry::Failure> trouble;
}  // namespace

namespace gantry::gateway {
int run_gateway(const RunOptions& options) {
  served = options;
  return 0;
}
Result<std::string> fetch_breakers(const net::BaseUrl& server) {
  asked = server;
  if (trouble) return std::unexpected(*trouble);
  return R"({"data":[]})";
}
Result<long> reset_breakers(const net::BaseUrl& server, std::string_view name) {
  asked = server, reset_name = name;
  if (trouble) return std::unexpected(*trouble);
  return 3;
}
Result<std::string> breakers_table(std::string_view) { return "the list\n"; }
}  // namespace gantry::gateway

namespace gantry::launch {
Report verify_now(const config::Config&, const VerifyOptions& options) {
  verified = options;
  return {};
}
bool Report::passed() const { return ready; }
std::string table(const Report&) { return "the table\n"; }
std::string json(const Report&) { return "{}\n"; }
}  // namespace gantry::launch

namespace gantry::manage {
bool manage_now(const config::Config&, const std::map<std::string, std::string>&, const Order& order) {
  ordered = order;
  return ready;
}
}  // namespace gantry::manage

namespace gantry::sim {
struct SimServer::Impl {};
SimServer::SimServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SimServer::~SimServer() = default;
unsigned short SimServer::port() const { return 0; }
void SimServer::each_loop(const std::function<void(net::Loop&)>&) {}
void SimServer::stop() {}
// Refuses, so that the command returns instead of waiting for a signal.
Result<std::unique_ptr<SimServer>> SimServer::start(const TimeSource&, SimServerOptions options) {
  simulated = std::move(options);
  return fail(Fault::system, "no port for a test");
}
}  // namespace gantry::sim

namespace gantry::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Ended {
  int code = 0;
  std::string out, err;
  std::vector<std::string> arguments;  // as the process list would show them afterwards
};

Ended gantry(std::vector<std::string> arguments) {
  served.reset(), verified.reset(), simulated.reset(), ordered.reset(), asked.reset(), reset_name.reset();
  arguments.insert(arguments.begin(), "gantry");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ended ended;
  ended.code = run(static_cast<int>(arguments.size()), pointers.data());
  std::fflush(stdout);
  ended.out = testing::internal::GetCapturedStdout();
  ended.err = testing::internal::GetCapturedStderr();
  ended.arguments = std::move(arguments);
  return ended;
}

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    for (const auto* variable :
         {"OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "GANTRY_CONFIG", "HTTPS_PROXY", "https_proxy"})
      ::unsetenv(variable);
    ready = true;
    trouble.reset();
  }
  ~CommandLine() override { std::filesystem::remove_all(folder_); }
  std::string file(std::string_view text) {
    const auto path = folder_ / "gantry.toml";
    std::ofstream(path) << text;
    std::filesystem::permissions(path,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path.string();
  }
  std::filesystem::path folder_;
};

TEST_F(CommandLine, tells_its_version_and_how_it_is_used) {
  const auto version = gantry({"--version"});
  EXPECT_EQ(version.code, kOk);
  EXPECT_THAT(version.out, StartsWith("gantry "));
  const auto help = gantry({"--help"});
  EXPECT_EQ(help.code, kOk);
  for (const auto* word :
       {"up", "serve", "verify", "breakers", "sim", "config", "Examples:", "gantry up --sim", "Exit codes"})
    EXPECT_THAT(help.out, HasSubstr(word));
}

TEST_F(CommandLine, that_is_wrong_ends_with_2) {
  for (const std::vector<std::string>& line : {std::vector<std::string>{},
                                               {"fly"},
                                               {"serve", "--port", "1"},
                                               {"config"},
                                               {"config", "mend"},
                                               {"verify", "--format", "xml"},
                                               {"breakers", "--format", "xml"},
                                               {"breakers", "--url", "127.0.0.1:8700"},
                                               {"breakers", "mend"},
                                               {"breakers", "reset", "one", "two"},
                                               {"up", "--sim-seed", "1"},
                                               {"sim", "--jitter", "2"},
                                               {"sim", "--first-token", "3"},
                                               {"sim", "--listen", "8700"}})
    EXPECT_EQ(gantry(line).code, kUsage) << testing::PrintToString(line);
}

TEST_F(CommandLine, with_an_upstream_key_is_refused_and_wiped) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"serve", "--key", "sk-or-v1-0123456789"},
        {"up", "--base-url=https://x/sk-or-v1-0123456789"},
        {"sk-or-v1-0123456789"},
        {"sim", "--script", "sk-or-v1-0123456789"}}) {
    const auto ended = gantry(line);
    EXPECT_EQ(ended.code, kUsage);
    EXPECT_THAT(ended.err, HasSubstr("an OpenRouter key stands on the command line"));
    EXPECT_THAT(ended.err, HasSubstr("OPENROUTER_API_KEY"));
    EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("0123456789")));
    for (const auto& argument : ended.arguments) EXPECT_THAT(argument, Not(HasSubstr("0123456789")));
    EXPECT_FALSE(served);
  }
}

TEST_F(CommandLine, the_simulators_own_key_is_taken_and_wiped) {
  const auto ended = gantry({"sim", "--key", "sk-or-v1-0123456789", "--listen", "127.0.0.1:0", "--seed", "7",
                             "--first-token", "300ms", "--tokens-per-second", "50", "--jitter", "0.5"});
  ASSERT_TRUE(simulated) << ended.err;
  EXPECT_EQ(simulated->sim.key, "sk-or-v1-0123456789");
  EXPECT_EQ(simulated->sim.seed, 7u);
  EXPECT_EQ(simulated->sim.first_token, std::chrono::milliseconds{300});
  EXPECT_EQ(simulated->sim.tokens_per_second, 50);
  EXPECT_EQ(simulated->port, 0);
  for (const auto& argument : ended.arguments) EXPECT_THAT(argument, Not(HasSubstr("0123456789")));
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_THAT(ended.err, HasSubstr("no port for a test"));
}

TEST_F(CommandLine, serve_passes_its_flags_and_the_environment_on) {
  ::setenv("OPENROUTER_BASE_URL", "https://example.com", 1);
  EXPECT_EQ(gantry({"serve", "--config", "c.toml", "--listen", "127.0.0.1:9"}).code, kOk);
  ASSERT_TRUE(served);
  EXPECT_EQ(served->config.file, "c.toml");
  EXPECT_EQ(served->config.listen, "127.0.0.1:9");
  EXPECT_EQ(served->config.environment.at("OPENROUTER_BASE_URL"), "https://example.com");
  EXPECT_FALSE(served->sim);
  EXPECT_FALSE(served->verify_first);
}

TEST_F(CommandLine, up_verifies_first_and_simulates_only_when_asked) {
  EXPECT_EQ(gantry({"up"}).code, kOk);
  ASSERT_TRUE(served);
  EXPECT_TRUE(served->verify_first);
  EXPECT_FALSE(served->sim);
  EXPECT_EQ(gantry({"up", "--sim", "--sim-seed", "9", "--sim-first-token", "1s"}).code, kOk);
  ASSERT_TRUE(served);
  EXPECT_TRUE(served->sim);
  EXPECT_EQ(served->sim_options.seed, 9u);
  EXPECT_EQ(served->sim_options.first_token, std::chrono::seconds{1});
}

TEST_F(CommandLine, config_check_tells_every_problem_on_stderr) {
  const auto path = file("[server]\nthreads = \"4\"\n[log]\nlevel = \"loud\"\n");
  const auto ended = gantry({"config", "check", "--config", path});
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_THAT(ended.err, HasSubstr(path + ":2: server.threads must be an integer"));
  EXPECT_THAT(ended.err, HasSubstr(path + ":4: log.level must be one of"));
  EXPECT_THAT(ended.err, HasSubstr("\n    write it like: threads = 1\n"));
}

TEST_F(CommandLine, config_check_and_show_pass_a_good_file) {
  const auto path = file("[log]\nlevel = \"warn\"\n");
  const auto check = gantry({"config", "check", "--config", path});
  EXPECT_EQ(check.code, kOk);
  EXPECT_THAT(check.out, HasSubstr(path + ": in order"));
  EXPECT_THAT(check.out, HasSubstr("env OPENROUTER_API_KEY gives no upstream key"));
  const auto show = gantry({"config", "show", "--config", path, "--listen", "127.0.0.1:1"});
  EXPECT_EQ(show.code, kOk);
  EXPECT_THAT(show.out, HasSubstr("level = \"warn\"  # " + path + ":2"));
  EXPECT_THAT(show.out, HasSubstr("listen = \"127.0.0.1:1\"  # --listen"));
}

TEST_F(CommandLine, config_reference_prints_the_page) {
  const auto ended = gantry({"config", "reference"});
  EXPECT_EQ(ended.code, kOk);
  EXPECT_EQ(ended.out, config::reference());
}

TEST_F(CommandLine, verify_needs_a_key_and_a_route_that_exists) {
  const auto path = file("");
  const auto keyless = gantry({"verify", "--config", path});
  EXPECT_EQ(keyless.code, kUsage);
  EXPECT_THAT(keyless.err, HasSubstr("export OPENROUTER_API_KEY"));
  EXPECT_THAT(keyless.err, HasSubstr("gantry up --sim"));
  ::setenv("OPENROUTER_API_KEY", "sk-or-v1-abc", 1);
  const auto lost = gantry({"verify", "--config", path, "--route", "quick"});
  EXPECT_EQ(lost.code, kUsage);
  EXPECT_THAT(lost.err, HasSubstr("--route quick: there is no such route"));
  EXPECT_FALSE(verified);
}

TEST_F(CommandLine, verify_ends_with_what_it_found) {
  ::setenv("OPENROUTER_API_KEY", "sk-or-v1-abc", 1);
  const auto path = file("[routes.quick]\nprimary = \"a/b\"\n");
  const auto passed = gantry({"verify", "--config", path, "--route", "quick"});
  EXPECT_EQ(passed.code, kOk);
  EXPECT_EQ(passed.out, "the table\n");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->route, "quick");
  ready = false;
  const auto failed = gantry({"verify", "--config", path, "--format", "json"});
  EXPECT_EQ(failed.code, kCheckFailed);
  EXPECT_EQ(failed.out, "{}\n");
}

TEST_F(CommandLine, upstream_keys_orders_what_it_was_told) {
  using Verb = manage::Order::Verb;
  const auto path = file("");
  const auto keys = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "upstream-keys");
    words.insert(words.end(), {"--config", path});
    return gantry(std::move(words)).code;
  };
  EXPECT_EQ(keys({"create", "--name", "app", "--limit", "$50", "--reset", "none", "--expires", "2027-12-31"}),
            kOk);
  EXPECT_EQ(ordered->verb, Verb::create);
  EXPECT_EQ(manage::body_of(ordered->settings),
            R"({"name":"app","limit":50,"limit_reset":null,"expires_at":"2027-12-31T23:59:59Z"})");
  EXPECT_EQ(keys({"list", "--all", "--format", "json"}), kOk);
  EXPECT_TRUE(ordered->include_disabled && ordered->json);
  EXPECT_EQ(keys({"update", "app", "--limit", "none", "--enable"}), kOk);
  EXPECT_EQ(ordered->key, "app");
  EXPECT_EQ(manage::body_of(ordered->settings), R"({"disabled":false,"limit":null})");
  EXPECT_EQ(keys({"rotate", "app", "--disable-old", "--include-byok", "true"}), kOk);
  EXPECT_TRUE(ordered->disable_old);
  EXPECT_EQ(keys({"disable", "app"}), kOk);
  EXPECT_EQ(ordered->verb, Verb::disable);
  EXPECT_EQ(keys({"delete", "app"}), kOk);
  EXPECT_EQ(ordered->verb, Verb::remove);
  ready = false;
  EXPECT_EQ(keys({"show", "app"}), kCheckFailed);
}

TEST_F(CommandLine, upstream_keys_that_are_wrong_ask_nothing) {
  const auto path = file("");
  for (std::vector<std::string> words : {std::vector<std::string>{},
                                         {"create"},
                                         {"create", "--name", ""},
                                         {"create", "--name", "x", "--limit", "50"},
                                         {"create", "--name", "x", "--reset", "yearly"},
                                         {"create", "--name", "x", "--expires", "tomorrow"},
                                         {"update", "app"},
                                         {"update", "app", "--expires", "2027-12-31"},
                                         {"show"},
                                         {"delete", ""}}) {
    words.insert(words.begin(), "upstream-keys");
    const auto ended = gantry(words);
    EXPECT_EQ(ended.code, kUsage) << testing::PrintToString(words);
    EXPECT_FALSE(ordered);
  }
}

TEST_F(CommandLine, breakers_are_asked_of_the_gateway_that_the_configuration_describes) {
  struct Case {
    std::string config, host;
    unsigned short port;
    bool https;
  };
  const auto pem = (folder_ / "listener.pem").string();
  std::ofstream(pem) << "read when it listens";
  std::filesystem::permissions(pem, std::filesystem::perms::owner_read);
  for (const Case& each :
       {Case{"", "127.0.0.1", 8700, false}, Case{"listen = \"0.0.0.0:9000\"", "127.0.0.1", 9000, false},
        Case{"listen = \"[::]:9000\"", "::1", 9000, false},
        Case{"tls_certificate = \"" + pem + "\"\ntls_key = \"" + pem + "\"", "127.0.0.1", 8700, true}}) {
    const bool open = each.port == 9000;
    const auto path =
        file("[server]\n" + each.config + (open ? "\nallow_unauthenticated = true" : "") + "\n");
    const auto ended = gantry({"breakers", "--config", path});
    EXPECT_EQ(ended.code, kOk) << ended.err;
    EXPECT_EQ(ended.out, "the list\n");
    ASSERT_TRUE(asked) << ended.err;
    EXPECT_EQ(asked->origin, (net::Origin{each.https, each.host, each.port})) << each.config;
  }
}

TEST_F(CommandLine, breakers_of_a_gateway_that_is_named_need_no_configuration) {
  const auto ended =
      gantry({"breakers", "--url", "http://127.0.0.1:9001", "--config", "/absent.toml", "--format", "json"});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, R"({"data":[]})");
  EXPECT_EQ(asked->origin.port, 9001);
  EXPECT_FALSE(reset_name);
}

TEST_F(CommandLine, breakers_are_closed_by_name_or_all) {
  EXPECT_EQ(gantry({"breakers", "reset"}).out, "3 closed\n");
  EXPECT_EQ(reset_name, "");
  EXPECT_EQ(gantry({"breakers", "reset", "acme/one", "--url", "http://127.0.0.1:1"}).code, kOk);
  EXPECT_EQ(reset_name, "acme/one");
  EXPECT_EQ(asked->origin.port, 1);
  EXPECT_EQ(gantry({"breakers", "--format", "json", "reset"}).out, "{\"closed\":3}\n");
}

TEST_F(CommandLine, a_gateway_that_does_not_answer_is_1_and_a_question_that_it_refuses_2) {
  trouble = Failure{Fault::refused, "http://127.0.0.1:8700: nothing listens there"};
  for (const std::vector<std::string>& line : {std::vector<std::string>{"breakers"}, {"breakers", "reset"}}) {
    const auto ended = gantry(line);
    EXPECT_EQ(ended.code, kCheckFailed);
    EXPECT_THAT(ended.err, HasSubstr("nothing listens there"));
    EXPECT_THAT(ended.err, HasSubstr("--url"));
  }
  trouble = Failure{Fault::bad_input, "No breaker is named x."};
  const auto refused = gantry({"breakers", "reset", "x"});
  EXPECT_EQ(refused.code, kUsage);
  EXPECT_THAT(refused.err, HasSubstr("No breaker is named x."));
}

}  // namespace
}  // namespace gantry::cli
