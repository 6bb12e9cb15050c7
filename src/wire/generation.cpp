#include "wire/generation.hpp"

#include "wire/json_index.hpp"

namespace gantry::wire {
namespace {

std::optional<PicoUsd> amount_of(const std::optional<JsonValue>& value) {
  if (!value) return std::nullopt;
  const auto text = value->is_string() ? value->string() : std::optional(std::string(value->raw()));
  if (!text) return std::nullopt;
  const auto amount = parse_usd(*text);
  return amount && amount->value >= 0 ? std::optional(*amount) : std::nullopt;
}

std::string text_of(const JsonValue& data, std::string_view name) {
  const auto value = data.find(name);
  return value ? value->string().value_or("") : "";
}

std::int64_t count_of(const JsonValue& data, std::string_view native, std::string_view normalised) {
  for (const auto name : {native, normalised}) {
    const auto value = data.find(name);
    const auto count = value ? value->integer() : std::nullopt;
    if (count && *count >= 0) return *count;
  }
  return 0;
}

bool is_true(const JsonValue& data, std::string_view name) {
  const auto value = data.find(name);
  return value && value->is_true();
}

}  // namespace

Result<GenerationFacts> read_generation(std::string_view body) {
  JsonIndex index;
  if (const auto error = index.parse(body))
    return fail(Fault::malformed, "the record is not JSON: " + std::string(error->what));
  const auto data = index.root().find("data");
  if (!data || !data->is_object()) return fail(Fault::malformed, "the record has no data");
  const auto cost = amount_of(data->find("total_cost"));
  if (!cost) return fail(Fault::malformed, "the record tells no total_cost");
  return GenerationFacts{
      .id = text_of(*data, "id"),
      .model = text_of(*data, "model"),
      .provider = text_of(*data, "provider_name"),
      .cost = *cost,
      .upstream_cost = amount_of(data->find("upstream_inference_cost")),
      .is_byok = is_true(*data, "is_byok"),
      .cancelled = is_true(*data, "cancelled"),
      .prompt_tokens = count_of(*data, "native_tokens_prompt", "tokens_prompt"),
      .completion_tokens = count_of(*data, "native_tokens_completion", "tokens_completion")};
}

}  // namespace gantry::wire
