#include "config/config.hpp"

#include <unistd.h>

#include "base/keys.hpp"
#include "config/value.hpp"

namespace gantry::config {
bool Upstream::operator==(const Upstream& other) const {
  return name == other.name && base_url == other.base_url && key_reference == other.key_reference &&
         key.matches(other.key.reveal()) && ca_file == other.ca_file &&
         allow_plain_http == other.allow_plain_http && proxy == other.proxy && no_proxy == other.no_proxy &&
         max_connections == other.max_connections && max_idle == other.max_idle;
}

bool Config::operator==(const Config& other) const {
  return server == other.server && upstream == other.upstream && routes == other.routes &&
         fallback_for_plain_ids == other.fallback_for_plain_ids && health == other.health &&
         log == other.log && verify == other.verify;
}

std::string to_string(const SecretReference& reference) {
  const auto& word = reference.words.front();
  switch (reference.from) {
    case SecretReference::From::env:
      return "env " + word;
    case SecretReference::From::file:
      return "file " + word;
    case SecretReference::From::command:
      return "command " + word;
  }
  return {};
}

std::string to_text(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems)
    out += problem.where + ": " + problem.message + "\n    " + problem.remedy + "\n";
  return out;
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

std::vector<std::string> needs_restart(const Config& running, const Config& next) {
  auto before = running, after = next;
  Route unused;
  std::vector<std::string> out;
  for (const auto& field : fields()) {
    if (field.change != Change::restart) continue;
    const auto was = print(field, Scope{before, unused}), is = print(field, Scope{after, unused});
    if (was == is) continue;
    // A proxy's address may carry a password.
    const bool shown = field.kind != Kind::url;
    out.push_back(std::string(field.section) + "." + std::string(field.key) +
                  (shown ? ": " + was + " -> " + is : ""));
  }
  return out;
}

bool holds_key(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto key = key_at(text, at);
    if (key && key->is_openrouters()) return true;
  }
  return false;
}

std::string without_keys(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto key = key_at(text, at);
    if (!key) {
      ++at;
      continue;
    }
    out.append(text.substr(done, at + key->prefix - done)).append("***");
    done = at += key->length;
  }
  return out.append(text.substr(done));
}

}  // namespace gantry::config
