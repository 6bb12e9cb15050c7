#include "sim/request.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/json.hpp>

#include "base/random.hpp"
#include "sim/json_text.hpp"
#include "sim/sample_value.hpp"
#include "sim/texts.hpp"

namespace gantry::sim {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTokensPerMessage = 3;
constexpr std::int64_t kAudioTokensPerKilobyte = 10;

const json::value* member(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v && !v->is_null() ? v : nullptr;
}
std::string_view string_of(const json::object& o, std::string_view key) {
  const auto* v = member(o, key);
  return v && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}
const json::object* object_of(const json::object& o, std::string_view key) {
  const auto* v = member(o, key);
  return v ? v->if_object() : nullptr;
}
bool is_bool(const json::object& o, std::string_view key, bool wanted) {
  const auto* v = member(o, key);
  return v && v->is_bool() && v->get_bool() == wanted;
}

std::unexpected<Failure> wrong(std::string_view field, std::string_view expected) {
  return fail(Fault::bad_input, fmt::format("{}: expected {}", field, expected));
}

// FNV-1a; a byte that no UTF-8 text holds ends each piece.
constexpr std::uint64_t kHashBasis = 0xcbf29ce484222325;
std::uint64_t hashed(std::uint64_t hash, std::string_view text) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return (hash ^ 0xff) * kPrime;
}

class Reader {
 public:
  Reader(const json::object& root, std::uint64_t seed) : root_(root), random_(seed) {}

  Result<Request> read(Api api) {
    for (const auto step : {&Reader::models, &Reader::scalars, &Reader::provider,
                            api == Api::chat ? &Reader::messages : &Reader::prompt}) {
      if (auto done = (this->*step)(); !done) return std::unexpected(done.error());
    }
    stops();
    reasoning();
    searches();
    tier();
    if (const auto* automatic = object_of(root_, "cache_control")) breakpoint(*automatic);
    if (api == Api::chat) tools();
    if (request_.tool_calls.empty()) format();
    return std::move(request_);
  }

 private:
  Result<void> models() {
    if (const auto* model = member(root_, "model")) {
      if (!model->is_string()) return wrong("model", "a string");
      request_.models.emplace_back(model->get_string());
    }
    if (const auto* list = member(root_, "models")) {
      if (!list->is_array()) return wrong("models", "a list of strings");
      for (const auto& m : list->get_array()) {
        if (!m.is_string()) return wrong("models", "a list of strings");
        request_.models.emplace_back(m.get_string());
      }
    }
    if (request_.models.empty()) return fail(Fault::bad_input, "No models provided: set model or models");
    return {};
  }

  Result<void> scalars() {
    if (const auto* stream = member(root_, "stream")) {
      if (!stream->is_bool()) return wrong("stream", "a boolean");
      request_.stream = stream->get_bool();
    }
    for (const auto* key :
         {"max_tokens", "max_completion_tokens"}) {  // the later one is preferred (CONTRACT §3.1)
      const auto* v = member(root_, key);
      if (!v) continue;
      if (!v->is_int64() || v->get_int64() < 1) return wrong(key, "a whole number of at least 1");
      request_.max_tokens = v->get_int64();
    }
    if (const auto* t = member(root_, "temperature")) {
      json::error_code error;
      const auto n = t->is_number() ? t->to_number<double>(error) : -1.0;
      if (n < 0 || n > 2) return wrong("temperature", "a number from 0 to 2");
    }
    return {};
  }

  Result<void> provider() {
    const auto* object = object_of(root_, "provider");
    if (!object) return {};
    auto& out = request_.provider;
    out.allow_fallbacks = !is_bool(*object, "allow_fallbacks", false);
    const std::pair<std::string_view, std::vector<std::string>*> lists[] = {
        {"order", &out.order}, {"only", &out.only}, {"ignore", &out.ignore}};
    for (const auto& [key, slugs] : lists) {
      const auto* list = member(*object, key);
      if (!list) continue;
      if (!list->is_array()) return wrong(fmt::format("provider.{}", key), "a list of strings");
      for (const auto& each : list->get_array()) {
        if (!each.is_string()) return wrong(fmt::format("provider.{}", key), "a list of strings");
        slugs->emplace_back(each.get_string());
      }
    }
    return {};
  }

