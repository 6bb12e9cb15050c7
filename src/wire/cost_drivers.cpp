#include "wire/cost_drivers.hpp"

#include <algorithm>
#include <array>

#include "base/saturate.hpp"
#include "wire/cost_fields.hpp"
#include "wire/cost_message.hpp"
#include "wire/json_reader.hpp"
#include "wire/shown_text.hpp"

namespace gantry::wire {
namespace {

constexpr std::size_t kShownName = 60;

// Settings of routers, which have a price of their own or none; what mends or shortens text.
constexpr std::array<std::string_view, 5> kFreePlugins = {"response-healing", "context-compression",
                                                          "auto-router", "auto-beta-router", "pareto-router"};

class Reading {
 public:
  explicit Reading(std::string_view body) : in_(body), messages_(in_, drivers_) {}

  CostDrivers run(const RequestFacts& facts) {
    drivers_.tiers.add(Tier::standard);
    in_.each_member(in_.root(), [this](std::string_view key, JsonToken value) {
      if (!value.is_null()) field(key, value);
    });
    if (unlimited_) drivers_.max_tokens.reset();
    drivers_.answers = saturating_multiply(drivers_.answers, std::max<std::int64_t>(prompts_, 1));
    if (messages_.has_files() && (!native_files_ || parsed_files_))
      add(drivers_, Boundless::file_parsing, "messages[].content[].file");
    if (facts.model) add_model(drivers_, *facts.model);
    for (const std::string& model : facts.models) add_model(drivers_, model);
    return std::move(drivers_);
  }

 private:
  void field(std::string_view key, JsonToken value) {
    switch (cost_field(key)) {
      case CostField::free:
        return;
      case CostField::functions:
        drivers_.tools = true;
        [[fallthrough]];
      case CostField::counted:
        return count(drivers_.prompt_bytes, in_.whole(value).size());
      case CostField::messages:
        return in_.each_element(value, [this](JsonToken each) { messages_.message(each); });
      case CostField::prompt:
        return prompt(value);
      case CostField::answers:
        drivers_.answers = std::max(drivers_.answers, value.integer().value_or(1));
        return;
      case CostField::max_tokens:
        return limit(value);
      case CostField::tools:
        return in_.each_element(value, [this](JsonToken each) { tool(each); });
      case CostField::plugins:
        return in_.each_element(value, [this](JsonToken each) { plugin(each); });
      case CostField::prediction:
        return count(drivers_.prediction_bytes, in_.whole(value).size());
      case CostField::cache:
        return messages_.cache(value);
      default:
        return choice(key, value);
    }
  }

  // What decides who answers, and how.
  void choice(std::string_view key, JsonToken value) {
    switch (cost_field(key)) {
      case CostField::reasoning:
        return in_.each_member(value, [this](std::string_view inner, JsonToken member) {
          if (inner == "max_tokens") more_tokens(member);
        });
      case CostField::tool_choice:
        return in_.each_member(value, [this](std::string_view inner, JsonToken member) {
          if (inner == "type" && !(member == "function"))
            add(drivers_, Boundless::server_tool, "tool_choice.type");
        });
      case CostField::modalities:
        return modalities(value);
      case CostField::provider:
        return provider(value);
      case CostField::models:
        drivers_.has_models = !in_.is_empty(value);
        return;
      case CostField::preset:
        return add(drivers_, Boundless::preset, "preset");
      case CostField::service_tier:
        return service_tier(value);
      case CostField::web_search:
        if (value.is_true() || !value.is_bool()) add(drivers_, Boundless::web_search, "web_search_options");
        return;
      default:
        return unknown(key, value);
    }
  }

  void prompt(JsonToken value) {
    if (!value.is_array()) ++drivers_.messages;
    if (value.is_string()) count(drivers_.prompt_bytes, value.inner().size());
    in_.each_element(value, [this](JsonToken each) {
      ++drivers_.messages;
      ++prompts_;
      count(drivers_.prompt_bytes, in_.whole(each).size());
    });
  }

  // -1 and 0 mean no limit to some providers.
  void limit(JsonToken value) {
    const auto tokens = value.integer();
    if (!tokens || *tokens <= 0) {
      unlimited_ = true;
    } else {
      drivers_.max_tokens = std::max(drivers_.max_tokens.value_or(0), *tokens);
    }
  }

