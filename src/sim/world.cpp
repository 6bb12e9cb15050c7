#include "sim/world.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/random.hpp"

namespace gantry::sim {

std::optional<ReplyCache::Hit> ReplyCache::find(const std::string& key, MonoTime now) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.until <= now) return std::nullopt;
  const auto seconds = [](Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); };
  return Hit{it->second.id, seconds(now - it->second.stored), seconds(it->second.until - now)};
}

void ReplyCache::put(const std::string& key, std::string generation_id, MonoTime now,
                     std::int64_t ttl_seconds) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMost) std::erase_if(entries_, [&](const auto& e) { return e.second.until <= now; });
  if (entries_.size() >= kMost) entries_.clear();
  entries_.insert_or_assign(key,
                            Entry{std::move(generation_id), now, now + std::chrono::seconds{ttl_seconds}});
}

void ReplyCache::erase(const std::string& key) {
  const std::lock_guard lock(mutex_);
  entries_.erase(key);
}

void ReplyCache::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

void Simulator::World::set_script(std::shared_ptr<Script> next) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(next);
  script_start = time.mono();
}

Result<void> Simulator::World::run_script(std::string_view text) {
  auto script = Script::parse(text, "script");
  if (!script) return std::unexpected(script.error());
  set_script(std::move(*script));
  return {};
}

void Simulator::World::adopt_key() {
  if (options.key.empty()) return;
  const auto& usual = accounts.usual();
  keys.add({.name = "gantry sim --key",
            .disabled = {},
            .counts_byok = {},
            .limit = usual.limit,
            .reset = usual.reset,
            .expires = {}},
           options.key, time.wall());
}

std::string Simulator::World::new_key() {
  const auto number = made_keys.fetch_add(1, std::memory_order_relaxed) + 1;
  return "sk-or-v1-" + sha256(fmt::format("key {} of seed {}", number, options.seed)).hex;
}

KeyTerms Simulator::World::terms(std::string_view key) const {
  const auto managed = keys.with_text(key);
  return managed ? managed->terms : accounts.usual();
}

KeyUsage Simulator::World::usage(std::string_view key, WallTime now) const {
  return accounts.see(key, now, terms(key));
}

FaultSet Simulator::World::script_faults(std::string_view path, bool completion, std::string_view model) {
  std::shared_ptr<Script> script;
  Duration since{};
  {
    const std::lock_guard lock(mutex_);
    script = script_;
    since = time.mono() - script_start;
  }
  return script ? script->faults_for(since, path, completion, model) : FaultSet{};
}

void Simulator::World::restart() {
  journal.clear();
  generations.clear();
  accounts.clear();
  free_calls.clear();
  cache.clear();
  prompts.clear();
  keys.clear();
  adopt_key();
  const std::lock_guard lock(mutex_);
  start = script_start = time.mono();
  if (script_) script_->restart();
}

Duration Simulator::World::elapsed() const {
  const std::lock_guard lock(mutex_);
  return time.mono() - start;
}

std::string Simulator::World::generation_id() {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const auto number = answers.fetch_add(1, std::memory_order_relaxed) + 1;
  Random random(options.seed * 0x9e3779b97f4a7c15ULL + number);
  std::string id = fmt::format("gen-{}-", unix_seconds(time.wall()));
  for (int i = 0; i < 20; ++i) id += kAlphabet[random.below(kAlphabet.size())];
  return id;
}

Digest sha256(std::string_view bytes) {
  std::array<unsigned char, 32> raw{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), raw.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  Digest out;
  for (const auto byte : raw) {
    out.hex += kHex[byte >> 4];
    out.hex += kHex[byte & 15];
  }
  for (int i = 0; i < 8; ++i) out.head = out.head << 8 | raw[static_cast<std::size_t>(i)];
  return out;
}

}  // namespace gantry::sim
