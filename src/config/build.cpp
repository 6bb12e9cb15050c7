#include "config/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/url.hpp"
#include "config/nearest.hpp"
#include "config/value.hpp"

namespace gantry::config {
namespace {

std::string dotted(std::string_view section, std::string_view key) {
  return section.empty() ? std::string(key) : fmt::format("{}.{}", section, key);
}

// The lines of every text in the tree that holds a key, also one spelt with escapes.
void lines_with_keys(const Node& node, std::set<int>& lines) {
  if (holds_key(node.text)) lines.insert(node.line);
  for (const auto& item : node.items) lines_with_keys(item, lines);
  for (const auto& member : node.members) {
    if (holds_key(member.key)) lines.insert(member.line);
    lines_with_keys(member.value, lines);
  }
}

const Member* find(const Node& table, std::string_view key) {
  const auto at = std::ranges::find(table.members, key, &Member::key);
  return at == table.members.end() ? nullptr : &*at;
}

class Builder {
 public:
  Builder(std::string_view source, const Inputs& inputs) : source_(source), inputs_(inputs) {
    config_.source = source_;
  }

  void read(std::string_view text);
  void overlay();
  Draft finish();

 private:
  void find_keys(std::string_view text, const Node* tree);
  void read_tree(const Node& tree);
  // Reads a table's fields and the sections right below it, but for those that the operator names. `name` is
  // how the file calls it ("routes.fast"), `section` how the schema does.
  void read_section(const Node& table, std::string_view section, std::string_view name, Scope scope);
  void read_fields(const Node& table, std::string_view section, std::string_view name, Scope scope);
  // The tables of a family of sections ([routes.…]) whose names may be names, in order of their lines.
  std::vector<const Member*> named(const Node& tree, std::string_view family, std::string_view noun);
  void read_routes(const Node& tree);
  void read_route(const std::string& name, const Node& table);
  void complete(Route& route, const Node& table);
  void read_upstreams(const Node& tree);
  // An upstream's values that come from elsewhere; `name` is how the file calls its section.
  void overlay_upstream(Upstream& upstream, const std::string& name);
  void one_of_key_and_keys(const Upstream& upstream, const std::string& name);
  void unknown(const Member& member, std::string_view section);
  struct Place {
    std::string_view section, name;  // as in read_section
    Upstream& upstream;
  };
  void set(Place place, std::string_view key, std::string value, std::string origin);
  std::string variable(std::initializer_list<std::string_view> names, std::string& which) const;
  bool expect_table(const Member& member, std::string_view name);
  void problem(std::string where, std::string message, std::string remedy) {
    problems_.push_back({std::move(where), std::move(message), std::move(remedy)});
  }
  std::string at(int line) const { return fmt::format("{}:{}", source_, line); }

