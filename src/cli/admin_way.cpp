#include "cli/admin_way.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "access/server_file.hpp"
#include "cli/admin_client.hpp"
#include "cli/command.hpp"
#include "cli/run.hpp"
#include "ledger/ledger.hpp"
#include "ledger/state_dir.hpp"

namespace gantry::cli {
namespace {

constexpr const char* kToken = "GANTRY_ADMIN_TOKEN";
constexpr const char* kLookAgain = "look whether this is the address of a gantry with an admin API";

int complain(std::string_view what, std::string_view remedy, int code) {
  fmt::print(stderr, "{}\n    {}\n", what, remedy);
  return code;
}

using Answer = std::expected<access::AdminReply, int>;

Answer ask_at(const std::string& url, const Secret& token, const access::AdminRequest& request) {
  auto reply = ask_server(url, token, request);
  if (reply) return std::move(*reply);
  const bool wrong = reply.error().fault == Fault::bad_input;
  return std::unexpected(
      complain(reply.error().detail,
               wrong ? "name it like https://gantry.internal, or http://127.0.0.1:8700 on its own machine"
                     : "look whether the server runs, and where it listens",
               wrong ? kUsage : kCheckFailed));
}

Answer ask_url(const AdminFlags& flags, const access::AdminRequest& request) {
  const auto environment = config::process_environment();
  const auto token = environment.find(kToken);
  if (token == environment.end() || token->second.empty())
    return std::unexpected(complain(fmt::format("--url needs the admin token, and {} is not set", kToken),
                                    fmt::format("export {}=…, the token of that server", kToken), kUsage));
  return ask_at(flags.url, Secret(token->second), request);
}

// The server that holds the directory has said in it where it is.
Answer ask_holder(const config::Ledger& where, const Failure& held, const access::AdminRequest& request) {
  const auto server = access::read_server_file(where.state);
  if (!server)
    return std::unexpected(
        complain(server.error().detail, "or use --url with the variable GANTRY_ADMIN_TOKEN", kCheckFailed));
  if (!*server)
    return std::unexpected(complain(
        held.detail, "a moment later the server there can be asked, or nobody holds it", kCheckFailed));
  return ask_at((*server)->url, (*server)->admin_token, request);
}

Answer ask_ledger(const std::string& where, const access::AdminRequest& request) {
  const SystemTime time;
  const auto ledger = ledger::open(where, time);
  if (!ledger)
    return std::unexpected(complain(ledger.error().detail,
                                    "see [ledger] in the configuration: gantry config show", kCheckFailed));
  return access::answer(**ledger, request, access::system_bytes);
}

Answer ask_here(AdminFlags& flags, const access::AdminRequest& request) {
  const auto config = load(flags.inputs);
  if (!config) return std::unexpected(config.error());
  const auto& where = (*config)->ledger;
  // Locked while it is asked, so that no server begins in between.
  const auto directory = ledger::StateDirectory::open(where.state);
  if (directory) return ask_ledger(where.place(), request);
  if (directory.error().fault == Fault::refused) return ask_holder(where, directory.error(), request);
  return std::unexpected(
      complain(directory.error().detail, "[ledger] state names the state directory", kUsage));
}

// "message" and the remedy of an error, as the API tells them.
int tell_refusal(const access::AdminReply& reply) {
  const int code = reply.status < 500 ? kUsage : kCheckFailed;
  wire::JsonIndex index;
  const bool json = !index.parse(reply.body);
  const auto message = json ? text_at(index.root(), "error.message") : "";
  if (message.empty())
    return complain(fmt::format("the server answered {} without saying why", reply.status), kLookAgain,
                    kCheckFailed);
  return complain(message, text_at(index.root(), "error.metadata.gantry.remedy"), code);
}

}  // namespace

void add_admin_flags(CLI::App& command, AdminFlags& flags, std::string_view formats) {
  command
      .add_option("--config", flags.inputs.file,
                  "Configuration file, which says where the state is (default: as gantry serve)")
      ->type_name("FILE");
  command.add_option("--url", flags.url, "A server's address instead, with its token in GANTRY_ADMIN_TOKEN")
      ->type_name("URL");
  std::vector<std::string> known{"table", "json"};
  if (formats.contains("csv")) known.emplace_back("csv");
  command.add_option("--format", flags.format, std::string(formats) + " (default: table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(known));
}

std::expected<access::AdminReply, int> ask(AdminFlags& flags, access::AdminRequest request) {
  request.path = std::string(access::kAdminPath) + request.path;
  auto reply = flags.url.empty() ? ask_here(flags, request) : ask_url(flags, request);
  if (reply && reply->status >= 400) return std::unexpected(tell_refusal(*reply));
  return reply;
}

Reply::Reply(access::AdminReply reply) : read_(std::make_unique<Read>(std::move(reply))) {
  read_->good = !read_->index.parse(read_->reply.body);
}

std::string text_at(wire::JsonValue value, std::string_view path) {
  while (!path.empty()) {
    const auto dot = std::min(path.find('.'), path.size());
    const auto next = value.find(path.substr(0, dot));
    if (!next) return {};
    value = *next;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  if (value.is_null()) return {};
  return value.string().value_or(std::string(value.raw()));
}

std::expected<Reply, int> ask_for_json(AdminFlags& flags, access::AdminRequest request) {
  auto answered = ask(flags, std::move(request));
  if (!answered) return std::unexpected(answered.error());
  Reply reply(std::move(*answered));
  if (!reply.good())
    return std::unexpected(complain("what answered is no admin API", kLookAgain, kCheckFailed));
  return reply;
}

}  // namespace gantry::cli
