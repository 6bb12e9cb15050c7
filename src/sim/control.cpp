// What belongs to no OpenRouter: the journal, the bill, and what tests and drills steer (/sim).

#include <fmt/format.h>
#include <boost/json.hpp>
#include <charconv>

#include "base/secret.hpp"
#include "sim/asked.hpp"
#include "sim/json_text.hpp"
#include "sim/listings.hpp"

namespace gantry::sim {
namespace {

Reply journal(const Asked& asked) {
  std::uint64_t after = 0;
  if (const auto text = query_value(asked.head.query, "after"))
    std::from_chars(text->data(), text->data() + text->size(), after);
  return ok(asked.world.journal.json(after));
}

// Amounts are decimal texts, so that no reader rounds them.
std::string line(const KeyBill& bill) {
  std::string out = R"({"key":)";
  append_quoted(out, Secret::mask(bill.key));
  out += fmt::format(
      R"(,"hash":"{}","cost":"{}","strangers":"{}","usage":"{}","byok":"{}","generations":{}}})",
      sha256(bill.key).hex, to_decimal(bill.cost), to_decimal(bill.strangers),
      to_decimal(PicoUsd{bill.cost.value + bill.strangers.value}), to_decimal(bill.byok), bill.generations);
  return out;
}

Reply bill(const Asked& asked) {
  std::string keys;
  PicoUsd cost, strangers, byok;
  std::uint64_t generations = 0;
  for (const auto& each : asked.world.accounts.bill()) {
    keys += (keys.empty() ? "" : ",") + line(each);
    cost.value += each.cost.value, strangers.value += each.strangers.value, byok.value += each.byok.value;
    generations += each.generations;
  }
  return ok(
      fmt::format(R"({{"cost":"{}","strangers":"{}","usage":"{}","byok":"{}","generations":{},"keys":[{}]}})",
                  to_decimal(cost), to_decimal(strangers), to_decimal(asked.world.accounts.total()),
                  to_decimal(byok), generations, keys));
}

// Somebody else who holds the key spends.
Reply spend(const Asked& asked) {
  boost::json::error_code error;
  const auto body = boost::json::parse(asked.body, error);
  const auto* object = error ? nullptr : body.if_object();
  const auto text = [&](std::string_view field) {
    const auto* v = object ? object->if_contains(field) : nullptr;
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
  };
  const auto amount = parse_usd(text("usd"));
  const auto key = text("key").empty() ? asked.world.options.key : text("key");
  if (!amount || amount->value < 0)
    return failed(simple_error(400, R"(usd: expected an amount as text, as in {"usd":"1.25"})"));
  if (key.empty())
    return failed(simple_error(400, "key: the simulator has no key of its own (--key), so name one"));
  asked.world.accounts.charge_stranger(key, *amount, asked.world.time.wall());
  const auto usage = asked.world.usage(key, asked.world.time.wall());
  return ok(fmt::format(R"({{"usage":"{}"}})", to_decimal(usage.usage.total)));
}

Reply script(const Asked& asked) {
  const auto done = asked.world.run_script(asked.body);
  return done ? ok(R"({"script":"running"})") : failed(simple_error(400, done.error().detail));
}

}  // namespace

Reply answer_control(const Asked& asked) {
  const auto is = [&](std::string_view method, std::string_view path) {
    return asked.head.method == method && asked.path == path;
  };
  if (is("GET", "/sim/journal")) return journal(asked);
  if (is("GET", "/sim/bill")) return bill(asked);
  if (is("POST", "/sim/spend")) return spend(asked);
  if (is("POST", "/sim/script")) return script(asked);
  if (!is("POST", "/sim/reset")) return unknown_path(asked);
  asked.world.restart();
  return ok(R"({"reset":true})");
}

}  // namespace gantry::sim
