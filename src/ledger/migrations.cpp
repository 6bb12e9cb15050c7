#include "ledger/migrations.hpp"

#include <array>
#include <optional>

namespace gantry::ledger {
namespace {

// Amounts are pico-dollars, times are nanoseconds since 1970 in UTC, days are days since 1970. Attempts and
// calls are unsigned numbers in a signed column. `places` are the pots of a hold (entries.hpp).
//
// Accounts 1, 2 and 3 are the organisation, the default project, and the key that calls without one are
// charged to (ledger.hpp).
constexpr const char* kFirst = R"sql(
CREATE TABLE accounts (
  account BIGINT NOT NULL PRIMARY KEY, kind BIGINT NOT NULL, parent BIGINT NOT NULL, name TEXT NOT NULL,
  daily BIGINT, weekly BIGINT, monthly BIGINT, total BIGINT,
  disabled BIGINT NOT NULL, created BIGINT NOT NULL, deleted BIGINT);
CREATE UNIQUE INDEX accounts_names ON accounts (parent, name) WHERE deleted IS NULL;
CREATE TABLE keys (
  account BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (account), policy TEXT NOT NULL, expires BIGINT);
CREATE TABLE secrets (
  hash TEXT NOT NULL PRIMARY KEY, account BIGINT NOT NULL REFERENCES keys (account), shown TEXT NOT NULL,
  created BIGINT NOT NULL, expires BIGINT);
CREATE INDEX secrets_keys ON secrets (account);

CREATE TABLE spend (
  account BIGINT NOT NULL, period BIGINT NOT NULL, number BIGINT NOT NULL,
  settled BIGINT NOT NULL CHECK (settled <= 9223372036854775807),
  pending BIGINT NOT NULL CHECK (pending <= 9223372036854775807),
  overshoot BIGINT NOT NULL CHECK (overshoot <= 9223372036854775807),
  PRIMARY KEY (account, period, number));

CREATE TABLE holders (
  holder BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, began BIGINT NOT NULL, lives_until BIGINT NOT NULL,
  ended BIGINT);
CREATE TABLE leases (
  account BIGINT NOT NULL, period BIGINT NOT NULL, number BIGINT NOT NULL,
  holder BIGINT NOT NULL REFERENCES holders (holder),
  granted BIGINT NOT NULL, spent BIGINT NOT NULL,
  PRIMARY KEY (account, period, number, holder));
CREATE INDEX leases_holders ON leases (holder, period, number);
CREATE TABLE positions (
  holder BIGINT NOT NULL REFERENCES holders (holder), shard BIGINT NOT NULL, sequence BIGINT NOT NULL,
  PRIMARY KEY (holder, shard));

CREATE TABLE attempts (
  attempt BIGINT NOT NULL PRIMARY KEY, holder BIGINT NOT NULL, call_id BIGINT NOT NULL,
  key_account BIGINT NOT NULL, project BIGINT NOT NULL, organisation BIGINT NOT NULL,
  began BIGINT NOT NULL, hold BIGINT NOT NULL, places BIGINT NOT NULL, estimate BIGINT NOT NULL,
  model TEXT NOT NULL, route TEXT NOT NULL, upstream TEXT NOT NULL, upstream_key TEXT NOT NULL,
  generation TEXT NOT NULL, ended BIGINT, waste BIGINT NOT NULL, delivered BIGINT NOT NULL,
  outcome TEXT NOT NULL);
CREATE INDEX attempts_ends ON attempts (ended);
CREATE INDEX attempts_holders ON attempts (holder);
CREATE INDEX attempts_generations ON attempts (generation) WHERE generation <> '';

CREATE TABLE costs (
  attempt BIGINT NOT NULL, holder BIGINT NOT NULL, call_id BIGINT NOT NULL,
  key_account BIGINT NOT NULL, project BIGINT NOT NULL, organisation BIGINT NOT NULL,
  began BIGINT NOT NULL, ended BIGINT NOT NULL, hold BIGINT NOT NULL, places BIGINT NOT NULL, cost BIGINT NOT NULL,
  upstream_cost BIGINT NOT NULL, overshoot BIGINT NOT NULL, source BIGINT NOT NULL, waste BIGINT NOT NULL,
  delivered BIGINT NOT NULL, prompt_tokens BIGINT NOT NULL, completion_tokens BIGINT NOT NULL,
  model TEXT NOT NULL, served_model TEXT NOT NULL, provider TEXT NOT NULL, route TEXT NOT NULL,
  upstream TEXT NOT NULL, upstream_key TEXT NOT NULL, generation TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX costs_ends ON costs (ended);
CREATE INDEX costs_upstream_keys ON costs (upstream_key, ended, cost);
CREATE INDEX costs_generations ON costs (generation) WHERE generation <> '';

CREATE TABLE usage (
  key_account BIGINT NOT NULL, project BIGINT NOT NULL, day BIGINT NOT NULL, model TEXT NOT NULL,
  calls BIGINT NOT NULL, attempts BIGINT NOT NULL,
  prompt_tokens BIGINT NOT NULL, completion_tokens BIGINT NOT NULL,
  cost BIGINT NOT NULL, upstream_cost BIGINT NOT NULL, computed BIGINT NOT NULL, assumed BIGINT NOT NULL,
  bought BIGINT NOT NULL, retries BIGINT NOT NULL, lost_primaries BIGINT NOT NULL,
  abandoned BIGINT NOT NULL, probes BIGINT NOT NULL, overshoot BIGINT NOT NULL, pending BIGINT NOT NULL,
  PRIMARY KEY (key_account, project, day, model));
CREATE INDEX usage_days ON usage (day);

CREATE TABLE events (event TEXT NOT NULL PRIMARY KEY);
CREATE TABLE documents (name TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE totals (
  upstream_key TEXT NOT NULL, day TEXT NOT NULL, told BIGINT NOT NULL, booked BIGINT NOT NULL,
  PRIMARY KEY (upstream_key, day));

INSERT INTO meta (name, number) VALUES
  ('revision', 1), ('last_account', 3), ('last_holder', 0), ('strays', 0), ('gaps', 0), ('clock', 0);
INSERT INTO accounts (account, kind, parent, name, disabled, created) VALUES
  (1, 0, 0, 'organisation', 0, 0), (2, 1, 1, 'default', 0, 0), (3, 2, 2, '-', 0, 0);
INSERT INTO keys (account, policy) VALUES (3, '{}');
)sql";

// Settled attempts by the page (cost_page.hpp), whose generation is whose, and what each upstream key was
// billed. Programs that know only schema 1 go on writing `costs`.
constexpr const char* kCostPages = R"sql(
CREATE TABLE cost_pages (last_ended BIGINT NOT NULL, costs BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE INDEX cost_pages_ends ON cost_pages (last_ended);
CREATE TABLE generations (generation TEXT NOT NULL PRIMARY KEY, key_account BIGINT NOT NULL);
CREATE TABLE upstream_spend (upstream_key TEXT NOT NULL PRIMARY KEY, cost BIGINT NOT NULL);
INSERT INTO upstream_spend (upstream_key, cost)
  SELECT upstream_key, CAST(SUM(cost) AS BIGINT) FROM costs GROUP BY upstream_key;
)sql";

// What is asked back of a pot, by its latest recall, and up to which one each of its owners has answered.
constexpr const char* kRecalls = R"sql(
CREATE TABLE recalls (
  account BIGINT NOT NULL, period BIGINT NOT NULL, number BIGINT NOT NULL,
  recall BIGINT NOT NULL, asked BIGINT NOT NULL,
  PRIMARY KEY (account, period, number));
ALTER TABLE leases ADD COLUMN answered BIGINT NOT NULL DEFAULT 0;
INSERT INTO meta (name, number) VALUES ('last_recall', 0);
)sql";

// For alerts: what accounts spent by the hour (hours since 1970), for a while; and what upstream told of its
// keys, to be compared with what was booked (spend/totals.hpp).
constexpr const char* kWatches = R"sql(
CREATE TABLE hours (
  account BIGINT NOT NULL, hour BIGINT NOT NULL, cost BIGINT NOT NULL, PRIMARY KEY (account, hour));
CREATE INDEX hours_hours ON hours (hour, cost);
CREATE TABLE meters (
  upstream_key TEXT NOT NULL PRIMARY KEY, mark TEXT NOT NULL, told BIGINT NOT NULL, booked BIGINT NOT NULL,
  base BIGINT NOT NULL, slack BIGINT NOT NULL, unexplained BIGINT NOT NULL, looked BIGINT NOT NULL);
ALTER TABLE totals ADD COLUMN unexplained BIGINT NOT NULL DEFAULT 0;
)sql";

struct Schema {
  std::int64_t number = 0, oldest_program = 0;
};

Result<Schema> read_schema(sql::Database& database) {
  Schema schema;
  auto read = database.query("SELECT name, number FROM meta WHERE name IN ('schema', 'oldest_program')", {},
                             [&](const sql::Row& row) {
                               (row.text(0) == "schema" ? schema.number : schema.oldest_program) =
                                   row.integer(1);
                             });
  if (!read) return std::unexpected(read.error());
  return schema;
}

Result<void> note(sql::Database& database, const char* name, std::int64_t number) {
  auto noted = database.run(
      "INSERT INTO meta (name, number) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET number = "
      "excluded.number",
      {name, number});
  if (!noted) return std::unexpected(noted.error());
  return {};
}

Result<void> take_step(sql::Database& database, const Migration& step) {
  if (auto done = database.script(step.statements); !done) return done;
  if (auto noted = note(database, "schema", step.schema); !noted) return noted;
  return note(database, "oldest_program", step.oldest_program);
}

// The next step that this ledger needs, done; nullopt when there is none.
Result<std::optional<std::int64_t>> next_step(sql::Database& database, std::span<const Migration> known) {
  if (auto alone = database.alone(); !alone) return std::unexpected(alone.error());
  auto made = database.script(
      "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL)");
  if (!made) return std::unexpected(made.error());
  const auto schema = read_schema(database);
  if (!schema) return std::unexpected(schema.error());
  const std::int64_t newest = known.back().schema;
  if (schema->oldest_program > newest)
    return fail(Fault::bad_input, "the ledger has schema " + std::to_string(schema->number) +
                                      ", for programs that know schema " +
                                      std::to_string(schema->oldest_program) + " or newer; this one knows " +
                                      std::to_string(newest) +
                                      ": start a newer release, or restore a backup from before the upgrade");
  for (const Migration& step : known) {
    if (step.schema <= schema->number) continue;
    if (auto taken = take_step(database, step); !taken) return std::unexpected(taken.error());
    return step.schema;
  }
  return std::nullopt;
}

}  // namespace

std::span<const Migration> migrations() {
  static const std::array<Migration, 4> all{{{.schema = 1, .oldest_program = 1, .statements = kFirst},
                                             {.schema = 2, .oldest_program = 1, .statements = kCostPages},
                                             {.schema = 3, .oldest_program = 1, .statements = kWatches},
                                             {.schema = 5, .oldest_program = 1, .statements = kRecalls}}};
  return all;
}

Result<void> migrate(sql::Database& database, std::span<const Migration> known) {
  for (;;) {
    const auto step = sql::transact(database, sql::Access::write, [&] { return next_step(database, known); });
    if (!step) return std::unexpected(step.error());
    if (!*step) return {};
  }
}

}  // namespace gantry::ledger
