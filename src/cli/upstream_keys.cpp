// gantry upstream-keys: OpenRouter's keys, by its management API.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/run.hpp"
#include "config/units.hpp"
#include "manage/session.hpp"

namespace gantry::cli {
namespace {

using manage::Order;

struct KeyFlags {
  config::Inputs inputs;
  Order order;
  std::string format = "table";
};
using Shared = std::shared_ptr<KeyFlags>;

int carry_out(KeyFlags& flags) {
  if (flags.order.verb == Order::Verb::update && manage::body_of(flags.order.settings) == "{}") {
    fmt::print(stderr,
               "update changes nothing\n    give --name, --limit, --reset, --include-byok or --enable\n");
    return kUsage;
  }
  const auto config = load(flags.inputs);
  if (!config) return config.error();
  flags.order.json = flags.format == "json";
  return manage::manage_now(**config, flags.inputs.environment, flags.order) ? kOk : kCheckFailed;
}

CLI::App* add_verb(CLI::App& all, Chosen& chosen, const Shared& flags, Order::Verb verb, const char* name,
                   const char* help) {
  auto* command = all.add_subcommand(name, help);
  add_config_flags(*command, flags->inputs, Flags::without_listen);
  command->add_option("--format", flags->format, "table or json (default: table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([flags, verb, &chosen] {
    flags->order.verb = verb;
    chosen = [flags] { return carry_out(*flags); };
  });
  return command;
}

void add_key(CLI::App& command, const Shared& flags) {
  command.add_option("key", flags->order.key, "The key's hash, the beginning of it, or its name")
      ->type_name("KEY")
      ->required()
      ->check([](const std::string& text) { return text.empty() ? "it is empty" : std::string{}; });
}

void add_name(CLI::App& command, const Shared& flags, bool required) {
  command
      .add_option_function<std::string>(
          "--name", [flags](const std::string& text) { flags->order.settings.name = text; },
          "What the key is called")
      ->type_name("NAME")
      ->required(required)
      ->check([](const std::string& text) { return text.empty() ? "it is empty" : std::string{}; });
}

void add_terms(CLI::App& command, const Shared& flags) {
  command
      .add_option_function<std::string>(
          "--limit",
          [flags](const std::string& text) {
            const auto amount = text == "none" ? Result<std::string>("") : config::parse_money(text);
            if (!amount) throw CLI::ValidationError("--limit", amount.error().detail + ", or none");
            flags->order.settings.limit = *amount;
          },
          "What it may spend: \"$50\", \"50 USD\" or none")
      ->type_name("MONEY");
  command
      .add_option_function<std::string>(
          "--reset",
          [flags](const std::string& text) {
            flags->order.settings.limit_reset = text == "none" ? "" : text;
          },
          "When the limit is whole again, at 00:00 UTC: daily, weekly (Monday), monthly or none")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"daily", "weekly", "monthly", "none"}));
  command
      .add_option_function<bool>(
          "--include-byok", [flags](bool on) { flags->order.settings.counts_byok = on; },
          "Whether what providers bill you counts against the limit")
      ->type_name("true|false");
}

void add_expiry(CLI::App& command, const Shared& flags) {
  command
      .add_option_function<std::string>(
          "--expires",
          [flags](const std::string& text) {
            const auto time = manage::parse_expiry(text);
            if (!time) throw CLI::ValidationError("--expires", time.error().detail);
            flags->order.settings.expires_at = *time;
          },
          "Its last day in UTC, or a UTC time such as 2027-12-31T12:00:00Z")
      ->type_name("DATE");
}

}  // namespace

void add_upstream_keys(CLI::App& app, Chosen& chosen) {
  auto* all = app.add_subcommand("upstream-keys", "Make, list, change and rotate OpenRouter's keys");
  all->require_subcommand(1);
  all->footer(
      "It asks OpenRouter with a management key: the variable OPENROUTER_MANAGEMENT_KEY, or where\n"
      "[upstream] management_key says. A new key is printed once, alone on the standard output.\n\n"
      "Examples:\n"
      "  gantry upstream-keys create --name app --limit \"$50\" --reset monthly > /run/secrets/openrouter\n"
      "  gantry upstream-keys list --all\n"
      "  gantry upstream-keys rotate app > /run/secrets/openrouter.next   then deploy, verify, and\n"
      "  gantry upstream-keys disable 4f0c2d    the old one, by the beginning of its hash\n\n"
      "Exits 0 when it was done, 1 when OpenRouter refused or was not reached, 2 when the command is wrong.");
  const auto flags = std::make_shared<KeyFlags>();
  const auto add = [&](Order::Verb verb, const char* name, const char* help) {
    return add_verb(*all, chosen, flags, verb, name, help);
  };
  auto* create = add(Order::Verb::create, "create", "Make a key");
  add_name(*create, flags, true);
  add_terms(*create, flags);
  add_expiry(*create, flags);
  add(Order::Verb::list, "list", "All keys, with what they spent")
      ->add_flag("--all", flags->order.include_disabled, "Disabled ones too");
  add_key(*add(Order::Verb::show, "show", "One key in full"), flags);
  auto* update = add(Order::Verb::update, "update", "Change what is given, and nothing else");
  add_key(*update, flags);
  add_name(*update, flags, false);
  add_terms(*update, flags);
  auto* rotate =
      add(Order::Verb::rotate, "rotate", "Make a successor with the same settings; the old key stays valid");
  add_key(*rotate, flags);
  add_name(*rotate, flags, false);
  add_terms(*rotate, flags);
  add_expiry(*rotate, flags);
  rotate->add_flag("--disable-old", flags->order.disable_old, "Disable the old key at once");
  add_key(*add(Order::Verb::disable, "disable", "Refuse a key from now on; update --enable takes it back"),
          flags);
  update->add_flag_function(
      "--enable", [flags](std::int64_t) { flags->order.settings.disabled = false; },
      "Take a disabled key back");
  add_key(*add(Order::Verb::remove, "delete", "Delete a key for good"), flags);
}

}  // namespace gantry::cli
