// gantry keys: client keys.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "access/query.hpp"
#include "cli/admin_body.hpp"
#include "cli/admin_tables.hpp"
#include "cli/admin_way.hpp"
#include "cli/command.hpp"
#include "cli/run.hpp"
#include "cli/table.hpp"

namespace gantry::cli {
namespace {

struct KeyFlags {
  AdminFlags admin;
  std::string key;  // its id, or its name where that is one key's alone
  std::optional<std::string> name, project, expires;
  std::string overlap = "24h";
  LimitFlags limits;
  PolicyFlags policy;
};
using Shared = std::shared_ptr<KeyFlags>;

// The path of a key: names are looked up, since the API knows ids alone.
std::expected<std::string, int> path_of(KeyFlags& flags) {
  if (flags.key.starts_with("key_")) return "/keys/" + access::percent_encoded(flags.key);
  const auto all = ask_for_json(flags.admin, {.method = "GET", .path = "/keys"});
  if (!all) return std::unexpected(all.error());
  std::vector<std::string> found;
  all->data().each_element([&](wire::JsonValue key) {
    if (text_at(key, "name") == flags.key) found.push_back(text_at(key, "id"));
  });
  if (found.size() == 1) return "/keys/" + found.front();
  if (found.empty()) {
    fmt::print(stderr, "there is no key {}\n    gantry keys list shows their ids and names\n", flags.key);
  } else {
    fmt::print(stderr, "{} keys have the name {}\n    name one by its id:", found.size(), flags.key);
    for (const auto& id : found) fmt::print(stderr, " {}", id);
    fmt::print(stderr, "\n");
  }
  return std::unexpected(kUsage);
}

int print(const KeyFlags& flags, const Reply& reply, const std::string& table) {
  fmt::print("{}", flags.admin.format == "json" ? reply.body() + "\n" : table);
  return kOk;
}

// The key alone on stdout, for scripts; what is to be known of it for people.
int print_new(const KeyFlags& flags, const Reply& reply) {
  if (flags.admin.format == "json") return print(flags, reply, "");
  const auto data = reply.data();
  fmt::print(stderr, "{} ({}, project {}): this is the only time that it is shown\n", text_at(data, "id"),
             text_at(data, "name"), text_at(data, "project.name"));
  fmt::print("{}\n", text_at(reply.root(), "key"));
  return kOk;
}

int create(KeyFlags& flags) {
  AdminBody body;
  body.text("name", flags.name);
  body.text("project", flags.project);
  body.limits(flags.limits);
  body.policy(flags.policy);
  body.expires(flags.expires);
  const auto made = ask_for_json(flags.admin, {.method = "POST", .path = "/keys", .body = body.json()});
  return made ? print_new(flags, *made) : made.error();
}

int list(KeyFlags& flags) {
  const auto query = flags.project ? "project=" + access::percent_encoded(*flags.project) : "";
  const auto all = ask_for_json(flags.admin, {.method = "GET", .path = "/keys", .query = query});
  return all ? print(flags, *all, key_table(all->data())) : all.error();
}

int show(KeyFlags& flags) {
  const auto path = path_of(flags);
  if (!path) return path.error();
  const auto key = ask_for_json(flags.admin, {.method = "GET", .path = *path});
  return key ? print(flags, *key, key_text(key->data())) : key.error();
}

int change(KeyFlags& flags, const AdminBody& body) {
  const auto path = path_of(flags);
  if (!path) return path.error();
  const auto key = ask_for_json(flags.admin, {.method = "PATCH", .path = *path, .body = body.json()});
  return key ? print(flags, *key, key_text(key->data())) : key.error();
}

int update(KeyFlags& flags) {
  AdminBody body;
  body.text("name", flags.name);
  body.limits(flags.limits);
  body.policy(flags.policy);
  body.expires(flags.expires);
  if (!body.empty()) return change(flags, body);
  fmt::print(stderr, "nothing to change is given\n    gantry keys update --help lists what can be\n");
  return kUsage;
}

int disable(KeyFlags& flags, bool disabled) {
  AdminBody body;
  body.flag("disabled", disabled);
  return change(flags, body);
}

int rotate(KeyFlags& flags) {
  const auto overlap = seconds_in(flags.overlap);
  if (!overlap) {
    fmt::print(stderr, "--overlap {} is no duration\n    write it like 24h, 30m or 7d\n", flags.overlap);
    return kUsage;
  }
  const auto path = path_of(flags);
  if (!path) return path.error();
  AdminBody body;
  body.number("overlap_seconds", *overlap);
  const auto made =
      ask_for_json(flags.admin, {.method = "POST", .path = *path + "/rotate", .body = body.json()});
  return made ? print_new(flags, *made) : made.error();
}

int remove(KeyFlags& flags) {
  const auto path = path_of(flags);
  if (!path) return path.error();
  const auto gone = ask_for_json(flags.admin, {.method = "DELETE", .path = *path});
  return gone ? print(flags, *gone, text_at(gone->root(), "id") + " is deleted\n") : gone.error();
}

enum class Of : std::uint8_t { all, one };

CLI::App* add(CLI::App& above, const char* name, const char* help, const Shared& flags, Of of, Chosen& chosen,
              int (*action)(KeyFlags&)) {
  auto* command = above.add_subcommand(name, help);
  add_admin_flags(*command, flags->admin);
  if (of == Of::one)
    command->add_option("key", flags->key, "Its id (key_12), or its name")->type_name("KEY")->required();
  command->callback([flags, &chosen, action] { chosen = [flags, action] { return action(*flags); }; });
  return command;
}

void add_settings(CLI::App& command, KeyFlags& flags) {
  command.add_option("--expires", flags.expires, "2027-12-31, 2027-12-31T12:00:00Z, 30d from now, or never")
      ->type_name("MOMENT");
  flags.limits.add_to(command);
  flags.policy.add_to(command);
}

}  // namespace

void add_keys(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("keys", "Client keys: make, look at, change, rotate, delete");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  KEY=$(gantry keys create --name backend --monthly \"$100\")\n"
      "  gantry keys update backend --models \"openai/*,anthropic/claude-sonnet-4.5\" --rpm 60\n"
      "  gantry keys rotate key_12 --overlap 7d\n"
      "  gantry keys list --format json");
  const auto flags = std::make_shared<KeyFlags>();
  auto* create_command =
      add(*command, "create", "Makes a key and prints it, this once", flags, Of::all, chosen, create);
  create_command->add_option("--name", flags->name, "What people call it")->type_name("NAME")->required();
  create_command->add_option("--project", flags->project, "Name or id (default: default)")
      ->type_name("PROJECT");
  add_settings(*create_command, *flags);
  add(*command, "list", "All keys", flags, Of::all, chosen, list)
      ->add_option("--project", flags->project, "Only this one's")
      ->type_name("PROJECT");
  add(*command, "show", "A key with what it may do and what it spent", flags, Of::one, chosen, show);
  auto* update_command =
      add(*command, "update", "Changes what is given, nothing else", flags, Of::one, chosen, update);
  update_command->add_option("--name", flags->name, "Another name")->type_name("NAME");
  add_settings(*update_command, *flags);
  add(*command, "rotate", "A new key under the same name; the old one lives on for a while", flags, Of::one,
      chosen, rotate)
      ->add_option("--overlap", flags->overlap, "For how long the old one is accepted (default: 24h)")
      ->type_name("DURATION");
  add(*command, "disable", "Takes no calls any more", flags, Of::one, chosen,
      [](KeyFlags& given) { return disable(given, true); });
  add(*command, "enable", "Takes calls again", flags, Of::one, chosen,
      [](KeyFlags& given) { return disable(given, false); });
  add(*command, "delete", "For good; what it spent stays in usage", flags, Of::one, chosen, remove);
}

}  // namespace gantry::cli
