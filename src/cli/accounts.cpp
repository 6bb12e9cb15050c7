// gantry accounts: the organisation and its projects, their limits and what is used of them.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "access/query.hpp"
#include "cli/admin_body.hpp"
#include "cli/admin_tables.hpp"
#include "cli/admin_way.hpp"
#include "cli/command.hpp"
#include "cli/run.hpp"

namespace gantry::cli {
namespace {

struct AccountFlags {
  AdminFlags admin;
  std::string account;
  bool keys = false, enable = false, disable = false;
  std::optional<std::string> name;
  LimitFlags limits;
};
using Shared = std::shared_ptr<AccountFlags>;

std::string path_of(const AccountFlags& flags) {
  return "/accounts/" + access::percent_encoded(flags.account);
}

int print(const AccountFlags& flags, const std::expected<Reply, int>& reply) {
  if (!reply) return reply.error();
  fmt::print("{}", flags.admin.format == "json" ? reply->body() + "\n" : account_table(reply->data()));
  return kOk;
}

int list(AccountFlags& flags) {
  return print(flags,
               ask_for_json(flags.admin,
                            {.method = "GET", .path = "/accounts", .query = flags.keys ? "keys=true" : ""}));
}

int set(AccountFlags& flags) {
  AdminBody body;
  body.text("name", flags.name);
  body.limits(flags.limits);
  if (flags.enable || flags.disable) body.flag("disabled", flags.disable);
  if (!body.empty())
    return print(flags,
                 ask_for_json(flags.admin, {.method = "PATCH", .path = path_of(flags), .body = body.json()}));
  fmt::print(stderr, "nothing to set is given\n    gantry accounts set --help lists what can be\n");
  return kUsage;
}

int create(AccountFlags& flags) {
  AdminBody body;
  body.text("name", flags.name);
  body.limits(flags.limits);
  return print(flags,
               ask_for_json(flags.admin, {.method = "POST", .path = "/projects", .body = body.json()}));
}

int remove(AccountFlags& flags) {
  const auto gone = ask_for_json(flags.admin, {.method = "DELETE", .path = path_of(flags)});
  if (!gone) return gone.error();
  fmt::print("{}", flags.admin.format == "json" ? gone->body() + "\n"
                                                : text_at(gone->root(), "id") + " is deleted\n");
  return kOk;
}

CLI::App* add(CLI::App& above, const char* name, const char* help, const Shared& flags, Chosen& chosen,
              int (*action)(AccountFlags&)) {
  auto* command = above.add_subcommand(name, help);
  add_admin_flags(*command, flags->admin);
  command->callback([flags, &chosen, action] { chosen = [flags, action] { return action(*flags); }; });
  return command;
}

}  // namespace

void add_accounts(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("accounts", "Budgets: the organisation and its projects");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  gantry accounts list\n"
      "  gantry accounts set organisation --monthly \"$1000\"\n"
      "  gantry accounts create --name web --monthly \"$100\"\n"
      "  gantry accounts set project:web --daily \"$10\" --monthly none");
  const auto flags = std::make_shared<AccountFlags>();
  add(*command, "list", "The tree, with what is used of each limit", flags, chosen, list)
      ->add_flag("--keys", flags->keys, "The keys of each project too");
  auto* set_command = add(*command, "set", "Sets limits; what is not given stays", flags, chosen, set);
  set_command->add_option("account", flags->account, "organisation, project:NAME, project_3 or key_12")
      ->type_name("ACCOUNT")
      ->required();
  flags->limits.add_to(*set_command);
  set_command->add_option("--name", flags->name, "Another name")->type_name("NAME");
  auto* disable =
      set_command->add_flag("--disable", flags->disable, "A project's keys take no calls any more");
  set_command->add_flag("--enable", flags->enable, "They do again")->excludes(disable);
  auto* create_command = add(*command, "create", "Makes a project", flags, chosen, create);
  create_command->add_option("--name", flags->name, "What people call it")->type_name("NAME")->required();
  flags->limits.add_to(*create_command);
  add(*command, "delete", "Deletes a project without keys; what it spent stays in usage", flags, chosen,
      remove)
      ->add_option("account", flags->account, "project:NAME or project_3")
      ->type_name("ACCOUNT")
      ->required();
}

}  // namespace gantry::cli
