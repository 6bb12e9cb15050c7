// load(): finds and reads the file, builds the configuration, and resolves what it refers to.

#include <unistd.h>

#include <fmt/format.h>

#include "config/build.hpp"
#include "config/config.hpp"
#include "config/secret_source.hpp"
#include "config/state_place.hpp"
#include "config/value_parts.hpp"

namespace gantry::config {
namespace {

constexpr std::size_t kLongestFile = 1024 * 1024;

// The file to read, "" for none. A file that was named must exist; one of the usual places need not.
std::string choose_file(const Inputs& inputs) {
  if (!inputs.file.empty()) return inputs.file;
  const auto variable = inputs.environment.find("GANTRY_CONFIG");
  if (variable != inputs.environment.end() && !variable->second.empty()) return variable->second;
  for (const auto* usual : {"gantry.toml", "/etc/gantry/gantry.toml"})
    if (::access(usual, F_OK) == 0) return usual;
  return {};
}

std::string origin_of(const Config& config, const std::string& path) {
  const auto origin = config.origins.find(path);
  return origin == config.origins.end() ? "default" : origin->second;
}

// Files that are opened later by others (OpenSSL) are looked at now, so that all problems come at once.
void check_file(const Config& config, const std::string& path, const std::string& file, FileUse use,
                std::vector<Problem>& problems) {
  constexpr std::size_t kLongestPem = 16 * 1024 * 1024;
  if (file.empty()) return;
  const auto text = read_guarded(file, use, kLongestPem);
  if (!text)
    problems.push_back({origin_of(config, path), fmt::format("{}: {}", path, text.error().detail),
                        "name a PEM file that this user may read and nobody else may change"});
}

std::string path_of(const Upstream& upstream, std::size_t index) {
  return index == 0 ? "upstream" : "upstreams." + upstream.name;
}

void check_files(const Config& config, std::vector<Problem>& problems) {
  check_file(config, "server.tls_certificate", config.server.tls_certificate, FileUse::config, problems);
  check_file(config, "server.tls_key", config.server.tls_key, FileUse::secret, problems);
  for (std::size_t i = 0; i < upstream_count(config); ++i) {
    const auto& upstream = upstream_at(config, i);
    check_file(config, path_of(upstream, i) + ".ca_file", upstream.ca_file, FileUse::config, problems);
  }
}

// The keys of one upstream, each from its place.
class KeyResolver {
 public:
  KeyResolver(const Config& config, const Inputs& inputs, std::vector<Problem>& problems)
      : config_(config), inputs_(inputs), problems_(problems) {}

  void resolve_all(Upstream& upstream, const std::string& path);

 private:
  // "upstream.key", or "upstream.keys: blue" in a list.
  std::string title(const std::string& path, const UpstreamKey& key) const {
    return in_list(path) ? fmt::format("{}.keys: {}", path, key.name) : path + ".key";
  }
  std::string where(const std::string& path, std::size_t place) const {
    return origin_of(config_, in_list(path) ? fmt::format("{}.keys[{}]", path, place) : path + ".key");
  }
  bool in_list(const std::string& path) const { return config_.origins.contains(path + ".keys"); }
  void resolve_one(Upstream& upstream, const std::string& path, std::size_t place);
  void refuse_twins(const Upstream& upstream, const std::string& path);

