#include "config/config.hpp"

#include <unistd.h>

#include "base/keys.hpp"
#include "config/value.hpp"

namespace gantry::config {
bool UpstreamKey::operator==(const UpstreamKey& other) const {
  return name == other.name && weight == other.weight && exclusive == other.exclusive &&
         reference == other.reference && secret.matches(other.secret.reveal());
}

bool LedgerAddress::operator==(const LedgerAddress& other) const {
  return plain == other.plain && reference == other.reference && secret.matches(other.secret.reveal());
}

bool Watch::operator==(const Watch& other) const {
  return every == other.every && low_credit_usd == other.low_credit_usd &&
         unexplained_usd == other.unexplained_usd && credits == other.credits &&
         management_key.matches(other.management_key.reveal());
}

const Secret& Upstream::key() const {
  static const Secret none;
  return keys.empty() ? none : keys.front().secret;
}

ChainName split_chain_name(std::string_view name) {
  const auto mark = name.find_first_of(":/");
  if (mark == std::string_view::npos || name[mark] == '/') return {{}, name};
  return {name.substr(0, mark), name.substr(mark + 1)};
}

ModelPlace locate(const Config& config, std::string_view name) {
  if (config.upstreams.empty()) return {0, name};
  const auto [upstream, model] = split_chain_name(name);
  if (upstream.empty()) return {0, name};
  for (std::size_t i = 0; i < config.upstreams.size(); ++i)
    if (config.upstreams[i].name == upstream) return {1 + i, model};
  return {0, name};
}

bool Config::operator==(const Config& other) const {
  return server == other.server && upstream == other.upstream && upstreams == other.upstreams &&
         routes == other.routes && fallback_for_plain_ids == other.fallback_for_plain_ids &&
         health == other.health && log == other.log && verify == other.verify && watch == other.watch &&
         ledger == other.ledger;
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
    const auto was = print(field, Scope{before, unused, before.upstream});
    const auto is = print(field, Scope{after, unused, after.upstream});
    if (was != is)
      out.push_back(std::string(field.section) + "." + std::string(field.key) + ": " + was + " -> " + is);
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
