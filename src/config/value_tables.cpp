// Values that are tables or lists of tables: where keys come from, and prices by model.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "config/nearest.hpp"
#include "config/units.hpp"
#include "config/value_parts.hpp"

namespace gantry::config {
namespace {

constexpr int kHeaviest = 1000;

std::optional<SecretReference> read_command(const Node& value) {
  SecretReference reference{SecretReference::From::command, {}};
  for (const auto& word : value.items) {
    if (word.kind != Node::Kind::text || word.text.contains('\0')) return std::nullopt;
    reference.words.push_back(word.text);
  }
  if (reference.words.empty() || reference.words.front().empty()) return std::nullopt;
  return reference;
}

bool is_reference(std::string_view key) { return key == "env" || key == "file" || key == "command"; }

std::optional<SecretReference> read_reference(const Member& member) {
  if (member.key == "command") return read_command(member.value);
  if (member.value.kind != Node::Kind::text || member.value.text.empty() || !one_line(member.value.text))
    return std::nullopt;
  if (member.key == "env") return SecretReference{SecretReference::From::env, {member.value.text}};
  if (member.key == "file") return SecretReference{SecretReference::From::file, {member.value.text}};
  return std::nullopt;
}

std::unexpected<Complaint> wrong_part(int line, std::string message, std::string remedy) {
  return std::unexpected(Complaint{std::move(message), std::move(remedy), line});
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known,
                         std::string otherwise) {
  const auto guess = nearest(word, known);
  return guess.empty() ? std::move(otherwise) : fmt::format("did you mean {}?", guess);
}

// One setting of a key in a list. Never quotes a reference's value: it may be the secret itself.
Outcome assign_key_member(const Member& member, std::string_view which, UpstreamKey& to) {
  const auto& value = member.value;
  if (is_reference(member.key)) {
    auto reference = read_reference(member);
    if (!reference)
      return wrong_part(value.line,
                        fmt::format("{}: {} must be {}", which, member.key,
                                    member.key == "command" ? "a list of texts" : "one line of text"),
                        "write it like: { env = \"OPENROUTER_API_KEY\" }");
    to.reference = std::move(*reference);
  } else if (member.key == "weight") {
    if (value.kind != Node::Kind::integer || value.integer < 1 || value.integer > kHeaviest)
      return wrong_part(value.line,
                        fmt::format("{}: weight must be an integer from 1 to {}", which, kHeaviest),
                        "write it like: weight = 3");
    to.weight = static_cast<int>(value.integer);
  } else if (member.key == "name") {
    if (value.kind != Node::Kind::text || !is_name(value.text))
      return wrong_part(
          value.line,
          fmt::format("{}: name must be a word of lower-case letters, digits, '-' and '_'", which),
          "write it like: name = \"blue\"");
    to.name = value.text;
  } else if (member.key == "exclusive") {
    if (value.kind != Node::Kind::flag)
      return wrong_part(value.line, fmt::format("{}: exclusive must be true or false", which),
                        "write it like: exclusive = false");
    to.exclusive = value.flag;
  } else {
    constexpr std::array<std::string_view, 6> kKnown{"env", "file", "command", "weight", "name", "exclusive"};
    return wrong_part(member.line,
                      fmt::format("{}: {} is not a setting of a key", which, toml_quote(member.key)),
                      did_you_mean(member.key, kKnown,
                                   "a key has one of env, file and command, and may have weight, "
                                   "name and exclusive"));
  }
  return {};
}

std::expected<UpstreamKey, Complaint> read_key(const Node& item, std::size_t place) {
  const auto which = fmt::format("key {}", place + 1);
  UpstreamKey key;
  key.name = usual_key_name(place);
  if (item.kind != Node::Kind::table)
    return wrong_part(item.line,
                      fmt::format("{} must be a table, and this is {}", which, describe(item.kind)),
                      "write it like: { env = \"OPENROUTER_API_KEY\" }");
  if (std::ranges::count_if(item.members, is_reference, &Member::key) != 1)
    return wrong_part(item.line, fmt::format("{} must have one of env, file and command", which),
                      "write it like: { env = \"OPENROUTER_API_KEY\" }");
  for (const auto& member : item.members)
    if (auto done = assign_key_member(member, which, key); !done)
      return std::unexpected(std::move(done.error()));
  return key;
}

// A price may be nothing, which money elsewhere need not.
std::optional<PicoUsd> read_price(const Node& value) {
  if (value.kind != Node::Kind::text) return std::nullopt;
  const auto amount = parse_money(value.text);
  const auto price = amount ? parse_usd(*amount) : Result<PicoUsd>(std::unexpected(amount.error()));
  return price ? std::optional(*price) : std::nullopt;
}

// Where the price of that name stands; prompt and completion are told apart by who asks.
std::optional<PicoUsd>* optional_price(ModelPrice& price, std::string_view name) {
  const auto* const found = std::ranges::find(kOptionalPrices, name, &OptionalPrice::name);
  return found == kOptionalPrices.end() ? nullptr : &(price.*(found->price));
}

std::unexpected<Complaint> wrong_price(const Member& member, std::string_view which, bool known) {
  constexpr std::string_view kExample = "write it like: { prompt = \"$0.05\", completion = \"$0.08\" }";
  if (known)
    return wrong_part(
        member.line,
        fmt::format("{}: {} must be money such as \"$0.05\" or \"0.05 USD\"", which, toml_quote(member.key)),
        std::string(kExample));
  std::vector<std::string_view> names{"prompt", "completion"};
  for (const auto& each : kOptionalPrices) names.push_back(each.name);
  return wrong_part(member.line,
                    fmt::format("{}: {} is not a price of a model", which, toml_quote(member.key)),
                    did_you_mean(member.key, names, std::string(kExample)));
}

std::expected<ModelPrice, Complaint> read_prices_of(const Member& model) {
  const auto which = fmt::format("of {}", toml_quote(model.key.substr(0, 60)));
  ModelPrice out;
  bool prompt = false, completion = false;
  for (const auto& member : model.value.members) {
    const auto price = read_price(member.value);
    if (member.key == "prompt" && price) {
      out.prompt = *price, prompt = true;
    } else if (member.key == "completion" && price) {
      out.completion = *price, completion = true;
    } else if (auto* const other = optional_price(out, member.key); other && price) {
      *other = *price;
    } else {
      return wrong_price(member, which, other || member.key == "prompt" || member.key == "completion");
    }
  }
  if (!prompt || !completion)
    return wrong_part(model.line, fmt::format("{} must have prompt and completion", which),
                      "write it like: { prompt = \"$0.05\", completion = \"$0.08\" }");
  return out;
}

std::string print_words(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + toml_quote(word);
  return out;
}

// `env = "A"`, without the braces around it.
std::string reference_member(const SecretReference& reference) {
  using From = SecretReference::From;
  if (reference.from == From::command) return "command = [" + print_words(reference.words) + "]";
  return fmt::format("{} = {}", reference.from == From::env ? "env" : "file",
                     toml_quote(reference.words.front()));
}

std::string print_key(const UpstreamKey& key, std::size_t place) {
  auto out = reference_member(key.reference);
  if (key.weight != 1) out += fmt::format(", weight = {}", key.weight);
  if (key.name != usual_key_name(place)) out += ", name = " + toml_quote(key.name);
  if (!key.exclusive) out += ", exclusive = false";
  return "{ " + out + " }";
}

// postgres://user:password@host/name, or ?password=… and ?sslpassword=….
bool holds_password(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  const auto rest = url.substr(scheme + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = rest.rfind('@');  // a password may hold any character that was not encoded
  const bool in_user = authority.substr(0, authority.find('@')).contains(':') && at != std::string_view::npos;
  return in_user || rest.contains("password=");
}

bool is_lone(const std::vector<UpstreamKey>& keys) {
  return keys.size() == 1 && keys.front().weight == 1 && keys.front().exclusive &&
         keys.front().name == usual_key_name(0);
}

}  // namespace

std::string usual_key_name(std::size_t place) { return fmt::format("key-{}", place + 1); }

// Never quotes the value: it may be the secret itself.
Outcome assign_reference(const Field& field, const Node& value, SecretReference& to) {
  if (value.kind != Node::Kind::table) return wrong_type(field, value);
  auto reference = value.members.size() == 1 ? read_reference(value.members.front()) : std::nullopt;
  if (!reference) return std::unexpected(wrong(field, "another table"));
  to = std::move(*reference);
  return {};
}

std::string print_reference(const SecretReference& reference) {
  return "{ " + reference_member(reference) + " }";
}

Outcome assign_secret(const Field& field, const Node& value, std::vector<UpstreamKey>& to) {
  UpstreamKey key;
  key.name = usual_key_name(0);
  if (auto done = assign_reference(field, value, key.reference); !done) return done;
  to.clear();
  to.push_back(std::move(key));
  return {};
}

bool is_database_url(std::string_view text) {
  return text.starts_with("postgres://") || text.starts_with("postgresql://");
}

// Never quotes the value: it may hold the password.
Outcome assign_database(const Field& field, const Node& value, LedgerAddress& to) {
  if (value.kind == Node::Kind::table) {
    auto reference = value.members.size() == 1 ? read_reference(value.members.front()) : std::nullopt;
    if (!reference) return std::unexpected(wrong(field, "another table"));
    to = LedgerAddress{.plain = {}, .reference = std::move(reference), .secret = {}};
    return {};
  }
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  if (!value.text.empty() && (!is_database_url(value.text) || !one_line(value.text)))
    return std::unexpected(wrong(field, "another text"));
  if (holds_password(value.text))
    return wrong_part(
        value.line, "holds a password, which others could read in this file",
        "write it like: url = { env = \"GANTRY_LEDGER_URL\" }, or leave the password to libpq's files");
  to = LedgerAddress{.plain = value.text, .reference = {}, .secret = {}};
  return {};
}

Outcome assign_keys(const Field& field, const Node& value, std::vector<UpstreamKey>& to) {
  if (value.kind != Node::Kind::list) return wrong_type(field, value);
  const auto count = value.items.size();
  if (count == 0 || count > static_cast<std::size_t>(field.max))
    return std::unexpected(wrong(field, count == 0 ? "an empty list" : fmt::format("a list of {}", count)));
  std::vector<UpstreamKey> keys;
  for (const auto& item : value.items) {
    auto key = read_key(item, keys.size());
    if (!key) return std::unexpected(std::move(key.error()));
    const auto same = std::ranges::find(keys, key->name, &UpstreamKey::name);
    if (same != keys.end())
      return wrong_part(item.line,
                        fmt::format("key {} has the name of key {}, {}", keys.size() + 1,
                                    same - keys.begin() + 1, key->name),
                        "give each key a name of its own");
    keys.push_back(std::move(*key));
  }
  to = std::move(keys);
  return {};
}

Outcome assign_prices(const Field& field, const Node& value, Prices& to) {
  if (value.kind != Node::Kind::table) return wrong_type(field, value);
  Prices prices;
  for (const auto& model : value.members) {
    if (model.value.kind != Node::Kind::table || model.key.empty() || !one_line(model.key)) {
      auto complaint = wrong(field, "a table that holds something else");
      complaint.line = model.line;
      return std::unexpected(std::move(complaint));
    }
    auto price = read_prices_of(model);
    if (!price) return std::unexpected(std::move(price.error()));
    prices.emplace(model.key, *price);
  }
  to = std::move(prices);
  return {};
}

std::string print_secret(const std::vector<UpstreamKey>& keys) {
  return is_lone(keys) ? print_reference(keys.front().reference) : std::string{};
}

std::string print_keys(const std::vector<UpstreamKey>& keys) {
  if (keys.empty() || is_lone(keys)) return {};
  std::string out;
  for (std::size_t i = 0; i < keys.size(); ++i) out += (i == 0 ? "" : ", ") + print_key(keys[i], i);
  return "[" + out + "]";
}

std::string print_database(const LedgerAddress& address) {
  return address.reference ? print_reference(*address.reference) : toml_quote(address.plain);
}

std::string print_prices(const Prices& prices) {
  std::string out;
  const auto usd = [](PicoUsd amount) { return toml_quote("$" + to_decimal(amount)); };
  for (const auto& [model, price] : prices) {
    out += fmt::format("{}{} = {{ prompt = {}, completion = {}", out.empty() ? "" : ", ", toml_quote(model),
                       usd(price.prompt), usd(price.completion));
    for (const auto& each : kOptionalPrices)
      if (const auto& other = price.*(each.price)) out += fmt::format(", {} = {}", each.name, usd(*other));
    out += " }";
  }
  return out.empty() ? "{}" : "{ " + out + " }";
}

}  // namespace gantry::config