  const Config& config_;
  const Inputs& inputs_;
  std::vector<Problem>& problems_;
};

void KeyResolver::resolve_all(Upstream& upstream, const std::string& path) {
  for (std::size_t i = 0; i < upstream.keys.size(); ++i) resolve_one(upstream, path, i);
  refuse_twins(upstream, path);
}

void KeyResolver::resolve_one(Upstream& upstream, const std::string& path, std::size_t place) {
  auto& key = upstream.keys[place];
  // Nothing is run on behalf of a configuration that is not in order.
  if (key.reference.from == SecretReference::From::command && !problems_.empty()) return;
  auto secret = resolve(key.reference, inputs_.environment);
  // OpenRouter's lone key may be missing: what needs it says so, the simulator does without.
  const bool needed = path != "upstream" || in_list(path);
  if (!secret) {
    problems_.push_back({where(path, place), without_keys(title(path, key) + ": " + secret.error().detail),
                         fmt::format("put the key, and nothing else, where {} points", title(path, key))});
  } else if (secret->empty() && needed) {
    problems_.push_back({where(path, place),
                         without_keys(fmt::format("{}: the variable {} is not set", title(path, key),
                                                  key.reference.words.front())),
                         "set it to the key, or take the entry out"});
  } else {
    key.secret = std::move(*secret);
  }
}

// One key under two names would be weighed and judged as two.
void KeyResolver::refuse_twins(const Upstream& upstream, const std::string& path) {
  for (std::size_t i = 1; i < upstream.keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto& secret = upstream.keys[i].secret;
      if (secret.empty() || !secret.matches(upstream.keys[j].secret.reveal())) continue;
      problems_.push_back({where(path, i),
                           fmt::format("{} is the same key as {} ({})", title(path, upstream.keys[i]),
                                       upstream.keys[j].name, where(path, j)),
                           "take one of the two out; to use a key more often, give it a larger weight"});
      break;
    }
  }
}

void resolve_keys(Config& config, const Inputs& inputs, std::vector<Problem>& problems) {
  KeyResolver resolver(config, inputs, problems);
  resolver.resolve_all(config.upstream, "upstream");
  for (auto& upstream : config.upstreams) resolver.resolve_all(upstream, "upstreams." + upstream.name);
}

// The key that makes and deletes keys stays where it is unless it is needed.
void resolve_management_key(Config& config, const Inputs& inputs, std::vector<Problem>& problems) {
  const auto& reference = config.upstream.management_key;
  const bool run = reference.from == SecretReference::From::command;
  if (!config.watch.credits || (run && !problems.empty())) return;
  const auto complain = [&](std::string_view what) {
    problems.push_back(
        {origin_of(config, "watch.credits"),
         without_keys(fmt::format("watch.credits needs upstream.management_key: {}", what)),
         "put OpenRouter's management key, and nothing else, where upstream.management_key points, or set "
         "credits to false"});
  };
  auto secret = resolve(reference, inputs.environment);
  if (!secret) return complain(secret.error().detail);
  if (secret->empty()) return complain(fmt::format("the variable {} is not set", reference.words.front()));
  config.watch.management_key = std::move(*secret);
}

void resolve_ledger(Config& config, const Inputs& inputs, std::vector<Problem>& problems) {
  auto& ledger = config.ledger;
  if (ledger.state.empty()) {
    const auto place = usual_state_place(inputs.environment);
    ledger.state = place.path;
    if (!place.path.empty()) config.origins["ledger.state"] = place.origin;
  }
  const bool run = ledger.url.reference && ledger.url.reference->from == SecretReference::From::command;
  if (!ledger.url.reference || (run && !problems.empty())) return;
  const auto complain = [&](std::string_view what) {
    problems.push_back({origin_of(config, "ledger.url"), without_keys(fmt::format("ledger.url: {}", what)),
                        "put a postgres:// URL, and nothing else, where ledger.url points"});
  };
  auto secret = resolve(*ledger.url.reference, inputs.environment);
  if (!secret) return complain(secret.error().detail);
  if (secret->empty())
    return complain(fmt::format("the variable {} is not set", ledger.url.reference->words.front()));
  if (!is_database_url(secret->reveal())) return complain("what it points to is no postgres:// URL");
  ledger.url.secret = std::move(*secret);
}

}  // namespace

std::expected<Snapshot, std::vector<Problem>> load(const Inputs& inputs) {
  const auto file = choose_file(inputs);
  std::string text;
  if (!file.empty()) {
    auto read = read_guarded(file, FileUse::config, kLongestFile);
    if (!read) {
      const auto* remedy = read.error().fault == Fault::not_found
                               ? "name a file that exists, or none to use defaults"
                               : "let only its owner change it";
      return std::unexpected(
          std::vector{Problem{without_keys(file), without_keys(read.error().detail), remedy}});
    }
    text = std::move(*read);
  }
  auto draft = build(text, file, inputs);
  check_files(draft.config, draft.problems);
  resolve_keys(draft.config, inputs, draft.problems);
  resolve_management_key(draft.config, inputs, draft.problems);
  resolve_ledger(draft.config, inputs, draft.problems);
  if (!draft.problems.empty()) return std::unexpected(std::move(draft.problems));
  return std::make_shared<const Config>(std::move(draft.config));
}

}  // namespace gantry::config
