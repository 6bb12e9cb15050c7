// Who may call, as it stands.
#include <algorithm>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

Account read_account(const sql::Row& row) {
  Account account{.id = row.account(0),
                  .kind = static_cast<spend::AccountKind>(row.integer(1)),
                  .parent = row.account(2),
                  .name = row.string(3),
                  .limits = {},
                  .disabled = row.truth(8),
                  .created = row.time(9)};
  for (int period = 0; period < int{spend::kPeriodCount}; ++period)
    account.limits[static_cast<std::size_t>(period)] = row.some_money(4 + period);
  return account;
}

Result<void> read_accounts(sql::Database& database, Directory& directory) {
  return database.query(
      "SELECT a.account, a.kind, a.parent, a.name, a.daily, a.weekly, a.monthly, a.total, a.disabled, "
      "a.created, "
      "k.policy, k.expires FROM accounts a LEFT JOIN keys k ON k.account = a.account "
      "WHERE a.deleted IS NULL ORDER BY a.account",
      {}, [&](const sql::Row& row) {
        Account account = read_account(row);
        if (account.kind == spend::AccountKind::key)
          directory.keys.push_back({.account = std::move(account),
                                    .policy = row.string(10),
                                    .expires = row.some_time(11),
                                    .secrets = {}});
        else
          directory.accounts.push_back(std::move(account));
      });
}

Result<void> read_secrets(sql::Database& database, Directory& directory) {
  return database.query("SELECT account, hash, shown, created, expires FROM secrets ORDER BY created, hash",
                        {}, [&](const sql::Row& row) {
                          const auto key =
                              std::ranges::lower_bound(directory.keys, row.account(0), {},
                                                       [](const ClientKey& one) { return one.account.id; });
                          if (key == directory.keys.end() || key->account.id != row.account(0)) return;
                          key->secrets.push_back({.hash = row.string(1),
                                                  .shown = row.string(2),
                                                  .created = row.time(3),
                                                  .expires = row.some_time(4)});
                        });
}

}  // namespace

Result<std::int64_t> SqlLedger::revision() {
  return reading([&] { return meta(*database_, "revision"); });
}

Result<Directory> SqlLedger::directory() {
  return reading([&]() -> Result<Directory> {
    Directory directory;
    const auto revision = meta(*database_, "revision");
    if (!revision) return std::unexpected(revision.error());
    directory.revision = *revision;
    if (auto read = read_accounts(*database_, directory); !read) return std::unexpected(read.error());
    if (auto read = read_secrets(*database_, directory); !read) return std::unexpected(read.error());
    return directory;
  });
}

}  // namespace gantry::ledger