  void more_tokens(JsonToken value) {
    count(drivers_.reasoning_tokens,
          static_cast<std::size_t>(std::max<std::int64_t>(value.integer().value_or(0), 0)));
  }

  void tool(JsonToken value) {
    bool function = false, other = false;
    in_.each_member(value, [&](std::string_view key, JsonToken member) {
      if (member.is_null()) return;
      if (key == "function") function = true;
      if (key == "type") other = other || !(member == "function");
      if (key == "cache_control") messages_.cache(member);
    });
    drivers_.tools = true;
    ++drivers_.pieces;
    count(drivers_.prompt_bytes, in_.whole(value).size());
    if (other || !function) add(drivers_, Boundless::server_tool, "tools[].type");
  }

  // {"id":"file-parser","pdf":{"engine":"native"}}
  void plugin(JsonToken value) {
    std::string id;
    bool off = false, native = false;
    in_.each_member(value, [&](std::string_view key, JsonToken member) {
      if (key == "id") member.string_into(id);
      if (key == "enabled") off = member.is_bool() && !member.is_true();
      if (key != "pdf") return;
      in_.each_member(member, [&](std::string_view inner, JsonToken engine) {
        if (inner == "engine") native = engine == "native";
      });
    });
    if (off || std::ranges::find(kFreePlugins, id) != kFreePlugins.end()) return;
    if (id == "file-parser") {
      (native ? native_files_ : parsed_files_) = true;
    } else {
      add(drivers_, Boundless::plugin, "plugins (" + shown_text(id, kShownName) + ")");
    }
  }

  void modalities(JsonToken value) {
    Modalities outputs = drivers_.outputs.value_or(Modalities());
    in_.each_element(value, [&](JsonToken each) {
      if (const auto known = modality_named(each.string().value_or(""))) outputs.add(*known);
    });
    if (!outputs.empty()) drivers_.outputs = outputs;
  }

  void provider(JsonToken value) {
    in_.each_member(value, [this](std::string_view key, JsonToken list) {
      if (key != "order" && key != "only") return;
      in_.each_element(list,
                       [this](JsonToken slug) { drivers_.tiers.add(tier_of(slug.string().value_or(""))); });
    });
  }

  void service_tier(JsonToken value) {
    const bool standard = value == "default" || value == "standard" || value == "";
    const bool flex = value == "flex", priority = value == "priority" || value == "fast";
    const bool any = !standard && !flex && !priority;  // auto leaves the choice to the provider
    if (flex || any) drivers_.tiers.add(Tier::flex);
    if (priority || any) drivers_.tiers.add(Tier::priority);
  }

  bool is_off(JsonToken value) {
    if (value.is_string() || value.is_array() || value.is_object()) return in_.is_empty(value);
    return !value.is_true() && value.integer().value_or(value.is_number() ? 1 : 0) == 0;
  }

  void unknown(std::string_view key, JsonToken value) {
    if (is_off(value)) return;
    const bool answers = speaks_of_answers(key) && value.integer().value_or(0) > 1;
    if (answers || speaks_of_other_work(key))
      add(drivers_, Boundless::unknown_field, shown_text(key, kShownName));
    count(drivers_.prompt_bytes, key.size());
    count_tokens(speaks_of_tokens(key), value);
    count(drivers_.prompt_bytes, in_.whole(value).size());
  }

  // Recursion is bounded by the reader's depth.
  void count_tokens(bool named, JsonToken value) {
    if (named) more_tokens(value);
    in_.each_member(value, [this](std::string_view key, JsonToken member) {
      count_tokens(speaks_of_tokens(key), member);
    });
    in_.each_element(value, [this, named](JsonToken each) { count_tokens(named, each); });
  }

  CostDrivers drivers_;
  JsonReader in_;
  MessageReading messages_;
  std::int64_t prompts_ = 0;
  bool unlimited_ = false;
  bool native_files_ = false, parsed_files_ = false;
};

}  // namespace

CostDrivers read_cost_drivers(std::string_view body, const RequestFacts& facts) {
  return Reading(body).run(facts);
}

void add_model(CostDrivers& drivers, std::string_view model) {
  if (model.contains("@preset/")) add(drivers, Boundless::preset, "model");
  if (model.contains(":online")) add(drivers, Boundless::web_search, "model");
  if (model.contains(":nitro")) drivers.tiers.add(Tier::priority);
  if (model.contains(":floor")) drivers.tiers.add(Tier::flex);
}

}  // namespace gantry::wire
