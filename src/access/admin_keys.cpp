// /admin/v1/keys: the client keys.

#include <algorithm>
#include <array>

#include "access/admin_desk.hpp"
#include "access/ids.hpp"
#include "access/key_policy.hpp"
#include "access/query.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

constexpr std::int64_t kUsualOverlap = 24LL * 3600, kLongestOverlap = 90 * kUsualOverlap;

AdminReply no_such_key() {
  return not_found("There is no key of this id.", "GET /admin/v1/keys lists them with their ids (key_12).");
}

AdminReply of_the_gateway() {
  return conflict("\"-\" is no client key: it is what calls without a key are charged to.",
                  "Only its limits can be changed.");
}

void put_moment(JsonOut& json, std::string_view name, const std::optional<WallTime>& at) {
  json.text_or_null(name, at ? std::optional(utc_text(*at)) : std::nullopt);
}

void put_secrets(JsonOut& json, std::string& out, const ledger::ClientKey& key) {
  json.key("secrets");
  JsonOut list(out, '[');
  for (const auto& secret : key.secrets) {
    list.comma();
    JsonOut one(out);
    one.text("shown", secret.shown);
    one.text("created_at", utc_text(secret.created));
    put_moment(one, "expires_at", secret.expires);
  }
}

using Windows = std::array<ledger::Spent, spend::kPeriodCount>;

// `project` may be null: then its name is not known. `windows` too: then they are left out.
void put_key(std::string& out, const ledger::ClientKey& key, const ledger::Account* project,
             const Windows* windows, WallTime now) {
  const auto& account = key.account;
  JsonOut json(out);
  json.text("id", public_id(account));
  json.text("name", account.name);
  json.key("project");
  {
    JsonOut of(out);
    of.text("id", public_id(spend::AccountKind::project, account.parent));
    of.text("name", project ? std::string_view(project->name) : std::string_view());
  }
  json.flag("disabled", account.disabled);
  json.text("created_at", utc_text(account.created));
  put_moment(json, "expires_at", key.expires);
  put_limits(json, out, account.limits);
  const auto policy = parse_policy(key.policy);
  json.raw("policy", policy ? to_json(*policy) : std::string("null"));
  put_secrets(json, out, key);
  if (windows) put_windows(json, out, *windows, now);
}

const ledger::Account* project_of(const ledger::Directory& directory, const ledger::ClientKey& key) {
  return find_account(directory, key.account.parent);
}

// As it is now, with what it spent.
AdminReply reply_with(const Desk& desk, std::string_view id) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* key = find_key(*directory, id);
  if (!key) return no_such_key();
  const auto windows = desk.ledger.spent(key->account.id);
  if (!windows) return failed(windows.error());
  return with_body(200, [&](JsonOut& json, std::string& out) {
    json.key("data");
    put_key(out, *key, project_of(*directory, *key), &*windows, *now);
  });
}

// The one reply with a key's text.
AdminReply reply_with_secret(const ledger::ClientKey& key, const ledger::Account* project,
                             const Secret& secret, WallTime now) {
  return with_body(201, [&](JsonOut& json, std::string& out) {
    json.key("data");
    put_key(out, key, project, nullptr, now);
    json.text("key", secret.reveal());
  });
}

// Reads what is common to making and changing a key.
struct KeyFields {
  std::optional<std::string> name, project;
  SaidLimits limits{};
  PolicyChange policy;
  std::optional<bool> disabled;
  Said<WallTime> expires;
};

KeyFields read_key_fields(const std::vector<Field>& fields, WallTime now, Problems& problems) {
  KeyFields out;
  for (const auto& field : fields) {
    if (field.name == "name") {
      out.name = read_name(field, problems);
    } else if (field.name == "project") {
      out.project = read_text(field, problems);
    } else if (field.name == "limits") {
      out.limits = read_limits(field, problems);
    } else if (field.name == "policy") {
      out.policy = read_policy(field, problems);
    } else if (field.name == "disabled") {
      out.disabled = read_flag(field, problems);
    } else if (field.value.is_null()) {
      out.expires = std::optional<WallTime>();
    } else if (const auto at = read_moment(field, problems)) {
      if (*at <= now) problems.add(field.name, "must be in the future");
      out.expires = std::optional(*at);
    }
  }
  return out;
}

ledger::KeySecret secret_of(const Secret& key, WallTime now) {
  return {.hash = hash_of(key.reveal()), .shown = shown(key.reveal()), .created = now};
}

// The policy that a key has then; nullopt with the reply when what it has now is not understood.
std::expected<std::optional<std::string>, AdminReply> changed_policy(const ledger::ClientKey& key,
                                                                     const PolicyChange& change) {
  if (change == PolicyChange{}) return std::nullopt;
  const auto policy = parse_policy(key.policy);
  if (policy) return to_json(changed(*policy, change));
  return std::unexpected(
      conflict("What this key may do now is not understood by this version: " + policy.error().detail + ".",
               "Change it with the newer version that wrote it."));
}

}  // namespace

