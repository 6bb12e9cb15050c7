// /admin/v1/accounts and /projects: the tree of budgets, what is used of each, and its limits.

#include <algorithm>
#include <array>

#include "access/admin_desk.hpp"
#include "access/ids.hpp"
#include "access/query.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

using spend::AccountKind;

// What a tree is written from. The first failure of the ledger is kept, and the rest is left out.
struct Tree {
  const Desk& desk;
  const ledger::Directory& directory;
  WallTime now;
  std::optional<Failure> failure{};
};

void put_members(JsonOut& json, std::string& out, Tree& tree, const ledger::Account& account) {
  json.text("id", public_id(account));
  json.text("kind", spend::name(account.kind));
  json.text("name", account.name);
  json.flag("disabled", account.disabled);
  json.text("created_at", utc_text(account.created));
  put_limits(json, out, account.limits);
  const auto spent = tree.failure
                         ? Result<std::array<ledger::Spent, spend::kPeriodCount>>(fail(Fault::internal))
                         : tree.desk.ledger.spent(account.id);
  if (spent) {
    put_windows(json, out, *spent, tree.now);
  } else if (!tree.failure) {
    tree.failure = spent.error();
  }
}

void put_keys(JsonOut& json, std::string& out, Tree& tree, const ledger::Account& project) {
  json.key("keys");
  JsonOut list(out, '[');
  for (const auto& key : tree.directory.keys) {
    if (key.account.parent != project.id) continue;
    list.comma();
    JsonOut one(out);
    put_members(one, out, tree, key.account);
  }
}

enum class Depth : std::uint8_t { projects, keys };

void put_projects(JsonOut& json, std::string& out, Tree& tree, const ledger::Account& above, Depth depth) {
  json.key("projects");
  JsonOut list(out, '[');
  for (const auto& project : tree.directory.accounts) {
    if (project.kind != AccountKind::project || project.parent != above.id) continue;
    list.comma();
    JsonOut one(out);
    put_members(one, out, tree, project);
    if (depth == Depth::keys) put_keys(one, out, tree, project);
  }
}

// An account with what is right below it.
AdminReply reply_with(const Desk& desk, const ledger::Directory& directory, const ledger::Account& account,
                      Depth depth, int status) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  Tree tree{.desk = desk, .directory = directory, .now = *now};
  auto reply = with_body(status, [&](JsonOut& json, std::string& out) {
    json.key("data");
    JsonOut data(out);
    put_members(data, out, tree, account);
    if (account.kind == AccountKind::organisation) put_projects(data, out, tree, account, depth);
    if (account.kind == AccountKind::project) put_keys(data, out, tree, account);
  });
  return tree.failure ? failed(*tree.failure) : reply;
}

// "organisation", "project_3", "project:web" or "key_12".
const ledger::Account* find(const ledger::Directory& directory, std::string_view text) {
  constexpr std::string_view kByName = "project:";
  if (text == public_id(AccountKind::organisation, {})) return find_account(directory, ledger::kOrganisation);
  if (text.starts_with(kByName)) return find_project(directory, text.substr(kByName.size()));
  if (const auto* key = find_key(directory, text)) return &key->account;
  return id_of(AccountKind::project, text) ? find_project(directory, text) : nullptr;
}

AdminReply no_such_account() {
  return not_found(
      "There is no such account.",
      "An account is organisation, project_3, project:NAME or key_12; GET /admin/v1/accounts lists "
      "them.");
}

struct AccountFields {
  std::optional<std::string> name;
  SaidLimits limits{};
  std::optional<bool> disabled;
};

AccountFields read_account_fields(const std::vector<Field>& fields, Problems& problems) {
  AccountFields out;
  for (const auto& field : fields) {
    if (field.name == "name") out.name = read_name(field, problems);
    if (field.name == "limits") out.limits = read_limits(field, problems);
    if (field.name == "disabled") out.disabled = read_flag(field, problems);
  }
  return out;
}

