#pragma once
// One completion call inside the simulator: decided first (decide(), pure but for the shared state), then
// served (completion.cpp), then settled.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "net/headers.hpp"
#include "sim/answer.hpp"
#include "sim/errors.hpp"
#include "sim/events.hpp"
#include "sim/world.hpp"

namespace gantry::net {
struct RequestHead;
}

namespace gantry::sim {

using OwnedHeaders = std::vector<std::pair<std::string, std::string>>;

struct Job {
  Job(Simulator::World& w, Api a) : world(w), api(a), random(0) {}

  Simulator::World& world;
  Api api;
  std::string key;        ///< whose money
  std::string requested;  ///< the model as asked for
  FaultSet faults;
  const Model* model = nullptr;        ///< who answers; null when refused, unless that is billed all the same
  const Provider* provider = nullptr;  ///< who serves it, or whose error it is; null when nobody was chosen
  std::vector<std::string> ignored;    ///< the request's provider.ignore
  const Pricing* pricing = nullptr;    ///< the model's, of the tier that serves
  bool stream = false;
  std::optional<ErrorReply> refused;
  Identity identity;
  Answer answer;
  std::string usage_json;  ///< of the whole answer
  OwnedHeaders headers;    ///< of the reply
  std::string cache_key;   ///< set when a success is to be remembered
  std::int64_t cache_ttl = 0;
  std::string prefix_key;  ///< set when the prompt cache is to remember this prompt's prefix
  std::string user_agent, referer;
  WallTime created{};
  MonoTime began{};
  Random random;  ///< for jitter

  /// Reads the body and decides everything: the error, or model, answer and price.
  void decide(const net::RequestHead& head, std::string_view body, const Digest& digest);
  /// Books what was spent and makes the generation findable. `tokens` of the answer were sent. Returns what
  /// the key was charged; nullopt when it was nothing.
  std::optional<PicoUsd> settle(std::int64_t tokens, bool cancelled);

  [[nodiscard]] Duration first_token_delay();
  [[nodiscard]] Duration token_delay();

 private:
  void refuse(ErrorCase error);
  bool choose(const Request& request, const FaultSet& asked);
  [[nodiscard]] const Provider* choose_provider(const Preferences& wanted) const;
  std::optional<ErrorCase> consider(const Request& request, const std::string& id, const FaultSet& asked);
  std::optional<ErrorCase> missing(const std::string& id) const;
  std::optional<ErrorCase> unfit(const Request& request) const;
  std::optional<ErrorCase> unaffordable(const Request& request) const;
  void look_in_cache(const net::RequestHead& head, const Digest& digest);
  void look_in_prompt_cache(const Request& request);
  void use_tier(const Request& request);
  void bill_answer();
  void remember(const Usage& used, const Bill& bill, std::string finish, bool cancelled);
  [[nodiscard]] std::string_view finish_told() const;
  [[nodiscard]] bool runs_on() const;
  [[nodiscard]] Bill bill_for(const Usage& used, std::string_view finish) const;
  [[nodiscard]] Duration jittered(double nanoseconds);

  Model own_;  // a sim/… id that is its own fault text
  std::int64_t prefix_tokens_ = 0;
  bool prefix_cached_ = false, prefix_for_hour_ = false;
};

}  // namespace gantry::sim