AdminReply list_keys(const Desk& desk, const std::string&) {
  Problems problems;
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  static constexpr std::array<std::string_view, 1> kKnown{"project"};
  const Query query(desk.request.query, kKnown, problems);
  const auto project = query.get("project");
  const auto* const only = project ? find_project(*directory, *project) : nullptr;
  if (project && !only) problems.add("project", "is not the name or id of a project");
  if (!problems.empty()) return refused(problems);
  return with_body(200, [&](JsonOut& json, std::string& out) {
    json.key("data");
    JsonOut list(out, '[');
    for (const auto& key : directory->keys) {
      if (only && key.account.parent != only->id) continue;
      list.comma();
      put_key(out, key, project_of(*directory, key), nullptr, {});
    }
  });
}

AdminReply show_key(const Desk& desk, const std::string& id) { return reply_with(desk, id); }

AdminReply create_key(const Desk& desk, const std::string&) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  Problems problems;
  static constexpr std::array<std::string_view, 5> kKnown{"name", "project", "limits", "policy",
                                                          "expires_at"};
  const Body body(desk.request.body, problems);
  const auto members = body.members(kKnown, problems);
  const auto fields = read_key_fields(members, *now, problems);
  const auto named = [](const Field& field) { return field.name == "name"; };
  if (problems.empty() && std::ranges::none_of(members, named)) problems.add("name", "is missing");
  const auto* const project = fields.project ? find_project(*directory, *fields.project)
                                             : find_account(*directory, ledger::kDefaultProject);
  if (!project) problems.add("project", "is not the name or id of a project");
  ledger::ClientKey key;
  key.account = {.id = {},
                 .kind = spend::AccountKind::key,
                 .parent = project ? project->id : spend::AccountId{},
                 .name = fields.name.value_or(""),
                 .limits = limits_of(fields.limits),
                 .created = *now};
  if (fields.name) check_name(*directory, key.account, problems);
  if (!problems.empty()) return refused(problems);

  const auto secret = make_key(desk.random);
  if (!secret) return failed(secret.error());
  key.policy = to_json(changed({}, fields.policy));
  key.expires = fields.expires.value_or(std::nullopt);
  key.secrets = {secret_of(*secret, *now)};
  const auto id = desk.ledger.add_key(project->id, key);
  if (!id) return failed(id.error());
  key.account.id = *id;
  return reply_with_secret(key, project, *secret, *now);
}

AdminReply change_key(const Desk& desk, const std::string& id) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* key = find_key(*directory, id);
  if (!key) return no_such_key();
  Problems problems;
  static constexpr std::array<std::string_view, 5> kKnown{"name", "limits", "policy", "disabled",
                                                          "expires_at"};
  const Body body(desk.request.body, problems);
  const auto fields = read_key_fields(body.members(kKnown, problems), *now, problems);
  if (fields.name) {
    auto renamed = key->account;
    renamed.name = *fields.name;
    check_name(*directory, renamed, problems);
  }
  if (!problems.empty()) return refused(problems);
  auto policy = changed_policy(*key, fields.policy);
  if (!policy) return std::move(policy.error());
  if (is_keyless(*key) && (fields.name || fields.disabled || fields.expires || *policy))
    return of_the_gateway();
  const ledger::KeyChange change{
      .account = {.name = fields.name, .limits = fields.limits, .disabled = fields.disabled},
      .policy = std::move(*policy),
      .expires = fields.expires};
  if (const auto done = desk.ledger.change_key(key->account.id, change); !done) return failed(done.error());
  return reply_with(desk, id);
}

AdminReply delete_key(const Desk& desk, const std::string& id) {
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* key = find_key(*directory, id);
  if (!key) return no_such_key();
  if (is_keyless(*key)) return of_the_gateway();
  if (const auto done = desk.ledger.remove(key->account.id); !done) return failed(done.error());
  return with_body(200, [&](JsonOut& json, std::string&) {
    json.flag("deleted", true);
    json.text("id", id);
  });
}

AdminReply rotate_key(const Desk& desk, const std::string& id) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  const auto* found = find_key(*directory, id);
  if (!found) return no_such_key();
  if (is_keyless(*found)) return of_the_gateway();
  Problems problems;
  static constexpr std::array<std::string_view, 1> kKnown{"overlap_seconds"};
  const Body body(desk.request.body, problems);
  auto overlap = kUsualOverlap;
  for (const auto& field : body.members(kKnown, problems))
    overlap = read_integer(field, 0, kLongestOverlap, problems).value_or(0);
  if (!problems.empty()) return refused(problems);

  const auto secret = make_key(desk.random);
  if (!secret) return failed(secret.error());
  const auto until = *now + std::chrono::seconds(overlap);
  const auto kept = secret_of(*secret, *now);
  if (const auto done = desk.ledger.rotate(found->account.id, kept, until); !done)
    return failed(done.error());
  auto key = *found;
  for (auto& old : key.secrets) old.expires = std::min(old.expires.value_or(until), until);
  key.secrets.push_back(kept);
  return reply_with_secret(key, project_of(*directory, *found), *secret, *now);
}

}  // namespace gantry::access