  Result<void> messages() {
    const auto* list = member(root_, "messages");
    if (!list || !list->is_array() || list->get_array().empty())
      return wrong("messages", "a list of at least one message");
    for (const auto& item : list->get_array()) {
      const auto* message = item.if_object();
      if (!message) return wrong("messages", "objects with role and content");
      const auto role = string_of(*message, "role");
      if (role.empty()) return wrong("messages[].role", "system, developer, user, assistant or tool");
      request_.text_tokens += kTokensPerMessage;
      last_role_ = role;
      prefix_hash_ = hashed(prefix_hash_, role);
      content(*message, role == "user");
    }
    return {};
  }

  Result<void> prompt() {
    const auto* p = member(root_, "prompt");
    if (!p || !p->is_string()) return wrong("prompt", "a string");
    add_text(p->get_string(), true);
    return {};
  }

  void content(const json::object& message, bool from_user) {
    const auto* c = member(message, "content");
    if (!c) return;
    if (c->is_string()) return add_text(c->get_string(), from_user);
    if (!c->is_array()) return;
    for (const auto& item : c->get_array()) {
      const auto* part = item.if_object();
      if (!part) continue;
      const auto type = string_of(*part, "type");
      if (type == "text") add_text(string_of(*part, "text"), from_user);
      if (const auto* mark = object_of(*part, "cache_control")) breakpoint(*mark);
      if (type == "image_url") ++request_.image_count;
      if (const auto* audio = object_of(*part, "input_audio"))
        request_.audio_tokens += kAudioTokensPerKilobyte *
                                 (1 + static_cast<std::int64_t>(string_of(*audio, "data").size()) / 1024);
    }
  }

  void add_text(std::string_view text, bool from_user) {
    request_.text_tokens += static_cast<std::int64_t>((text.size() + 3) / 4);
    prefix_hash_ = hashed(prefix_hash_, text);
    if (from_user) last_user_text_ = text;
  }

  // The last one counts, with all text before it.
  void breakpoint(const json::object& cache_control) {
    request_.cacheable_tokens = request_.text_tokens;
    request_.cacheable_hash = prefix_hash_;
    request_.cache_for_hour = string_of(cache_control, "ttl") == "1h";
  }

  // The plugin is deprecated and has three names; together they search once. The server tool searches once.
  void searches() {
    bool plugin =
        member(root_, "web_search_options") != nullptr || request_.models.front().ends_with(":online");
    if (const auto* list = member(root_, "plugins"); list && list->is_array())
      for (const auto& item : list->get_array())
        if (const auto* o = item.if_object())
          plugin = plugin || (string_of(*o, "id") == "web" && !is_bool(*o, "enabled", false));
    bool tool = false;
    if (const auto* list = member(root_, "tools"); list && list->is_array())
      for (const auto& item : list->get_array())
        if (const auto* o = item.if_object()) tool = tool || string_of(*o, "type") == "openrouter:web_search";
    request_.searches = (plugin ? 1 : 0) + (tool ? 1 : 0);
  }

  // service_tier, else the first provider that is asked for, else the variant (CONTRACT §3.1, §3.3, §3.4).
  void tier() {
    const auto named = string_of(root_, "service_tier");
    const auto& model = request_.models.front();
    if (!named.empty()) return set_tier(named);
    if (const auto* provider = object_of(root_, "provider"))
      for (const auto* key : {"only", "order"})
        if (const auto* list = member(*provider, key); list && list->is_array() && !list->get_array().empty())
          if (const auto& first = list->get_array().front(); first.is_string())
            return set_tier(std::string_view(first.get_string()).substr(first.get_string().find('/') + 1));
    if (model.ends_with(":floor")) set_tier("flex");
    if (model.ends_with(":nitro")) set_tier("priority");
  }

