#include "sim/reply_parts.hpp"

#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"
#include "sim/errors.hpp"
#include "sim/json_text.hpp"

namespace gantry::sim {

void append_identity(std::string& out, const Identity& identity, std::string_view object) {
  out += R"("id":)";
  append_quoted(out, identity.id);
  out += R"(,"object":)";
  append_quoted(out, object);
  out += R"(,"created":)";
  append_int(out, identity.created);
  out += R"(,"model":)";
  append_quoted(out, identity.model);
  out += R"(,"provider":)";
  append_quoted(out, identity.provider);
  if (identity.service_tier.empty()) return;
  out += R"(,"service_tier":)";
  append_quoted(out, identity.service_tier);
}

void append_reasoning_details(std::string& out, std::string_view text) {
  out += R"(,"reasoning_details":[{"type":"reasoning.text","text":)";
  append_quoted(out, text);
  out += R"(,"format":"unknown","index":0}])";
}

void append_error_member(std::string& out, std::string_view code, std::string_view provider) {
  int status = 502;
  std::from_chars(code.data(), code.data() + code.size(), status);
  out += R"("error":{"code":)";
  // An integer in the specification and a string in the field (CONTRACT §5.3).
  if (!code.empty() && std::ranges::all_of(code, is_digit)) {
    out += code;
  } else {
    append_quoted(out, code);
  }
  out += R"(,"message":)";
  append_quoted(out, message_of(status));
  out += R"(,"metadata":{"error_type":)";
  append_quoted(out, error_type_of(status));
  if (!provider.empty()) {
    out += R"(,"provider_name":)";
    append_quoted(out, provider);
  }
  out += "}}";
}

}  // namespace gantry::sim