// What else than its values is wrong with a change.
void check_change(const ledger::Directory& directory, const ledger::Account& account,
                  const AccountFields& fields, Problems& problems) {
  const bool keyless = account.id == ledger::kKeyless;
  if (fields.disabled && account.kind == AccountKind::organisation)
    problems.add("disabled", "is for projects and keys; limits of 0 stop the organisation's spending");
  if (keyless && (fields.disabled || fields.name))
    problems.add("name", "and disabled are not for \"-\", what calls without a key are charged to");
  if (!fields.name || keyless) return;
  auto renamed = account;
  renamed.name = *fields.name;
  check_name(directory, renamed, problems);
}

}  // namespace

AdminReply show_accounts(const Desk& desk, const std::string&) {
  Problems problems;
  static constexpr std::array<std::string_view, 1> kKnown{"keys"};
  const auto keys = Query(desk.request.query, kKnown, problems).get("keys").value_or("false");
  if (keys != "true" && keys != "false") problems.add("keys", "must be true or false");
  if (!problems.empty()) return refused(problems);
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* const top = find_account(*directory, ledger::kOrganisation);
  if (!top) return failed({Fault::internal, "it has no organisation"});
  return reply_with(desk, *directory, *top, keys == "true" ? Depth::keys : Depth::projects, 200);
}

AdminReply show_account(const Desk& desk, const std::string& id) {
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* const account = find(*directory, id);
  return account ? reply_with(desk, *directory, *account, Depth::projects, 200) : no_such_account();
}

AdminReply change_account(const Desk& desk, const std::string& id) {
  auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* const account = find(*directory, id);
  if (!account) return no_such_account();
  Problems problems;
  static constexpr std::array<std::string_view, 3> kKnown{"name", "limits", "disabled"};
  const Body body(desk.request.body, problems);
  const auto fields = read_account_fields(body.members(kKnown, problems), problems);
  check_change(*directory, *account, fields, problems);
  if (!problems.empty()) return refused(problems);
  const ledger::AccountChange change{
      .name = fields.name, .limits = fields.limits, .disabled = fields.disabled};
  const auto stable = public_id(*account);
  if (const auto done = desk.ledger.change(account->id, change); !done) return failed(done.error());
  return show_account(desk, stable);
}

AdminReply create_project(const Desk& desk, const std::string&) {
  auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  Problems problems;
  static constexpr std::array<std::string_view, 2> kKnown{"name", "limits"};
  const Body body(desk.request.body, problems);
  const auto members = body.members(kKnown, problems);
  const auto fields = read_account_fields(members, problems);
  const auto named = [](const Field& field) { return field.name == "name"; };
  if (problems.empty() && std::ranges::none_of(members, named)) problems.add("name", "is missing");
  if (fields.name)
    check_name(*directory,
               {.id = {},
                .kind = AccountKind::project,
                .parent = ledger::kOrganisation,
                .name = *fields.name,
                .limits = {}},
               problems);
  if (!problems.empty()) return refused(problems);
  const auto id = desk.ledger.add_project(*fields.name, limits_of(fields.limits));
  if (!id) return failed(id.error());
  directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* const made = find_account(*directory, *id);
  return made ? reply_with(desk, *directory, *made, Depth::keys, 201)
              : failed({Fault::internal, "the new project was removed at once"});
}

AdminReply delete_account(const Desk& desk, const std::string& id) {
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* const account = find(*directory, id);
  if (!account) return no_such_account();
  if (account->kind != AccountKind::project)
    return conflict("Only projects are deleted here.", "DELETE /admin/v1/keys/{id} deletes a key.");
  const auto of_it = [&](const ledger::ClientKey& key) { return key.account.parent == account->id; };
  if (account->id == ledger::kDefaultProject)
    return conflict("Calls without a client key are charged to this project, so it stays.",
                    "Disable it, or set its limits to 0, to keep it from spending.");
  const auto keys = std::ranges::count_if(directory->keys, of_it);
  if (keys > 0)
    return conflict(
        "The project still has " + std::to_string(keys) + (keys == 1 ? " key." : " keys."),
        "Delete its keys first: GET /admin/v1/keys?project=" + public_id(*account) + " lists them.");
  const auto stable = public_id(*account);
  if (const auto done = desk.ledger.remove(account->id); !done) return failed(done.error());
  return with_body(200, [&](JsonOut& json, std::string&) {
    json.flag("deleted", true);
    json.text("id", stable);
  });
}

}  // namespace gantry::access
