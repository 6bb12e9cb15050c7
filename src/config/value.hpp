#pragma once
// One setting's value: from TOML into its place, and from its place to TOML. The two are inverse.

#include <expected>
#include <string>

#include "config/schema.hpp"
#include "config/toml_tree.hpp"

namespace gantry::config {

/// What is wrong with a value; `message` continues "[server] threads …".
struct Complaint {
  std::string message;
  std::string remedy;
  int line = 0;  ///< of the part that is wrong; 0 = the value's own
};

/// Checks type, form and bounds, and writes. On a complaint the old value stands.
std::expected<void, Complaint> assign(const Field& field, const Node& value, Scope scope);

/// The value as TOML that assign() reads back; "" when it is unset (temperature) and has no TOML form.
std::string print(const Field& field, Scope scope);

/// What may stand there, for people: "an integer from 0 to 10", "a duration such as \"60s\"".
std::string expectation(const Field& field);

/// "text|json" as its words.
std::vector<std::string_view> choice_words(std::string_view choices);

/// What the operator may call a section or a key: lower-case letters, digits, '-' and '_', at most 64.
bool is_name(std::string_view text);
/// "key-1" for the key at place 0.
std::string usual_key_name(std::size_t place);

/// A TOML basic string, quoted and escaped.
std::string toml_quote(std::string_view text);

}  // namespace gantry::config
