// A setting's value as TOML, and in words what may stand there.

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <type_traits>
#include <variant>

#include "base/url.hpp"
#include "config/units.hpp"
#include "config/value_parts.hpp"

namespace gantry::config {
namespace {

std::string duration_text(std::int64_t ms) { return format_duration(std::chrono::milliseconds{ms}); }
std::string size_text(std::int64_t bytes) { return format_size(static_cast<std::size_t>(bytes)); }

std::string quote_list(const std::vector<std::string>& texts, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < texts.size(); ++i) out += (out.empty() ? "" : ", ") + toml_quote(texts[i]);
  return "[" + out + "]";
}

std::string print_integer(const Slot& slot) {
  if (const auto* value = std::get_if<int*>(&slot)) return std::to_string(**value);
  if (const auto* value = std::get_if<std::int64_t*>(&slot)) return std::to_string(**value);
  return std::to_string(*std::get<std::size_t*>(slot));
}

std::string print_money(const std::string& amount) { return amount.empty() ? "" : toml_quote("$" + amount); }

std::string print_number(const Slot& slot) {
  const auto* const always = std::get_if<double*>(&slot);
  const auto value = always ? std::optional(**always) : *std::get<std::optional<double>*>(slot);
  if (!value) return {};
  auto text = fmt::format("{}", *value);  // the shortest text that reads back as the same double
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

// The word of `choices` that stands there.
std::string chosen(std::string_view choices, const Slot& slot) {
  const auto words = choice_words(choices);
  return std::visit(
      [&](auto* value) -> std::string {
        using Value = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_enum_v<Value>) return std::string(words.at(static_cast<std::size_t>(*value)));
        if constexpr (std::is_same_v<Value, std::string>) return *value;
        return {};
      },
      slot);
}

std::string choice_list(std::string_view choices) {
  std::string out;
  for (const auto word : choice_words(choices)) out += (out.empty() ? "one of " : ", ") + toml_quote(word);
  return out;
}

}  // namespace

std::string print(const Field& field, Scope scope) {
  const Slot slot = field.slot(scope);
  switch (field.kind) {
    case Kind::duration:
      return toml_quote(format_duration(*std::get<Duration*>(slot)));
    case Kind::size:
      return toml_quote(format_size(*std::get<std::size_t*>(slot)));
    case Kind::money:
      return print_money(*std::get<std::string*>(slot));
    case Kind::hold: {
      const auto& hold = *std::get<std::string*>(slot);
      return hold == kCalibrated ? toml_quote(hold) : print_money(hold);
    }
    case Kind::integer:
      return print_integer(slot);
    case Kind::number:
      return print_number(slot);
    case Kind::flag:
      return *std::get<bool*>(slot) ? "true" : "false";
    case Kind::text:
    case Kind::path:
    case Kind::directory:
    case Kind::url:
      return toml_quote(*std::get<std::string*>(slot));
    case Kind::database:
      return print_database(*std::get<LedgerAddress*>(slot));
    case Kind::choice:
      return toml_quote(chosen(field.choices, slot));
    case Kind::listen: {
      const auto& server = *std::get<Server*>(slot);
      return toml_quote(to_string(HostPort{server.listen_address, server.listen_port}));
    }
    case Kind::prompt_limit:
      return *std::get<std::size_t*>(slot) == 0 ? toml_quote("context") : print_integer(slot);
    case Kind::primary: {
      const auto& chain = *std::get<std::vector<std::string>*>(slot);
      return chain.empty() ? std::string{} : toml_quote(chain.front());
    }
    case Kind::fallbacks:
      return quote_list(*std::get<std::vector<std::string>*>(slot), 1);
    case Kind::words:
    case Kind::providers:
      return quote_list(*std::get<std::vector<std::string>*>(slot), 0);
    case Kind::region:
      return toml_quote(*std::get<std::string*>(slot));
    case Kind::reference:
      return print_reference(*std::get<SecretReference*>(slot));
    case Kind::secret:
      return print_secret(*std::get<std::vector<UpstreamKey>*>(slot));
    case Kind::keys:
      return print_keys(*std::get<std::vector<UpstreamKey>*>(slot));
    case Kind::prices:
      return print_prices(*std::get<Prices*>(slot));
  }
  return {};
}

std::string expectation(const Field& field) {
  const bool bounded = field.max != std::numeric_limits<std::int64_t>::max();
  switch (field.kind) {
    case Kind::duration:
      return fmt::format(R"(a duration from "{}" to "{}")", duration_text(field.min),
                         duration_text(field.max));
    case Kind::size:
      return fmt::format(R"(a size from "{}" to "{}")", size_text(field.min), size_text(field.max));
    case Kind::money:
      return R"(money such as "$10" or "10 USD")";
    case Kind::hold:
      return R"(money such as "$10" or "10 USD", or "calibrated")";
    case Kind::integer:
      return fmt::format("an integer from {} to {}", field.min, field.max);
    case Kind::number:
      return fmt::format("a number from {} to {}", field.min, field.max);
    case Kind::flag:
      return "true or false";
    case Kind::text:
      return "one line of text";
    case Kind::choice:
      return choice_list(field.choices);
    case Kind::path:
      return "the path of a file";
    case Kind::directory:
      return "the absolute path of a directory, or empty";
    case Kind::database:
      return "a postgres:// URL without a password, a reference as env, file or command, or empty";
    case Kind::url:
      return "a URL";
    case Kind::listen:
      return R"(an address as "HOST:PORT")";
    case Kind::prompt_limit:
      return fmt::format(R"(an integer from {} to {} or "context")", field.min, field.max);
    case Kind::primary:
      return "a model id as author/slug, or UPSTREAM:MODEL";
    case Kind::fallbacks:
      return "a list of model ids as author/slug, or UPSTREAM:MODEL";
    case Kind::words:
      return fmt::format("a list of at most {} categories in lower case with hyphens",
                         bounded ? field.max : 100);
    case Kind::providers:
      return fmt::format("a list of at most {} provider slugs such as deepinfra or google-vertex/us-east5",
                         field.max);
    case Kind::region:
      return "a word such as eu";
    case Kind::secret:
    case Kind::reference:
      return "a reference as env, file or command";
    case Kind::keys:
      return fmt::format("a list of 1 to {} references as env, file or command", field.max);
    case Kind::prices:
      return "a table of models, each with prompt and completion as money";
  }
  return {};
}

std::string toml_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\', out += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace gantry::config
