// A body that is accepted has ranges inside itself, reads the same through simdjson's own parser, and after
// splicing a model and a limit into it says just those; what it needs agrees with what it has. A body that is
// refused says why and what to do.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/dialect.hpp"
#include "wire/needs.hpp"
#include "wire/request.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_range(const std::optional<ByteRange>& range, std::string_view body) {
  if (range) require(range->begin < range->end && range->end <= body.size());
}

void set(Splice& splice, const RequestFacts& facts, const std::optional<ByteRange>& where,
         std::string_view name, const std::string& value) {
  if (where) return splice.replace(*where, value);
  splice.insert(facts.insert_at, json_quote(name) + ":" + value + (facts.object_empty ? "" : ","));
}

// What simdjson refuses and we accept on purpose: numbers beyond its range, lone surrogates, a depth of its
// own. So only one direction is an oracle: what simdjson's parser accepts is JSON.
bool simdjson_accepts(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  return parser.parse(simdjson::padded_string(body)).get(root) == simdjson::SUCCESS && root.is_object();
}

void check_edit(const Dialect& dialect, RequestScanner& scanner, std::string_view body,
                const RequestFacts& facts) {
  check_range(facts.model_value, body);
  check_range(facts.max_tokens_value, body);
  check_range(facts.max_completion_tokens_value, body);
  check_range(facts.models_value, body);
  check_range(facts.provider_value, body);
  require(facts.insert_at > 0 && facts.insert_at < body.size() && body[facts.insert_at - 1] == '{');
  Splice splice(body);
  set(splice, facts, facts.model_value, "model", json_quote("acme/alpha"));
  set(splice, facts, facts.max_tokens_value, "max_tokens", "4096");
  const std::string edited = splice.joined();
  const auto again = dialect.scan(scanner, edited);
  require(again.has_value());
  require(again->model == "acme/alpha" && again->max_tokens == 4096);
  require(again->stream == facts.stream && again->models == facts.models);
  require(again->provider_value.has_value() == facts.provider_value.has_value());
  require(again->max_completion_tokens == facts.max_completion_tokens);
  require(again->prompt.code_points == facts.prompt.code_points &&
          again->message_count == facts.message_count);
}

// The second look agrees with the first.
void check_needs(std::string_view body, const RequestFacts& facts) {
  const RequestNeeds needs = read_needs(body, facts);
  require(needs.tools == facts.has_tools);
  require(!needs.response_format || facts.has_response_format);
  require(!needs.structured_outputs || needs.response_format);
  require(needs.prompt_tokens_at_least >= 0);
}

// A member that is cut out leaves the same request without it.
void check_cut(const Dialect& dialect, RequestScanner& scanner, std::string_view body,
               const RequestFacts& facts) {
  if (!facts.models_value) return;
  Splice splice(body);
  splice.replace(member_around(body, *facts.models_value), "");
  const std::string cut = splice.joined();
  const auto again = dialect.scan(scanner, cut);
  require(again.has_value() && !again->models_value && again->model == facts.model);
  require(again->provider_value.has_value() == facts.provider_value.has_value());
  require(again->prompt.code_points == facts.prompt.code_points);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static RequestScanner scanner;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const bool json = simdjson_accepts(body);
  for (const Dialect* dialect : {&kChat, &kCompletions}) {
    const auto facts = dialect->scan(scanner, body);
    if (facts) {
      check_needs(body, *facts);
      check_edit(*dialect, scanner, body, *facts);
      check_cut(*dialect, scanner, body, *facts);
      continue;
    }
    const Refusal& refusal = facts.error();
    require(refusal.status == 400 && !refusal.message.empty() && !refusal.remedy.empty());
    const bool called_broken = refusal.message.find("not valid JSON") != std::string::npos;
    const bool too_deep = refusal.message.find("nesting is deeper") != std::string::npos;
    require(!(json && called_broken && !too_deep));
  }
  return 0;
}
