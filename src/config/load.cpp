// load(): finds and reads the file, builds the configuration, and resolves what it refers to.

#include <unistd.h>

#include <fmt/format.h>

#include "config/build.hpp"
#include "config/config.hpp"
#include "config/secret_source.hpp"

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
void check_files(const Config& config, std::vector<Problem>& problems) {
  constexpr std::size_t kLongestPem = 16 * 1024 * 1024;
  const std::tuple<const char*, const std::string&, FileUse> files[] = {
      {"server.tls_certificate", config.server.tls_certificate, FileUse::config},
      {"server.tls_key", config.server.tls_key, FileUse::secret},
      {"upstream.ca_file", config.upstream.ca_file, FileUse::config}};
  for (const auto& [path, file, use] : files) {
    if (file.empty()) continue;
    const auto text = read_guarded(file, use, kLongestPem);
    if (!text)
      problems.push_back({origin_of(config, path), fmt::format("{}: {}", path, text.error().detail),
                          "name a PEM file that this user may read and nobody else may change"});
  }
}

void resolve_key(Config& config, const Inputs& inputs, std::vector<Problem>& problems) {
  auto& upstream = config.upstream;
  // Nothing is run on behalf of a configuration that is not in order.
  if (upstream.key_reference.from == SecretReference::From::command && !problems.empty()) return;
  auto key = resolve(upstream.key_reference, inputs.environment);
  if (key) {
    upstream.key = std::move(*key);
  } else {
    problems.push_back({origin_of(config, "upstream.key"),
                        without_keys("upstream.key: " + key.error().detail),
                        "put the key, and nothing else, where upstream.key points"});
  }
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
  resolve_key(draft.config, inputs, draft.problems);
  if (!draft.problems.empty()) return std::unexpected(std::move(draft.problems));
  return std::make_shared<const Config>(std::move(draft.config));
}

}  // namespace gantry::config
