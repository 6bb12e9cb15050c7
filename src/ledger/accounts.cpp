// Changes of who may call. Each begins with the next revision, whose row is locked to the transaction's end:
// so revisions come one after the other, and two changes never meet.
#include <algorithm>

#include "base/utf8.hpp"
#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

constexpr std::size_t kLongestName = 100, kHashDigits = 64;

Result<void> check_name(std::string_view name) {
  const auto refuse = [](const char* why) { return fail(Fault::bad_input, std::string("a name ") + why); };
  if (name.empty()) return refuse("must not be empty");
  if (name.size() > kLongestName) return refuse("has at most 100 bytes");
  for (std::size_t at = 0; at < name.size();) {
    const Utf8 character = read_utf8(name, at);
    if (character.length == 0) return refuse("must be UTF-8");
    if (character.code_point < 0x20 || character.code_point == 0x7f)
      return refuse("has no control characters");
    at += character.length;
  }
  return {};
}

Result<void> check_limits(const spend::Limits& limits) {
  for (const auto& limit : limits)
    if (limit && limit->value < 0)
      return fail(Fault::bad_input, "a limit must not be negative; 0 lets nothing pass");
  return {};
}

Result<void> check_secret(const KeySecret& secret) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (secret.hash.size() == kHashDigits && std::ranges::all_of(secret.hash, is_digit)) return {};
  return fail(Fault::bad_input, "a secret's hash is 64 lower-case hexadecimal digits");
}

struct Found {
  spend::AccountKind kind = spend::AccountKind::organisation;
  AccountId parent;
  std::string name;
  spend::Limits limits;
  bool disabled = false;
};

// An account that is not removed. Errors: not_found.
Result<Found> find(sql::Database& database, AccountId account) {
  std::optional<Found> found;
  auto read = database.query(
      "SELECT kind, parent, name, daily, weekly, monthly, total, disabled FROM accounts "
      "WHERE account = $1 AND deleted IS NULL",
      {account}, [&](const sql::Row& row) {
        found.emplace(
            static_cast<spend::AccountKind>(row.integer(0)), row.account(1), row.string(2),
            spend::Limits{row.some_money(3), row.some_money(4), row.some_money(5), row.some_money(6)},
            row.truth(7));
      });
  if (!read) return std::unexpected(read.error());
  if (!found) return fail(Fault::not_found, "there is no account " + std::to_string(account.value));
  return *std::move(found);
}

Result<void> check_free(sql::Database& database, AccountId parent, std::string_view name) {
  const auto taken =
      number_of(database, "SELECT account FROM accounts WHERE parent = $1 AND name = $2 AND deleted IS NULL",
                {parent, name});
  if (!taken) return std::unexpected(taken.error());
  if (*taken == 0) return {};
  return fail(Fault::bad_input, "the name \"" + std::string(name) + "\" is taken; choose another");
}

struct NewAccount {
  spend::AccountKind kind;
  AccountId parent;
  std::string_view name;
  const spend::Limits& limits;
  bool disabled = false;
  WallTime created{};
};
Result<AccountId> insert(sql::Database& database, const NewAccount& account) {
  if (auto named = check_name(account.name); !named) return std::unexpected(named.error());
  if (auto limited = check_limits(account.limits); !limited) return std::unexpected(limited.error());
  if (auto free = check_free(database, account.parent, account.name); !free)
    return std::unexpected(free.error());
  const auto id = next_number(database, "last_account");
  if (!id) return std::unexpected(id.error());
  const auto& [daily, weekly, monthly, total] = account.limits;
  auto made = database.run(
      "INSERT INTO accounts (account, kind, parent, name, daily, weekly, monthly, total, disabled, created) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {*id, account.kind, account.parent, account.name, daily, weekly, monthly, total, account.disabled,
       account.created});
  if (!made) return std::unexpected(made.error());
  return AccountId{*id};
}

Result<void> insert_secret(sql::Database& database, AccountId key, const KeySecret& secret) {
  if (auto whole = check_secret(secret); !whole) return whole;
  const auto made = database.run(
      "INSERT INTO secrets (hash, account, shown, created, expires) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (hash) DO NOTHING",
      {secret.hash, key, secret.shown, secret.created, secret.expires});
  if (!made) return std::unexpected(made.error());
  if (*made == 0) return fail(Fault::bad_input, "this secret is a key's already; make a new one");
  return {};
}

// Sets what the change says, on what is there.
Result<void> update(sql::Database& database, AccountId id, Found account, const AccountChange& change) {
  if (change.name && *change.name != account.name) {
    if (id == kKeyless)
      return fail(Fault::bad_input, "the key \"-\" keeps its name: calls without a key find it by that");
    if (auto named = check_name(*change.name); !named) return named;
    if (auto free = check_free(database, account.parent, *change.name); !free) return free;
    account.name = *change.name;
  }
  if (change.disabled.value_or(false) && id == kOrganisation)
    return fail(Fault::bad_input, "the organisation cannot be disabled; a limit of 0 stops all calls");
  account.disabled = change.disabled.value_or(account.disabled);
  for (std::size_t period = 0; period < spend::kPeriodCount; ++period)
    if (change.limits[period]) account.limits[period] = *change.limits[period];
  if (auto limited = check_limits(account.limits); !limited) return limited;
  const auto& [daily, weekly, monthly, total] = account.limits;
  return done(
      database.run("UPDATE accounts SET name = $2, daily = $3, weekly = $4, monthly = $5, total = $6, "
                   "disabled = $7 WHERE account = $1",
                   {id, account.name, daily, weekly, monthly, total, account.disabled}));
}

