// gantry ledger: copies of the ledger, and whether its sums agree.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "access/json_out.hpp"
#include "access/server_file.hpp"
#include "cli/admin_client.hpp"
#include "cli/command.hpp"
#include "cli/run.hpp"
#include "cli/table.hpp"
#include "ledger/journal_file.hpp"
#include "ledger/ledger.hpp"
#include "ledger/state_dir.hpp"

namespace gantry::cli {
namespace {

constexpr const char* kSeeConfig = "see [ledger] in the configuration: gantry config show";

struct LedgerFlags {
  config::Inputs inputs;
  std::string format = "table", file;
  std::int64_t holder = 0;
};
using Shared = std::shared_ptr<LedgerFlags>;

int complain(std::string_view what, std::string_view remedy, int code) {
  fmt::print(stderr, "{}\n    {}\n", what, remedy);
  return code;
}

// `write(json, out)` writes the members of "data".
template <class Write>
void print_json(Write write) {
  std::string body;
  {
    access::JsonOut json(body);
    json.key("data");
    access::JsonOut data(body);
    write(data, body);
  }
  fmt::print("{}\n", body);
}

void put_lines(access::JsonOut& json, std::string& out, const std::vector<std::string>& lines) {
  json.key("wrong");
  access::JsonOut list(out, '[');
  for (const auto& line : lines) {
    list.comma();
    append_quoted(out, line);
  }
}

// False, with what to do instead, when the ledger is a PostgreSQL.
bool is_file(const config::Ledger& where, std::string_view tools) {
  if (where.url.embedded()) return true;
  complain("the ledger is in PostgreSQL, whose own tools do that", tools, kUsage);
  return false;
}

// ---- backup

// Whatever a server is asked, it has applied before what its calls wrote until then.
bool server_has_applied(const std::string& state) {
  const auto server = access::read_server_file(state);
  if (!server || !*server) return false;
  const auto reply =
      ask_server((*server)->url, (*server)->admin_token, {.method = "GET", .path = "/admin/v1/accounts"});
  return reply && reply->status == 200;
}

// Whether all is in the ledger that the journals tell.
bool is_whole(const std::string& state) {
  if (server_has_applied(state)) return true;
  const auto segments = ledger::list_segments(state);
  return segments && segments->empty();
}

int backup(LedgerFlags& flags) {
  const auto config = load(flags.inputs);
  if (!config) return config.error();
  const auto& where = (*config)->ledger;
  if (!is_file(where, "pg_dump -Fc copies it while it is in use; gantry ledger check looks at its sums"))
    return kUsage;
  const bool whole = is_whole(where.state);
  const SystemTime time;
  const auto ledger = ledger::open_beside(where.place(), time);
  if (!ledger) return complain(ledger.error().detail, kSeeConfig, kCheckFailed);
  if (const auto copied = (*ledger)->backup(flags.file); !copied)
    return complain(copied.error().detail, "nothing was copied",
                    copied.error().fault == Fault::bad_input ? kUsage : kCheckFailed);
  std::error_code ignored;
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(flags.file, ignored));
  if (flags.format == "json") {
    print_json([&](access::JsonOut& json, std::string&) {
      json.text("file", flags.file);
      json.number("bytes", bytes);
      json.flag("whole", whole);
    });
  } else {
    fmt::print("{} is a copy of the ledger, {} bytes\n", flags.file, bytes);
  }
  if (!whole)
    complain(fmt::format("journals in {} may tell of costs that are not in it, since no server answers that "
                         "would have taken them into the ledger",
                         where.state),
             "start gantry, which takes them, and make another copy", kOk);
  return kOk;
}

// ---- restore

std::string beyond_text(const ledger::UsageRow& beyond) {
  return fmt::format("{} attempts for {}, and {} pending", beyond.attempts, dollars(to_decimal(beyond.cost)),
                     dollars(to_decimal(beyond.pending)));
}

void print_restored(const LedgerFlags& flags, const config::Ledger& where, const ledger::Restored& restored) {
  fmt::print("{} is the ledger in {} now\n", flags.file, where.state);
  if (!restored.kept.empty()) fmt::print("the one that was there is {}\n", restored.kept);
  if (!restored.kept.empty() && !restored.beyond)
    fmt::print("that one cannot be read: nobody knows what it has booked and the copy has not\n");
  const auto more = restored.beyond.value_or(ledger::UsageRow{});
  if (more.attempts > 0 || more.cost > PicoUsd{} || more.pending > PicoUsd{})
    fmt::print("it has what the copy has not: {}\n", beyond_text(more));
  if (restored.journals > 0)
    fmt::print("{} journal files are here: what they tell and the copy has not is booked at the next start\n",
               restored.journals);
  for (const auto& line : restored.wrong) fmt::print(stderr, "the copy: {}\n", line);
}

void print_restored_json(const LedgerFlags& flags, const ledger::Restored& restored) {
  print_json([&](access::JsonOut& json, std::string& out) {
    json.text("file", flags.file);
    json.text_or_null("kept", restored.kept.empty() ? std::nullopt : std::optional(restored.kept));
    json.number("journal_files", static_cast<std::int64_t>(restored.journals));
    if (restored.beyond) {
      json.key("beyond");
      access::JsonOut beyond(out);
      beyond.number("attempts", restored.beyond->attempts);
      beyond.money("cost", restored.beyond->cost);
      beyond.money("pending", restored.beyond->pending);
    } else {
      json.raw("beyond", "null");
    }
    put_lines(json, out, restored.wrong);
  });
}

int restore(LedgerFlags& flags) {
  const auto config = load(flags.inputs);
  if (!config) return config.error();
  const auto& where = (*config)->ledger;
  if (!is_file(where, "stop every gantry on it, then pg_restore --clean into it")) return kUsage;
  const auto directory = ledger::StateDirectory::open(where.state);
  if (!directory)
    return directory.error().fault == Fault::refused
               ? complain(directory.error().detail, "a ledger is restored while no gantry has it",
                          kCheckFailed)
               : complain(directory.error().detail, "[ledger] state names the state directory", kUsage);
  const auto name = directory->identity();
  if (!name) return complain(name.error().detail, "nothing was changed", kCheckFailed);
  const SystemTime time;
  const auto restored = ledger::restore(flags.file, where.place(), *name, time);
  if (!restored)
    return complain(restored.error().detail, "nothing was changed",
                    restored.error().fault == Fault::bad_input ? kUsage : kCheckFailed);
  if (flags.format == "json") {
    print_restored_json(flags, *restored);
  } else {
    print_restored(flags, where, *restored);
  }
  return kOk;
}

// ---- end

// Its journals are lost, so nobody will ever say what of its lease was spent; an operator says that it was
// not.
int end(LedgerFlags& flags) {
  const auto config = load(flags.inputs);
  if (!config) return config.error();
  const auto& where = (*config)->ledger;
  if (where.url.embedded())
    return complain("the embedded ledger has one gateway at a time",
                    "its next start reads its journals and ends the run before; nothing has to be given up",
                    kUsage);
  const SystemTime time;
  const auto ledger = ledger::open(where.place(), time);
  if (!ledger) return complain(ledger.error().detail, kSeeConfig, kCheckFailed);
  const auto holders = (*ledger)->holders();
  if (!holders) return complain(holders.error().detail, kSeeConfig, kCheckFailed);
  const auto found = std::ranges::find(*holders, ledger::HolderId{flags.holder}, &ledger::Holder::id);
  if (found == holders->end())
    return complain(fmt::format("there is no holder {} that did not end", flags.holder),
                    "gantry usage --leases lists them", kUsage);
  const auto ended = (*ledger)->give_up(found->id);
  if (!ended && ended.error().fault == Fault::refused)
    return complain(ended.error().detail, "stop that gateway, and wait a quarter of a minute", kUsage);
  if (!ended) return complain(ended.error().detail, "nothing was changed", kCheckFailed);
  if (flags.format == "json") {
    print_json([&](access::JsonOut& json, std::string&) {
      json.number("holder", flags.holder);
      json.money("given_back", found->leased);
      json.number("made_pending", found->open);
    });
  } else {
    fmt::print("holder {} has ended: {} come back, {} attempts are pending at their estimates\n",
               flags.holder, dollars(to_decimal(found->leased)), found->open);
  }
  return kOk;
}

// ---- check

int check(LedgerFlags& flags) {
  const auto config = load(flags.inputs);
  if (!config) return config.error();
  const SystemTime time;
  const auto ledger = ledger::open_beside((*config)->ledger.place(), time);
  if (!ledger) return complain(ledger.error().detail, kSeeConfig, kCheckFailed);
  const auto wrong = (*ledger)->check();
  if (!wrong) return complain(wrong.error().detail, "nothing was checked", kCheckFailed);
  if (flags.format == "json") {
    print_json([&](access::JsonOut& json, std::string& out) { put_lines(json, out, *wrong); });
  } else {
    for (const auto& line : *wrong) fmt::print("{}\n", line);
    if (wrong->empty()) fmt::print("the ledger is whole, and its sums agree\n");
  }
  return wrong->empty() ? kOk : kCheckFailed;
}

CLI::App* add(CLI::App& above, const char* name, const char* help, const Shared& flags, Chosen& chosen,
              int (*action)(LedgerFlags&)) {
  auto* command = above.add_subcommand(name, help);
  add_config_flags(*command, flags->inputs, Flags::only_config);
  command->add_option("--format", flags->format, "table or json (default: table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([flags, &chosen, action] { chosen = [flags, action] { return action(*flags); }; });
  return command;
}

}  // namespace

void add_ledger(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("ledger", "Copies of the ledger, and whether its sums agree");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  gantry ledger check                          while a server runs, or none\n"
      "  gantry ledger backup /backup/monday.db       the same\n"
      "  gantry ledger restore /backup/monday.db      while none runs\n\n"
      "A backup has what calls wrote until then. What was booked later is in the file that a restore keeps,\n"
      "and in the journals of a gantry that was killed: of those, what the backup has not is booked once,\n"
      "at the next start. For a PostgreSQL, pg_dump and pg_restore copy; check looks at it, too.\n\n"
      "Exits 0 when all is well, 1 when a check failed or it could not be done, 2 when the command is "
      "wrong.");
  const auto flags = std::make_shared<LedgerFlags>();
  add(*command, "backup", "Copies the ledger, also while a server runs", flags, chosen, backup)
      ->add_option("file", flags->file, "A file that does not exist; only its owner can read it")
      ->type_name("FILE")
      ->required();
  add(*command, "restore", "Puts a backup in the ledger's place, and keeps what was there", flags, chosen,
      restore)
      ->add_option("file", flags->file, "A file that gantry ledger backup made")
      ->type_name("FILE")
      ->required();
  add(*command, "end", "Gives up a gateway that is gone and whose state directory is lost", flags, chosen,
      end)
      ->add_option("holder", flags->holder, "Its number, from gantry usage --leases")
      ->type_name("HOLDER")
      ->required();
  add(*command, "check", "One line for each thing that is wrong", flags, chosen, check);
}

}  // namespace gantry::cli
