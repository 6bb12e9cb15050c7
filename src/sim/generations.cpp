#include "sim/generations.hpp"

#include <fmt/format.h>

#include "sim/json_text.hpp"

namespace gantry::sim {

void Generations::put(Generation generation) {
  const std::lock_guard lock(mutex_);
  if (const auto* oldest = ring_.find(ring_.forgotten() + 1);
      oldest && ring_.pushed() - ring_.forgotten() == kKeep)
    by_id_.erase(oldest->id);
  auto id = generation.id;
  const auto number = ring_.push(std::move(generation));
  by_id_.insert_or_assign(std::move(id), number);
}

std::optional<Generation> Generations::find(std::string_view id, std::string_view key, MonoTime now) {
  const std::lock_guard lock(mutex_);
  const auto it = by_id_.find(std::string(id));
  auto* found = it == by_id_.end() ? nullptr : ring_.find(it->second);
  if (!found || found->key != key || now < found->visible_from) return std::nullopt;
  if (found->hidden_asks > 0) {
    --found->hidden_asks;
    return std::nullopt;
  }
  return *found;
}

void Generations::clear() {
  const std::lock_guard lock(mutex_);
  ring_.clear();
  by_id_.clear();
}

std::string iso_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day d{day};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(d.year()),
                     static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()), ms / 3'600'000,
                     ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

std::string generation_json(const Generation& g) {
  std::string out = R"({"data":{"id":)";
  const auto text = [&](std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":");
    append_string_or_null(out, value);
  };
  const auto number = [&](std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":").append(value);
  };
  const auto count = [&](std::string_view key, std::int64_t value) { number(key, std::to_string(value)); };
  const auto milliseconds = [](Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  };
  append_quoted(out, g.id);
  const auto cost = to_decimal(g.bill.total);
  for (const auto* key : {"request_id", "upstream_id", "moderation_latency", "app_id", "web_search_engine",
                          "external_user", "session_id", "preset_id", "router", "workspace_id"})
    number(key, "null");
  const bool cached = g.usage.cached_tokens + g.usage.cache_write_tokens > 0;
  number("cache_discount", cached ? to_decimal(g.bill.saved) : "null");
  text("service_tier", g.service_tier);
  text("model", g.model);
  text("provider_name", g.provider);
  number("provider_responses", "null");
  number("total_cost", cost);
  number("usage", cost);
  number("upstream_inference_cost", g.bill.byok ? to_decimal(g.bill.upstream) : "null");
  text("created_at", iso_time(g.created));
  number("streamed", g.streamed ? "true" : "false");
  number("cancelled", g.cancelled ? "true" : "false");
  number("is_byok", g.bill.byok ? "true" : "false");
  text("finish_reason", g.finish);
  text("native_finish_reason", g.native);
  text("api_type", "completions");
  out += R"(,"origin":"")";  // not nullable
  text("user_agent", g.user_agent);
  text("http_referer", g.referer);
  text("data_region", "global");
  count("latency", milliseconds(g.latency));
  count("generation_time", milliseconds(g.generation_time));
  count("tokens_prompt", g.usage.prompt_tokens);
  count("tokens_completion", g.usage.completion_tokens);
  count("native_tokens_prompt", g.usage.prompt_tokens);
  count("native_tokens_completion", g.usage.completion_tokens);
  count("native_tokens_completion_images", 0);
  count("native_tokens_reasoning", g.usage.reasoning_tokens);
  count("native_tokens_cached", g.usage.cached_tokens);
  count("num_media_prompt", g.usage.images);
  count("num_input_audio_prompt", g.usage.audio_tokens > 0 ? 1 : 0);
  for (const auto* key : {"num_media_completion", "num_search_results", "num_fetches"}) number(key, "null");
  return out + "}}";
}

}  // namespace gantry::sim
