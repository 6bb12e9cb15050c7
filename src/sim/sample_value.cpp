#include "sim/sample_value.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>

#include "sim/json_text.hpp"
#include "sim/texts.hpp"

namespace gantry::sim {
namespace {

namespace json = boost::json;
constexpr int kDepth = 8;

struct Sampler {
  const json::value& root;
  Random& random;
  std::string& out;

  void any(const json::value& schema, int depth) {
    const auto* o = schema.if_object();
    if (!o) return text(json::object{});
    if (const auto* c = o->if_contains("const")) return put(*c);
    if (const auto* e = o->if_contains("enum"); e && e->is_array() && !e->get_array().empty())
      return put(e->get_array()[random.below(e->get_array().size())]);
    if (const auto* ref = o->if_contains("$ref"); ref && ref->is_string() && depth < kDepth) {
      json::error_code error;
      const auto pointer = std::string_view(ref->get_string());
      const auto* target = pointer.starts_with("#") ? root.find_pointer(pointer.substr(1), error) : nullptr;
      if (target && !error) return any(*target, depth + 1);
    }
    for (const auto* key : {"anyOf", "oneOf", "allOf"}) {
      const auto* list = o->if_contains(key);
      if (list && list->is_array() && !list->get_array().empty() && depth < kDepth)
        return any(list->get_array()[0], depth + 1);
    }
    typed(*o, type_of(*o), depth);
  }

  static std::string_view type_of(const json::object& o) {
    const auto* type = o.if_contains("type");
    if (type && type->is_array() && !type->get_array().empty()) type = &type->get_array()[0];
    if (type && type->is_string()) return type->get_string();
    if (o.contains("properties")) return "object";
    return o.contains("items") ? "array" : "string";
  }

  void typed(const json::object& o, std::string_view type, int depth) {
    if (type == "object") return object(o, depth);
    if (type == "array") return array(o, depth);
    if (type == "integer") return append_int(out, whole(o));
    if (type == "number") return number(o);
    if (type == "boolean") return append_bool(out, random.below(2) == 1);
    if (type == "null") return static_cast<void>(out += "null");
    text(o);
  }

  void object(const json::object& o, int depth) {
    out += '{';
    const auto* properties = o.if_contains("properties");
    if (properties && properties->is_object() && depth < kDepth) {
      bool first = true;
      for (const auto& [name, schema] : properties->get_object()) {
        if (!first) out += ',';
        first = false;
        append_quoted(out, name);
        out += ':';
        any(schema, depth + 1);
      }
    }
    out += '}';
  }

  void array(const json::object& o, int depth) {
    out += '[';
    const auto* items = o.if_contains("items");
    const auto count = std::clamp<std::int64_t>(bound(o, "minItems", 1), 1, 16);
    for (std::int64_t i = 0; items && depth < kDepth && i < count; ++i) {
      if (i > 0) out += ',';
      any(*items, depth + 1);
    }
    out += ']';
  }

  static std::int64_t bound(const json::object& o, std::string_view key, std::int64_t otherwise) {
    const auto* v = o.if_contains(key);
    if (!v || !v->is_number()) return otherwise;
    json::error_code error;
    const auto n = v->to_number<double>(error);
    return error ? otherwise : static_cast<std::int64_t>(std::clamp(n, -1e15, 1e15));
  }

  std::int64_t whole(const json::object& o) {
    auto low = bound(o, "minimum", 1);
    if (o.contains("exclusiveMinimum")) low = bound(o, "exclusiveMinimum", 0) + 1;
    auto high = bound(o, "maximum", low + 99);
    if (o.contains("exclusiveMaximum")) high = bound(o, "exclusiveMaximum", high + 1) - 1;
    if (high < low) low = high;
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low) + 1));
  }

  void number(const json::object& o) {
    const auto n = whole(o);
    append_int(out, n);
    const bool fits = !o.contains("maximum") && !o.contains("exclusiveMaximum") && n >= 0;
    if (fits) out += ".5";
  }

  void text(const json::object& o) {
    if (const auto* format = o.if_contains("format"); format && format->is_string()) {
      const auto f = std::string_view(format->get_string());
      if (f == "date") return append_quoted(out, "2026-01-15");
      if (f == "date-time") return append_quoted(out, "2026-01-15T12:00:00Z");
      if (f == "email") return append_quoted(out, "ada@example.org");
      if (f == "uri") return append_quoted(out, "https://example.org/");
    }
    std::string made(sample_word(random.next()));
    const auto least = static_cast<std::size_t>(std::clamp<std::int64_t>(bound(o, "minLength", 0), 0, 4096));
    while (made.size() < least) made.append(" ").append(sample_word(random.next()));
    const auto most = bound(o, "maxLength", 1 << 20);
    if (most >= 0 && made.size() > static_cast<std::size_t>(most))
      made.resize(static_cast<std::size_t>(most));
    append_quoted(out, made);
  }

  void put(const json::value& v) { out += json::serialize(v); }
};

}  // namespace

void append_sample(std::string& out, const json::value& schema, const json::value& root, Random& random) {
  Sampler{root, random, out}.any(schema, 0);
}

}  // namespace gantry::sim