  std::string source_;
  const Inputs& inputs_;
  Config config_;
  Route prototype_;  // what [attribution] and [provider] say
  std::vector<Problem> problems_;
};

void Builder::read(std::string_view text) {
  auto tree = parse_toml(text);
  find_keys(text, tree ? &*tree : nullptr);
  if (!tree) {
    problem(at(tree.error().line), tree.error().message, "correct the TOML syntax there");
    return;
  }
  read_tree(*tree);
}

void Builder::find_keys(std::string_view text, const Node* tree) {
  std::set<int> lines;
  int line = 1;
  for (std::size_t start = 0; start < text.size(); ++line) {
    const auto end = std::min(text.find('\n', start), text.size());
    if (holds_key(text.substr(start, end - start))) lines.insert(line);
    start = end + 1;
  }
  if (tree) lines_with_keys(*tree, lines);
  for (const int found : lines)
    problem(at(found), "an OpenRouter key stands in this file",
            "remove it, write key = { env = \"OPENROUTER_API_KEY\" } or { file = \"…\" } under [upstream], "
            "and replace "
            "the key at OpenRouter if anyone else could read the file");
}

bool Builder::expect_table(const Member& member, std::string_view name) {
  if (member.value.kind == Node::Kind::table) return true;
  problem(at(member.line),
          fmt::format("{} must be a section, and this is {}", name, describe(member.value.kind)),
          fmt::format("write it as a section: [{}]", name));
  return false;
}

void Builder::read_tree(const Node& tree) {
  const Scope scope{config_, prototype_, config_.upstream};
  const auto read = [&](std::string_view section) {
    const auto* member = find(tree, section);
    if (member && expect_table(*member, section)) read_section(member->value, section, section, scope);
  };
  for (const auto& common : kCommonSections) read(common.name);  // first: routes start from them
  read_fields(tree, "", "", scope);
  for (const auto& [key, section] : subsections(""))
    if (section == declaring(section) && !is_named(section)) read(section);
  read_upstreams(tree);
  read_routes(tree);
}

void Builder::read_section(const Node& table, std::string_view section, std::string_view name, Scope scope) {
  read_fields(table, section, name, scope);
  for (const auto& [key, below] : subsections(section)) {
    const auto* member = find(table, key);
    const auto inner = dotted(name, key);
    if (member && expect_table(*member, inner)) read_section(member->value, below, inner, scope);
  }
}

void Builder::read_fields(const Node& table, std::string_view section, std::string_view name, Scope scope) {
  for (const auto& member : table.members) {
    const auto* field = find_field(section, member.key);
    if (!field) {
      unknown(member, section);
      continue;
    }
    const auto path = dotted(name, member.key);
    const auto done = assign(*field, member.value, scope);
    if (!done) {
      const auto& [message, remedy, line] = done.error();
      problem(at(line > 0 ? line : member.line), path + " " + message, remedy);
      continue;
    }
    config_.origins[path] = at(member.line);
    for (std::size_t i = 0; i < member.value.items.size(); ++i)
      config_.origins[fmt::format("{}[{}]", path, i)] = at(member.value.items[i].line);
  }
}

// Sections are no fields and are passed over; everything else that is no field is a mistake.
void Builder::unknown(const Member& member, std::string_view section) {
  std::vector<std::string_view> known;
  for (const auto* field : fields_of(section)) known.push_back(field->key);
  for (const auto& below : subsections(section)) known.push_back(below.key);
  if (std::ranges::find(known, member.key) != known.end()) return;  // a section of its own

  auto remedy = std::string("`gantry config reference` lists the settings");
  if (const auto field = std::ranges::find(fields(), member.key, &Field::key); field != fields().end())
    remedy = field->section.empty() ? "it belongs above the first section"
                                    : fmt::format("it belongs in [{}]", field->section);
  if (const auto guess = nearest(member.key, known); !guess.empty())
    remedy = fmt::format("did you mean {}?", guess);
  problem(at(member.line),
          fmt::format("{} is not a setting{}", toml_quote(member.key),
                      section.empty() ? std::string{} : fmt::format(" of [{}]", section)),
          remedy);
}

std::vector<const Member*> Builder::named(const Node& tree, std::string_view family, std::string_view noun) {
  std::vector<const Member*> out;
  const auto* all = find(tree, family);
  if (!all || !expect_table(*all, family)) return out;
  for (const auto& member : all->value.members) {
    if (!is_name(member.key)) {
      problem(at(member.line), fmt::format("{} cannot be the name of {}", toml_quote(member.key), noun),
              "use lower-case letters, digits, '-' and '_', at most 64");
    } else if (expect_table(member, dotted(family, member.key))) {
      out.push_back(&member);
    }
  }
  return out;
}

// The default route first: the others take from it.
void Builder::read_routes(const Node& tree) {
  const auto all = named(tree, "routes", "a route");
  const auto usual = std::ranges::find(all, "default", &Member::key);
  read_route("default", usual == all.end() ? Node{} : (*usual)->value);
  for (const auto* member : all)
    if (member->key != "default") read_route(member->key, member->value);
}

void Builder::read_route(const std::string& name, const Node& table) {
  Route route = prototype_;
  route.name = name;
  const auto path = "routes." + name;
  for (const auto& common : kCommonSections) {
    for (const auto* field : fields_of(common.name)) {
      const auto said = config_.origins.find(dotted(common.name, field->key));
      if (said != config_.origins.end())
        config_.origins[dotted(dotted(path, common.name), field->key)] = said->second;
    }
  }
  read_section(table, kRoute, path, Scope{config_, route, config_.upstream});
  complete(route, table);
  config_.routes[name] = std::move(route);
}

void Builder::read_upstreams(const Node& tree) {
  for (const auto* member : named(tree, "upstreams", "an upstream")) {
    const auto path = "upstreams." + member->key;
    if (member->key == config_.upstream.name) {
      problem(at(member->line), fmt::format("{} is what [upstream] describes", path),
              "move its settings to [upstream], or give this one another name");
      continue;
    }
    Upstream upstream;
    upstream.name = member->key;
    upstream.base_url.clear();
    upstream.keys.clear();
    read_section(member->value, kUpstream, path, Scope{config_, prototype_, upstream});
    if (upstream.base_url.empty() && !find(member->value, "base_url"))
      problem(at(member->line), path + " has no base_url",
              "write base_url in it, such as \"http://127.0.0.1:11434/v1\"");
    config_.upstreams.push_back(std::move(upstream));
  }
  std::ranges::sort(config_.upstreams, {}, &Upstream::name);
}

// Fills in what depends on other fields: the chain, and a max_tokens that was not given and is over the
// ceiling.
void Builder::complete(Route& route, const Node& table) {
  const auto path = "routes." + route.name;
  const bool is_default = route.name == "default";
  const auto& usual = is_default ? kDefaultChain : config_.routes["default"].models;
  if (route.models.empty()) route.models.emplace_back();
  if (route.models.front().empty()) {
    if (!find(table, "primary") && !is_default)
      problem(at(table.line), path + " has no primary", "write primary = \"author/slug\" in it");
    route.models.front() = usual.front();
  }
  if (!find(table, "fallbacks")) {
    route.models.resize(1);
    std::ranges::copy_if(usual, std::back_inserter(route.models),
                         [&](const auto& model) { return model != route.models.front(); });
    if (!is_default) config_.origins[path + ".fallbacks"] = "routes.default";
  }
  const bool lowered = route.max_tokens_ceiling > 0 && route.max_tokens > route.max_tokens_ceiling;
  if (lowered && !config_.origins.contains(path + ".max_tokens")) {
    route.max_tokens = route.max_tokens_ceiling;
    config_.origins[path + ".max_tokens"] = "max_tokens_ceiling";
  }
}

void Builder::set(Place place, std::string_view key, std::string value, std::string origin) {
  if (holds_key(value)) {
    problem(
        origin, "an OpenRouter key stands there",
        "remove it and put the key into the variable OPENROUTER_API_KEY, or name a file under [upstream]");
    return;
  }
  Node node;
  node.kind = Node::Kind::text, node.text = std::move(value);
  const auto* field = find_field(place.section, key);
  const auto done = assign(*field, node, Scope{config_, prototype_, place.upstream});
  if (done) {
    config_.origins[dotted(place.name, key)] = std::move(origin);
  } else {
    problem(std::move(origin), done.error().message,
            key == "listen" ? "write it like 127.0.0.1:8700" : "write it like https://openrouter.ai/api/v1");
  }
}

std::string Builder::variable(std::initializer_list<std::string_view> names, std::string& which) const {
  for (const auto name : names) {
    which = name;
    const auto found = inputs_.environment.find(which);
    if (found != inputs_.environment.end() && !found->second.empty()) return found->second;
  }
  return {};
}

void Builder::overlay() {
  if (config_.routes.empty()) read_routes(Node{});
  std::string which;
  const Place first{"upstream", "upstream", config_.upstream};
  if (auto url = variable({"OPENROUTER_BASE_URL"}, which); !url.empty()) set(first, "base_url", url, which);
  if (!inputs_.base_url.empty()) set(first, "base_url", inputs_.base_url, "--base-url");
  if (!inputs_.listen.empty())
    set({"server", "server", config_.upstream}, "listen", inputs_.listen, "--listen");
  overlay_upstream(config_.upstream, "upstream");
  for (auto& upstream : config_.upstreams) overlay_upstream(upstream, "upstreams." + upstream.name);
}

void Builder::one_of_key_and_keys(const Upstream& upstream, const std::string& name) {
  auto& origins = config_.origins;
  const auto keys = origins.find(name + ".keys");
  if (keys == origins.end()) return;
  if (origins.contains(name + ".key"))
    problem(keys->second, fmt::format("{0}.key and {0}.keys are both set", name),
            "name every key in keys, and take key out");
  const bool shown_as_key = upstream.keys.size() == 1;
  if (shown_as_key) origins.emplace(name + ".key", keys->second);
}

void Builder::overlay_upstream(Upstream& upstream, const std::string& name) {
  one_of_key_and_keys(upstream, name);
  const Place place{"upstream", name, upstream};
  std::string which;
  // HTTPS_PROXY speaks of https only; the lower-case name wins, as with curl.
  const bool https = upstream.base_url.starts_with("https://");
  if (auto proxy = variable({"https_proxy", "HTTPS_PROXY"}, which);
      https && upstream.proxy.empty() && !proxy.empty())
    set(place, "proxy", proxy.contains("://") ? proxy : "http://" + proxy, which);
  if (auto hosts = variable({"no_proxy", "NO_PROXY"}, which); upstream.no_proxy.empty() && !hosts.empty())
    set(place, "no_proxy", hosts, which);
  while (upstream.base_url.ends_with('/')) upstream.base_url.pop_back();
  const auto base = parse_url(upstream.base_url);
  for (const auto* region : {"eu", "us"}) {  // OpenRouter's in-region addresses (CONTRACT §1.1)
    if (!base || !upstream.region.empty() || base->host != fmt::format("{}.openrouter.ai", region)) continue;
    upstream.region = region;
    config_.origins[dotted(name, "region")] = name + ".base_url";
  }
}

Draft Builder::finish() {
  auto together = check_together(config_);
  problems_.insert(problems_.end(), together.begin(), together.end());
  for (auto& found : problems_) {
    found.where = without_keys(found.where);
    found.message = without_keys(found.message);
    found.remedy = without_keys(found.remedy);
  }
  return {std::move(config_), std::move(problems_)};
}

}  // namespace

Draft build(std::string_view text, std::string_view source, const Inputs& inputs) {
  Builder builder(source, inputs);
  builder.read(text);
  builder.overlay();
  return builder.finish();
}

}  // namespace gantry::config
