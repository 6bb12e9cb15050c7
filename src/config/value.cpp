#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <variant>

#include "base/url.hpp"
#include "config/units.hpp"
#include "config/value_parts.hpp"

namespace gantry::config {
namespace {

std::int64_t milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

// An example that is right for any field of the kind.
std::string example(const Field& field) {
  switch (field.kind) {
    case Kind::duration:
      return R"("60s")";
    case Kind::size:
      return R"("64MiB")";
    case Kind::money:
    case Kind::hold:
      return R"("$10")";
    case Kind::integer:
      return std::to_string(std::max<std::int64_t>(field.min, 1));
    case Kind::number:
      return "0.7";
    case Kind::flag:
      return "true";
    case Kind::text:
      return R"("…")";
    case Kind::choice:
      return toml_quote(choice_words(field.choices).front());
    case Kind::path:
      return R"("/etc/gantry/file.pem")";
    case Kind::directory:
      return R"("/var/lib/gantry")";
    case Kind::database:
      return R"("postgres://gantry@db.internal/gantry", or { file = "/run/secrets/ledger" } where it has a password)";
    case Kind::url:
      return R"("https://openrouter.ai/api/v1")";
    case Kind::listen:
      return R"("127.0.0.1:8700")";
    case Kind::prompt_limit:
      return "100000";
    case Kind::primary:
      return R"("openai/gpt-4.1")";
    case Kind::fallbacks:
      return R"(["openai/gpt-4.1"])";
    case Kind::words:
      return R"(["general-chat"])";
    case Kind::providers:
      return R"(["deepinfra", "google-vertex/us-east5"])";
    case Kind::region:
      return R"("eu")";
    case Kind::secret:
      return R"({ env = "OPENROUTER_API_KEY" })";
    case Kind::reference:
      return R"({ env = "OPENROUTER_MANAGEMENT_KEY" })";
    case Kind::keys:
      return R"([{ env = "A" }, { file = "/run/secrets/b", weight = 3, name = "blue" }])";
    case Kind::prices:
      return R"({ "llama3.1:8b" = { prompt = "$0.05", completion = "$0.08" } })";
  }
  return {};
}

}  // namespace

Complaint wrong(const Field& field, std::string found) {
  return {fmt::format("must be {}, and this is {}", expectation(field), std::move(found)),
          fmt::format("write it like: {} = {}", field.key, example(field))};
}
std::unexpected<Complaint> wrong_type(const Field& field, const Node& value) {
  return std::unexpected(wrong(field, std::string(describe(value.kind))));
}

bool one_line(std::string_view text) {
  return std::ranges::none_of(text,
                              [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

namespace {

// Values are quoted back shortened; whoever prints the problem removes keys.
std::unexpected<Complaint> wrong_text(const Field& field, const Node& value) {
  return std::unexpected(wrong(field, toml_quote(value.text.substr(0, 60))));
}

// OpenRouter's own may be named so too; the configuration knows them without it.
constexpr std::string_view kOwnPrefix = "openrouter:";
std::string_view without_own_prefix(std::string_view model) {
  return model.starts_with(kOwnPrefix) ? model.substr(kOwnPrefix.size()) : model;
}

// author/slug with an optional ~, :variant and @preset/name, or @preset/name (CONTRACT §3.4): what follows
// the slash is the upstream's business. Or another upstream's, behind its name; that there is such an
// upstream is checked when all are known.
bool is_model(std::string_view text) {
  const bool graphic =
      std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  if (!graphic || text.size() > 200) return false;
  const bool own = text.starts_with(kOwnPrefix);
  const auto [upstream, model] = split_chain_name(without_own_prefix(text));
  if (!upstream.empty()) return !own && is_name(upstream) && !model.empty();
  const auto slash = model.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < model.size();
}
bool is_category(std::string_view text) {
  return !text.empty() && text.size() <= 30 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Outcome assign_duration(const Field& field, const Node& value, Duration& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  const auto parsed = parse_duration(value.text);
  if (!parsed || milliseconds(*parsed) < field.min || milliseconds(*parsed) > field.max)
    return wrong_text(field, value);
  to = *parsed;
  return {};
}

Outcome assign_size(const Field& field, const Node& value, std::size_t& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  const auto parsed = parse_size(value.text);
  if (!parsed || *parsed < static_cast<std::size_t>(field.min) ||
      *parsed > static_cast<std::size_t>(field.max))
    return wrong_text(field, value);
  to = *parsed;
  return {};
}

Outcome assign_money(const Field& field, const Node& value, std::string& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  auto parsed = parse_money(value.text);
  if (!parsed) return wrong_text(field, value);
  to = std::move(*parsed);
  return {};
}

Outcome assign_integer(const Field& field, const Node& value, const Slot& slot) {
  if (value.kind != Node::Kind::integer) return wrong_type(field, value);
  const auto number = value.integer;
  if (number < field.min || number > field.max) return std::unexpected(wrong(field, std::to_string(number)));
  if (const auto* to = std::get_if<int*>(&slot)) **to = static_cast<int>(number);
  if (const auto* to = std::get_if<std::int64_t*>(&slot)) **to = number;
  if (const auto* to = std::get_if<std::size_t*>(&slot)) **to = static_cast<std::size_t>(number);
  return {};
}

Outcome assign_number(const Field& field, const Node& value, const Slot& slot) {
  const bool integer = value.kind == Node::Kind::integer;
  if (!integer && value.kind != Node::Kind::number) return wrong_type(field, value);
  const double number = integer ? static_cast<double>(value.integer) : value.number;
  if (!std::isfinite(number) || number < static_cast<double>(field.min) ||
      number > static_cast<double>(field.max))
    return std::unexpected(wrong(field, fmt::format("{}", number)));
  const double positive = std::abs(number);  // -0.0 is 0
  if (const auto* to = std::get_if<double*>(&slot)) **to = positive;
  if (const auto* to = std::get_if<std::optional<double>*>(&slot)) **to = positive;
  return {};
}

Outcome assign_text(const Field& field, const Node& value, std::string& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  if (!one_line(value.text))
    return std::unexpected(wrong(field, "text with a line break or control character"));
  to = value.text;
  return {};
}

Outcome assign_directory(const Field& field, const Node& value, std::string& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  const bool absolute = value.text.empty() || value.text.starts_with('/');
  if (!absolute || !one_line(value.text)) return wrong_text(field, value);
  to = value.text;
  while (to.size() > 1 && to.ends_with('/')) to.pop_back();
  return {};
}

Outcome assign_region(const Field& field, const Node& value, std::string& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  if (!value.text.empty() && !is_name(value.text)) return wrong_text(field, value);
  to = value.text;
  return {};
}

Outcome assign_choice(const Field& field, const Node& value, const Slot& slot) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  const auto words = choice_words(field.choices);
  const auto found = std::ranges::find(words, value.text);
  if (found == words.end()) return wrong_text(field, value);
  std::visit(
      [&](auto* to) {
        using Value = std::remove_pointer_t<decltype(to)>;
        if constexpr (std::is_enum_v<Value>) *to = static_cast<Value>(found - words.begin());
        if constexpr (std::is_same_v<Value, std::string>) *to = value.text;
      },
      slot);
  return {};
}

Outcome assign_listen(const Field& field, const Node& value, Server& to) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  auto parsed = parse_host_port(value.text);
  if (!parsed) return wrong_text(field, value);
  to.listen_address = std::move(parsed->host), to.listen_port = parsed->port;
  return {};
}

Outcome assign_prompt_limit(const Field& field, const Node& value, std::size_t& to) {
  if (value.kind != Node::Kind::text) return assign_integer(field, value, &to);
  if (value.text != "context") return wrong_text(field, value);
  to = 0;
  return {};
}

Outcome assign_primary(const Field& field, const Node& value, std::vector<std::string>& chain) {
  if (value.kind != Node::Kind::text) return wrong_type(field, value);
  if (!is_model(value.text)) return wrong_text(field, value);
  if (chain.empty()) chain.emplace_back();
  chain.front() = without_own_prefix(value.text);
  return {};
}

// A provider's slug, its variant or region behind a slash (CONTRACT §3.3). Which there are is upstream's
// business.
bool is_provider(std::string_view text) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  };
  return !text.empty() && text.size() <= 100 && text.front() != '/' && text.back() != '/' &&
         std::ranges::all_of(text, inner);
}

bool is_item(Kind kind, std::string_view text) {
  if (kind == Kind::fallbacks) return is_model(text);
  return kind == Kind::providers ? is_provider(text) : is_category(text);
}

// Fallbacks stand behind the primary's place, which is made when it is not there yet.
Outcome assign_texts(const Field& field, const Node& value, std::vector<std::string>& to) {
  if (value.kind != Node::Kind::list) return wrong_type(field, value);
  const bool models = field.kind == Kind::fallbacks;
  std::vector<std::string> texts;
  if (models) texts.push_back(to.empty() ? std::string{} : to.front());
  for (const auto& item : value.items) {
    if (item.kind != Node::Kind::text)
      return std::unexpected(wrong(field, fmt::format("a list that holds {}", describe(item.kind))));
    if (!is_item(field.kind, item.text)) return wrong_text(field, item);
    texts.emplace_back(models ? without_own_prefix(item.text) : item.text);
  }
  if (static_cast<std::int64_t>(value.items.size()) > field.max)
    return std::unexpected(wrong(field, fmt::format("a list of {}", value.items.size())));
  to = std::move(texts);
  return {};
}

}  // namespace

bool is_name(std::string_view text) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, inner);
}

