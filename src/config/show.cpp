// The configuration as text: what is in force, and what there is.

#include <fmt/format.h>

#include <algorithm>

#include "config/value.hpp"

namespace gantry::config {
namespace {

class Show {
 public:
  explicit Show(const Config& config) : config_(config) {}
  std::string all();

 private:
  // The lines of a section's fields; `name` is how the file calls it.
  void values(std::string_view section, std::string_view name, Scope scope);
  // With its heading and the sections below it.
  void section(std::string_view section, const std::string& name, Scope scope);
  [[nodiscard]] std::string origin(const std::string& path) const;

  Config config_;
  std::string out_;
};

std::string Show::origin(const std::string& path) const {
  const auto found = config_.origins.find(path);
  std::string text = found == config_.origins.end() ? "default" : found->second;
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      c = '?';  // a path may hold anything, a comment may not
  return text;
}

void Show::values(std::string_view section, std::string_view name, Scope scope) {
  for (const auto* field : fields_of(section)) {
    const auto path = name.empty() ? std::string(field->key) : fmt::format("{}.{}", name, field->key);
    const auto value = print(*field, scope);
    const bool hidden =
        field->kind == Kind::url && value.contains('@');  // a proxy's password, from HTTPS_PROXY
    if (hidden) {
      out_ += fmt::format("# {} is not shown: it holds a password  # {}\n", field->key, origin(path));
    } else if (value.empty()) {
      out_ += fmt::format("# {} is unset  # {}\n", field->key, origin(path));
    } else {
      out_ += fmt::format("{} = {}  # {}\n", field->key, value, origin(path));
    }
  }
}

void Show::section(std::string_view section, const std::string& name, Scope scope) {
  out_ += "\n[" + name + "]\n";
  values(section, name, scope);
  for (const auto& [key, below] : subsections(section))
    this->section(below, fmt::format("{}.{}", name, key), scope);
}

std::string Show::all() {
  Route none;
  out_ = config_.source.empty() ? "# In force, without a file. After each value: where it came from.\n"
                                : "# In force. After each value: where it came from.\n";
  values("", "", {config_, none, config_.upstream});
  for (const auto& [key, top] : subsections(""))  // what a common one says, the routes have
    if (!is_named(top) && top == declaring(top))
      section(top, std::string(key), {config_, none, config_.upstream});
  for (auto& upstream : config_.upstreams)
    section(kUpstream, "upstreams." + upstream.name, {config_, none, upstream});
  for (auto& [name, route] : config_.routes)
    section(kRoute, "routes." + name, {config_, route, config_.upstream});
  return out_;
}

// A table's cell: bars would end it.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

constexpr std::string_view kIntroduction =
    R"(# Configuration

`gantry config reference` prints this page, `gantry config check` finds every mistake in a file with its line and
remedy, and `gantry config show` prints what is in force with the origin of each value.

Gantry works without a file: with `OPENROUTER_API_KEY` set it listens on 127.0.0.1:8700. A file is TOML. It is the one
that `--config` names, else the one that the variable `GANTRY_CONFIG` names, else `gantry.toml` in the working directory,
else `/etc/gantry/gantry.toml`. Unknown settings are errors.

- **Order.** `--listen` and `--base-url` come before `OPENROUTER_BASE_URL`, which comes before the file, which comes
  before `HTTPS_PROXY` and `NO_PROXY` (either case), which come before the defaults.
- **Amounts** have units: durations `"500ms"`, `"60s"`, `"10m"`, `"1h"`; sizes `"64MiB"`; money `"$10"` or `"10 USD"`.
- **Secrets** are references. A literal `sk-or-…` key is refused, in the file and on the command line. A key that the file
  names is never replaced by a variable that happens to be set.
- **Models** of a chain are named `author/slug` where OpenRouter serves them, and `NAME:model` where `[upstreams.NAME]`
  does. A colon behind the slash belongs to the model (`author/slug:free`).
- **Files** are refused when they belong to another user (root's are fine) or when others can write them; secret files
  also when everyone can read them: `chmod 600`, or 640 with a group of its own.
- **Reload.** `SIGHUP` reads the file again. Settings marked *restart* keep their old value until then.

```toml
[upstream]
key = { file = "/run/secrets/openrouter" }

[routes.default]
primary = "anthropic/claude-sonnet-4.5"
fallbacks = ["openai/gpt-4.1", "google/gemini-2.5-flash"]

[routes.quick]                      # clients ask for it with "model": "quick"
primary = "openai/gpt-4.1-mini"
retries = 1
timeouts = { call = "20s", silence = "10s", first_token = "10s", stall = "10s" }

[upstreams.local]                   # a last resort of your own
base_url = "http://127.0.0.1:11434/v1"

[routes.always]
primary = "openai/gpt-4.1"
fallbacks = ["google/gemini-2.5-flash", "local:llama3.1:8b"]
```
)";

}  // namespace

std::string show(const Config& config) { return Show(config).all(); }

std::string reference() {
  std::string out(kIntroduction);
  Config defaults;
  Route route;
  route.models = kDefaultChain;
  Upstream other;
  other.base_url.clear();
  other.keys.clear();
  for (const auto& section : sections()) {
    out += section.name.empty() ? "\n## Top level\n\n" : fmt::format("\n## [{}]\n\n", section.name);
    out += std::string(section.sentence) + "\n";
    if (declaring(section.name) != section.name) continue;
    out += "\n| Setting | Default | What | Takes |\n|---|---|---|---|\n";
    auto& upstream = section.name == kUpstream ? other : defaults.upstream;
    for (const auto* field : fields_of(section.name)) {
      const auto value = print(*field, Scope{defaults, route, upstream});
      out +=
          fmt::format("| `{}` | {} | {} | {}{} |\n", field->key,
                      value.empty() ? "unset" : "`" + cell(value) + "`", cell(std::string(field->sentence)),
                      cell(expectation(*field)), field->change == Change::restart ? "; *restart*" : "");
    }
  }
  return out;
}

}  // namespace gantry::config