// The account of a key that is not removed. Errors: not_found.
Result<Found> find_key(sql::Database& database, AccountId key) {
  auto found = find(database, key);
  if (found && found->kind != spend::AccountKind::key)
    return fail(Fault::not_found, "account " + std::to_string(key.value) + " is no client key");
  return found;
}

}  // namespace

Result<AccountId> SqlLedger::add_project(std::string_view name, const spend::Limits& limits) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<AccountId> {
    if (auto next = next_number(*database_, "revision"); !next) return std::unexpected(next.error());
    return insert(*database_, {.kind = spend::AccountKind::project,
                               .parent = kOrganisation,
                               .name = name,
                               .limits = limits,
                               .created = *at});
  });
}

Result<AccountId> SqlLedger::add_key(AccountId project, const ClientKey& key) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<AccountId> {
    if (auto next = next_number(*database_, "revision"); !next) return std::unexpected(next.error());
    const auto parent = find(*database_, project);
    if (!parent && parent.error().fault != Fault::not_found) return std::unexpected(parent.error());
    if (!parent || parent->kind != spend::AccountKind::project)
      return fail(Fault::bad_input, "there is no project " + std::to_string(project.value));
    const auto id = insert(*database_, {.kind = spend::AccountKind::key,
                                        .parent = project,
                                        .name = key.account.name,
                                        .limits = key.account.limits,
                                        .disabled = key.account.disabled,
                                        .created = *at});
    if (!id) return id;
    auto made = database_->run("INSERT INTO keys (account, policy, expires) VALUES ($1, $2, $3)",
                               {*id, key.policy, key.expires});
    if (!made) return std::unexpected(made.error());
    for (const KeySecret& secret : key.secrets)
      if (auto added = insert_secret(*database_, *id, secret); !added) return std::unexpected(added.error());
    return id;
  });
}

Result<void> SqlLedger::change(AccountId account, const AccountChange& change) {
  return writing([&]() -> Result<void> {
    if (auto next = next_number(*database_, "revision"); !next) return std::unexpected(next.error());
    auto found = find(*database_, account);
    if (!found) return std::unexpected(found.error());
    return update(*database_, account, *std::move(found), change);
  });
}

Result<void> SqlLedger::change_key(AccountId key, const KeyChange& change) {
  return writing([&]() -> Result<void> {
    if (auto next = next_number(*database_, "revision"); !next) return std::unexpected(next.error());
    auto found = find_key(*database_, key);
    if (!found) return std::unexpected(found.error());
    if (auto updated = update(*database_, key, *std::move(found), change.account); !updated) return updated;
    if (change.policy) {
      auto set = database_->run("UPDATE keys SET policy = $2 WHERE account = $1", {key, *change.policy});
      if (!set) return std::unexpected(set.error());
    }
    if (!change.expires) return {};
    return done(database_->run("UPDATE keys SET expires = $2 WHERE account = $1", {key, *change.expires}));
  });
}

Result<void> SqlLedger::rotate(AccountId key, const KeySecret& secret, WallTime old_until) {
  return writing([&]() -> Result<void> {
    if (auto next = next_number(*database_, "revision"); !next) return std::unexpected(next.error());
    if (auto found = find_key(*database_, key); !found) return std::unexpected(found.error());
    if (key == kKeyless)
      return fail(Fault::bad_input, "the key \"-\" is that of calls without a key, and has no secret");
    auto aged = database_->run(
        "UPDATE secrets SET expires = $2 WHERE account = $1 AND (expires IS NULL OR expires > $2)",
        {key, old_until});
    if (!aged) return std::unexpected(aged.error());
    return insert_secret(*database_, key, secret);
  });
}

Result<void> SqlLedger::remove(AccountId account) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<void> {
    if (auto next = next_number(*database_, "revision"); !next) return std::unexpected(next.error());
    if (auto found = find(*database_, account); !found) return std::unexpected(found.error());
    if (account <= kKeyless)
      return fail(Fault::bad_input,
                  "the organisation, the default project and the key \"-\" cannot be removed");
    const auto below = number_of(
        *database_, "SELECT count(*) FROM accounts WHERE parent = $1 AND deleted IS NULL", {account});
    if (!below) return std::unexpected(below.error());
    if (*below > 0)
      return fail(Fault::bad_input, "the project has " + std::to_string(*below) + " keys; remove them first");
    if (auto gone = database_->run("DELETE FROM secrets WHERE account = $1", {account}); !gone)
      return std::unexpected(gone.error());
    return done(database_->run("UPDATE accounts SET deleted = $2 WHERE account = $1", {account, *at}));
  });
}

}  // namespace gantry::ledger