std::vector<std::string_view> choice_words(std::string_view choices) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at <= choices.size();) {
    const auto end = std::min(choices.find('|', at), choices.size());
    words.push_back(choices.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::expected<void, Complaint> assign(const Field& field, const Node& value, Scope scope) {
  const Slot slot = field.slot(scope);
  switch (field.kind) {
    case Kind::duration:
      return assign_duration(field, value, *std::get<Duration*>(slot));
    case Kind::size:
      return assign_size(field, value, *std::get<std::size_t*>(slot));
    case Kind::money:
      return assign_money(field, value, *std::get<std::string*>(slot));
    case Kind::hold:
      if (value.kind != Node::Kind::text || value.text != kCalibrated)
        return assign_money(field, value, *std::get<std::string*>(slot));
      *std::get<std::string*>(slot) = kCalibrated;
      return {};
    case Kind::integer:
      return assign_integer(field, value, slot);
    case Kind::number:
      return assign_number(field, value, slot);
    case Kind::flag:
      if (value.kind != Node::Kind::flag) return wrong_type(field, value);
      *std::get<bool*>(slot) = value.flag;
      return {};
    case Kind::text:
    case Kind::path:
    case Kind::url:
      return assign_text(field, value, *std::get<std::string*>(slot));
    case Kind::directory:
      return assign_directory(field, value, *std::get<std::string*>(slot));
    case Kind::database:
      return assign_database(field, value, *std::get<LedgerAddress*>(slot));
    case Kind::choice:
      return assign_choice(field, value, slot);
    case Kind::listen:
      return assign_listen(field, value, *std::get<Server*>(slot));
    case Kind::prompt_limit:
      return assign_prompt_limit(field, value, *std::get<std::size_t*>(slot));
    case Kind::primary:
      return assign_primary(field, value, *std::get<std::vector<std::string>*>(slot));
    case Kind::fallbacks:
    case Kind::words:
    case Kind::providers:
      return assign_texts(field, value, *std::get<std::vector<std::string>*>(slot));
    case Kind::region:
      return assign_region(field, value, *std::get<std::string*>(slot));
    case Kind::secret:
      return assign_secret(field, value, *std::get<std::vector<UpstreamKey>*>(slot));
    case Kind::reference:
      return assign_reference(field, value, *std::get<SecretReference*>(slot));
    case Kind::keys:
      return assign_keys(field, value, *std::get<std::vector<UpstreamKey>*>(slot));
    case Kind::prices:
      return assign_prices(field, value, *std::get<Prices*>(slot));
  }
  return {};
}

}  // namespace gantry::config
