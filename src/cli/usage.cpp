// gantry usage: what was spent.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "access/query.hpp"
#include "cli/admin_tables.hpp"
#include "cli/admin_way.hpp"
#include "cli/command.hpp"
#include "cli/run.hpp"

namespace gantry::cli {
namespace {

struct UsageFlags {
  AdminFlags admin;
  std::string by = "key", from, to, key, project;
  bool unexplained = false, leases = false;
};

std::string query_of(const UsageFlags& flags) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty())
      out += (out.empty() ? "" : "&") + std::string(name) + "=" + access::percent_encoded(value);
  };
  if (!flags.leases) {
    add("from", flags.from);
    add("to", flags.to);
  }
  if (!flags.unexplained && !flags.leases) {
    add("by", flags.by);
    add("key", flags.key);
    add("project", flags.project);
  }
  if (flags.admin.format == "csv") add("format", "csv");
  return out;
}

const char* path_of(const UsageFlags& flags) {
  if (flags.leases) return "/usage/leases";
  return flags.unexplained ? "/usage/unexplained" : "/usage";
}

// Rows alone go into a file; what they do not tell is said beside it.
int usage_csv(UsageFlags& flags, const access::AdminRequest& request) {
  const auto reply = ask(flags.admin, request);
  if (!reply) return reply.error();
  fmt::print("{}", reply->body);
  if (flags.leases || flags.unexplained) return kOk;
  const auto leases = ask_for_json(flags.admin, {.method = "GET", .path = "/usage/leases"});
  if (!leases) return leases.error();
  fmt::print(stderr, "{}", gone_text(leases->data(), "rows"));
  return kOk;
}

int usage(UsageFlags& flags) {
  const access::AdminRequest request{.method = "GET", .path = path_of(flags), .query = query_of(flags)};
  if (flags.admin.format == "csv") return usage_csv(flags, request);
  const auto reply = ask_for_json(flags.admin, request);
  if (!reply) return reply.error();
  if (flags.admin.format == "json") {
    fmt::print("{}\n", reply->body());
  } else {
    fmt::print("{}", flags.leases        ? lease_table(reply->data())
                     : flags.unexplained ? unexplained_table(reply->data())
                                         : usage_table(reply->data()));
  }
  return kOk;
}

}  // namespace

void add_usage(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("usage", "What was spent, by whom, on what");
  command->footer(
      "Examples:\n"
      "  gantry usage                                  this month, by key\n"
      "  gantry usage --by project,model --from 2026-11-01 --to 2026-11-30\n"
      "  gantry usage --by day --key key_12 --format csv > november.csv\n"
      "  gantry usage --unexplained                    what upstream told beyond what was booked\n"
      "  gantry usage --leases                         what each gateway owns of the budgets just now");
  const auto flags = std::make_shared<UsageFlags>();
  add_admin_flags(*command, flags->admin, "table, csv or json");
  command->add_option("--by", flags->by, "Some of key, project, model, day, with commas (default: key)")
      ->type_name("GROUPS");
  command->add_option("--from", flags->from, "The first day, UTC (default: the first of this month)")
      ->type_name("DAY");
  command->add_option("--to", flags->to, "The last day, which is in it (default: today)")->type_name("DAY");
  command->add_option("--key", flags->key, "Only this key's, by its id")->type_name("KEY");
  command->add_option("--project", flags->project, "Only this project's")->type_name("PROJECT");
  command->add_flag("--unexplained", flags->unexplained,
                    "By upstream key and day, what nobody here can explain");
  command->add_flag("--leases", flags->leases, "By gateway, what it has leased; also of those that are gone");
  command->callback([flags, &chosen] { chosen = [flags] { return usage(*flags); }; });
}

}  // namespace gantry::cli