  void set_tier(std::string_view name) {
    if (name == "flex") request_.tier = name;
    if (name == "priority" || name == "fast") request_.tier = "priority";
  }

  void stops() {
    const auto* stop = member(root_, "stop");
    if (!stop) return;
    if (stop->is_string()) request_.stops.emplace_back(stop->get_string());
    if (!stop->is_array()) return;
    for (const auto& s : stop->get_array())
      if (s.is_string()) request_.stops.emplace_back(s.get_string());
  }

  void reasoning() {
    request_.reasoning_hidden = is_bool(root_, "include_reasoning", false);
    request_.reasoning_off = string_of(root_, "reasoning_effort") == "none";
    if (const auto* r = object_of(root_, "reasoning")) {
      request_.reasoning_hidden = request_.reasoning_hidden || is_bool(*r, "exclude", true);
      request_.reasoning_off =
          request_.reasoning_off || is_bool(*r, "enabled", false) || string_of(*r, "effort") == "none";
    }
  }

  // A tool is called when the request demands it, or when the last user text names the tool, or the word
  // "tool".
  void tools() {
    const auto* list = member(root_, "tools");
    if (!list || !list->is_array()) return;
    for (const auto& tool : list->get_array())
      request_.text_tokens += static_cast<std::int64_t>((json::serialize(tool).size() + 3) / 4);
    const auto* choice = member(root_, "tool_choice");
    const bool is_none = choice && choice->is_string() && choice->get_string() == "none";
    if (is_none || last_role_ == "tool") return;
    const bool required = choice && choice->is_string() && choice->get_string() == "required";
    std::string_view forced;
    if (const auto* o = choice ? choice->if_object() : nullptr)
      if (const auto* f = object_of(*o, "function")) forced = string_of(*f, "name");
    for (const auto& tool : list->get_array()) {
      const auto* o = tool.if_object();
      const auto* f = o ? object_of(*o, "function") : nullptr;
      const auto name = f ? string_of(*f, "name") : std::string_view();
      if (name.empty() || (!forced.empty() && name != forced)) continue;
      const bool named = last_user_text_.find(name) != std::string_view::npos ||
                         last_user_text_.find("tool") != std::string_view::npos;
      if (!required && forced.empty() && !named) continue;
      return call(*f, name);
    }
  }

  void call(const json::object& function, std::string_view name) {
    ToolCall made{std::string(name), "{}"};
    if (const auto* parameters = member(function, "parameters")) {
      made.arguments.clear();
      append_sample(made.arguments, *parameters, *parameters, random_);
    }
    request_.tool_calls.push_back(std::move(made));
  }

  void format() {
    const auto* f = object_of(root_, "response_format");
    if (!f) return;
    const auto type = string_of(*f, "type");
    if (type == "json_object") {
      request_.structured = R"({"answer":)";
      append_quoted(request_.structured, prose(random_.next(), 1, false));
      request_.structured += R"(,"confidence":0.9})";
    } else if (const auto* wrapper = object_of(*f, "json_schema"); type == "json_schema" && wrapper) {
      if (const auto* schema = member(*wrapper, "schema"))
        append_sample(request_.structured, *schema, *schema, random_);
      else
        request_.structured = "{}";
    }
  }

  const json::object& root_;
  Random random_;
  Request request_;
  std::string_view last_role_;
  std::string_view last_user_text_;
  std::uint64_t prefix_hash_ = kHashBasis;  // of all roles and text so far
};

}  // namespace

Result<Request> parse_request(std::string_view body, Api api, std::uint64_t seed) {
  json::error_code error;
  json::monotonic_resource memory;
  const auto document = json::parse(body, error, &memory);
  if (error) return fail(Fault::bad_input, "The request body is not valid JSON: " + error.message());
  const auto* root = document.if_object();
  if (!root) return fail(Fault::bad_input, "The request body is not a JSON object");
  return Reader(*root, seed).read(api);
}

}  // namespace gantry::sim
