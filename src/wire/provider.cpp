#include "wire/provider.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "base/json_string.hpp"
#include "wire/decimal.hpp"
#include "wire/edit.hpp"
#include "wire/json_reader.hpp"
#include "wire/shown_text.hpp"

namespace gantry::wire {
namespace {

using Slugs = std::vector<std::string>;
using Step = std::optional<Refusal>;

// The members Gantry acts on.
enum class Member : std::uint8_t {
  zdr,
  data_collection,
  only,
  ignore,
  max_price,
  price_prompt,
  price_completion,
  order,
  allow_fallbacks
};
constexpr std::array<std::string_view, 9> kPaths = {
    "zdr",   "data_collection", "only", "ignore", "max_price", "max_price.prompt", "max_price.completion",
    "order", "allow_fallbacks"};
constexpr std::string_view path_of(Member which) { return kPaths[static_cast<std::size_t>(which)]; }
constexpr std::string_view name_of(Member which) {
  const auto path = path_of(which);
  return path.substr(path.rfind('.') + 1);
}

Refusal refusal(Member which, std::string message, std::string remedy) {
  return {.message = std::move(message),
          .remedy = std::move(remedy),
          .param = "provider." + std::string(path_of(which))};
}
Refusal wrong(Member which, std::string_view expected) {
  const auto path = "provider." + std::string(path_of(which));
  return refusal(which, path + " must be " + std::string(expected) + ".",
                 "Send " + path + " as " + std::string(expected) + ", or leave it out.");
}

// ---- what the client sent

struct Value {
  std::optional<ByteRange> at;  // also when it is null
  JsonToken token;              // null when it is absent
};

struct Sent {
  std::array<Value, kPaths.size()> values{};
  Slugs only, ignore, order;
  bool empty = true;
  std::size_t prices_begin = 0;  // right behind the bracket of max_price
  bool prices_empty = true;

  [[nodiscard]] const Value& of(Member which) const { return values[static_cast<std::size_t>(which)]; }
  Value& of(Member which) { return values[static_cast<std::size_t>(which)]; }
};

class Reading {
 public:
  explicit Reading(std::string_view object) : in_(object) {}

  std::expected<Sent, Refusal> run() {
    const JsonToken root = in_.root();
    sent_.empty = in_.is_empty(root);
    Step refused;
    in_.each_member(root, [&](std::string_view key, JsonToken value) {
      const auto which = named(key, {Member::zdr, Member::data_collection, Member::only, Member::ignore,
                                     Member::max_price, Member::order, Member::allow_fallbacks});
      if (which && !refused) refused = member(*which, value);
    });
    if (refused) return std::unexpected(std::move(*refused));
    return std::move(sent_);
  }

 private:
  static std::optional<Member> named(std::string_view key, std::initializer_list<Member> members) {
    for (const auto each : members)
      if (key == name_of(each)) return each;
    return std::nullopt;
  }

  Step member(Member which, JsonToken value) {
    // Twice the same one would let Gantry check one and upstream use the other.
    if (sent_.of(which).at) {
      const auto path = "provider." + std::string(path_of(which));
      return refusal(which, path + " is given twice.", "Send " + path + " once.");
    }
    sent_.of(which).token = value;
    Step refused;
    if (which == Member::only) refused = slugs(which, value, sent_.only);
    if (which == Member::ignore) refused = slugs(which, value, sent_.ignore);
    if (which == Member::order)
      in_.each_element(value, [&](JsonToken each) { sent_.order.push_back(each.string().value_or("")); });
    if (which == Member::max_price) refused = prices(value);
    const auto begin = in_.range(value).begin;
    sent_.of(which).at = ByteRange{begin, begin + in_.whole(value).size()};
    return refused;
  }

  Step slugs(Member which, JsonToken value, Slugs& to) {
    if (value.is_null()) return std::nullopt;
    bool strings = value.is_array();
    in_.each_element(value, [&](JsonToken each) {
      strings = strings && each.is_string();
      if (strings) to.push_back(*each.string());
    });
    return strings ? std::nullopt : Step(wrong(which, "a list of strings"));
  }

  Step prices(JsonToken value) {
    if (value.is_null()) return std::nullopt;
    if (!value.is_object()) return wrong(Member::max_price, "an object");
    sent_.prices_begin = in_.range(value).end;
    sent_.prices_empty = in_.is_empty(value);
    Step refused;
    in_.each_member(value, [&](std::string_view key, JsonToken price) {
      const auto which = named(key, {Member::price_prompt, Member::price_completion});
      if (which && !refused) refused = member(*which, price);
    });
    return refused;
  }

  JsonReader in_;
  Sent sent_;
};

// ---- lists of providers

std::string quoted_list(std::span<const std::string> slugs) {
  std::string out = "[";
  for (const auto& slug : slugs) {
    if (out.size() > 1) out += ",";
    append_quoted(out, slug);
  }
  return out + "]";
}

bool any_covers(std::span<const std::string> bases, std::string_view slug) {
  return std::ranges::any_of(bases, [slug](const auto& base) { return covers(base, slug); });
}
bool overlaps(std::span<const std::string> slugs, std::string_view slug) {
  return std::ranges::any_of(slugs,
                             [slug](const auto& each) { return covers(each, slug) || covers(slug, each); });
}
bool leaves_nothing(std::span<const std::string> only, std::span<const std::string> ignore) {
  return !only.empty() &&
         std::ranges::all_of(only, [&](const auto& each) { return any_covers(ignore, each); });
}
void add_once(Slugs& to, std::string_view slug) {
  if (std::ranges::find(to, slug) == to.end()) to.emplace_back(slug);
}

// Of two entries that overlap the narrower one stays, in the client's order. An empty list of the client's
// says no more than none at all.
Slugs intersection(const Slugs& client, std::span<const std::string> policy) {
  Slugs out;
  if (client.empty())
    for (const auto& each : policy) add_once(out, each);
  for (const auto& each : client) {
    if (any_covers(policy, each)) {
      add_once(out, each);
      continue;
    }
    for (const auto& allowed : policy)
      if (covers(each, allowed)) add_once(out, allowed);
  }
  return out;
}

// ---- both together

class Merging {
 public:
  Merging(std::string_view client, const Sent& sent, const ProviderPolicy& policy)
      : sent_(sent),
        policy_(policy),
        client_(client),
        splice_(client),
        only_(sent.only),
        ignore_(sent.ignore) {}

  Step run(std::span<const std::string_view> avoid) {
    if (policy_.zdr && !zdr()) put(Member::zdr, "true");
    if (policy_.deny_data_collection && !denies()) put(Member::data_collection, "\"deny\"");
    if (auto refused = restrict_only()) return refused;
    if (auto refused = extend_ignore(avoid)) return refused;
    return lower_prices();
  }

  ProviderMerge result() {
    ProviderMerge out;
    out.demands = {.zdr = policy_.zdr || zdr(),
                   .deny_data_collection = policy_.deny_data_collection || denies(),
                   .only = !only_.empty()};
    if (members_.empty() && splice_.unchanged()) return out;
    if (!members_.empty() && sent_.empty) members_.pop_back();
    if (client_.empty()) {
      out.object = "{" + members_ + "}";
    } else {
      if (!members_.empty()) splice_.insert(client_.find('{') + 1, std::move(members_));
      out.object = splice_.joined();
    }
    return out;
  }

 private:
  [[nodiscard]] bool zdr() const { return sent_.of(Member::zdr).token.is_true(); }
  [[nodiscard]] bool denies() const { return sent_.of(Member::data_collection).token == "deny"; }

  void put(Member which, std::string value) { put(which, std::move(value), members_); }
  // In its place, or into `members`, which go to the front of their object in one piece.
  void put(Member which, std::string value, std::string& members) {
    if (const auto& at = sent_.of(which).at) return splice_.replace(*at, std::move(value));
    members.append("\"").append(name_of(which)).append("\":").append(value).append(",");
  }

  Step restrict_only() {
    if (policy_.only.empty()) return std::nullopt;
    only_ = intersection(sent_.only, policy_.only);
    if (only_.empty()) {
      return refusal(
          Member::only,
          "provider.only allows none of the providers that this gateway allows here: the request says " +
              shown_text(quoted_list(sent_.only), kShown) + ", " + setting("only") + " says " +
              quoted_list(policy_.only) + ".",
          "Name providers of the gateway's list, or leave provider.only out.");
    }
    if (only_ != sent_.only) put(Member::only, quoted_list(only_));
    return std::nullopt;
  }

  Step extend_ignore(std::span<const std::string_view> avoid) {
    for (const auto& each : policy_.ignore)
      if (!any_covers(ignore_, each)) ignore_.push_back(each);
    if (!policy_.ignore.empty() && leaves_nothing(only_, ignore_)) {
      return refusal(Member::only,
                     "Nothing is left of provider.only: " + shown_text(quoted_list(only_), kShown) +
                         " is all in provider.ignore, where " + setting("ignore") + " puts " +
                         quoted_list(policy_.ignore) + ".",
                     "Name another provider in provider.only, or leave it out.");
    }
    Slugs with = ignore_;
    for (const auto& each : avoid) {
      const bool matters = only_.empty() || overlaps(only_, each);
      if (matters && !pinned(each) && !any_covers(with, each)) with.emplace_back(each);
    }
    if (!leaves_nothing(only_, with)) ignore_ = std::move(with);
    if (ignore_ != sent_.ignore) put(Member::ignore, quoted_list(ignore_));
    return std::nullopt;
  }

  [[nodiscard]] bool pinned(std::string_view slug) const {
    const bool ordered = sent_.of(Member::allow_fallbacks).token.kind() == JsonKind::false_value;
    return overlaps(sent_.only, slug) || (ordered && overlaps(sent_.order, slug));
  }

  Step lower_prices() {
    std::string members;
    if (auto refused = lower(Member::price_prompt, policy_.max_price_prompt, members)) return refused;
    if (auto refused = lower(Member::price_completion, policy_.max_price_completion, members)) return refused;
    if (members.empty()) return std::nullopt;
    const bool given = sent_.of(Member::max_price).token.is_object();
    if (sent_.prices_empty) members.pop_back();
    if (given) {
      splice_.insert(sent_.prices_begin, std::move(members));
    } else {
      put(Member::max_price, "{" + members + "}");
    }
    return std::nullopt;
  }

  // A limit is a number or, as OpenRouter's own description has it, a string that holds one.
  Step lower(Member which, std::string_view most, std::string& members) {
    if (most.empty()) return std::nullopt;
    const JsonToken price = sent_.of(which).token;
    if (!price.is_null()) {
      const auto order = compare_decimals(price.string().value_or(std::string(price.raw())), most);
      if (!order) return wrong(which, "a number");
      if (*order <= 0) return std::nullopt;
    }
    put(which, std::string(most), members);
    return std::nullopt;
  }

  [[nodiscard]] std::string setting(std::string_view name) const {
    return std::string(name) + " in [routes." + std::string(policy_.route) + ".provider]";
  }

  static constexpr std::size_t kShown = 200;

  const Sent& sent_;
  const ProviderPolicy& policy_;
  std::string_view client_;  // "" when there is none
  Splice splice_;
  Slugs only_, ignore_;  // as they will be sent
  std::string members_;
};

}  // namespace

std::expected<ProviderMerge, Refusal> merge_provider(std::string_view client, const ProviderPolicy& policy,
                                                     std::span<const std::string_view> avoid) {
  if (client == "null") client = {};
  auto sent = client.empty() ? Sent{} : Reading(client).run();
  std::optional<Refusal> refused;
  if (sent) {
    Merging merging(client, *sent, policy);
    refused = merging.run(avoid);
    if (!refused) return merging.result();
  } else {
    refused = std::move(sent.error());
  }
  if (!policy.demands_nothing()) return std::unexpected(std::move(*refused));
  return ProviderMerge{.object = std::nullopt,
                       .demands = {.zdr = true, .deny_data_collection = true, .only = true}};
}

bool covers(std::string_view base, std::string_view slug) {
  if (base == slug) return true;
  if (slug.size() <= base.size() || !slug.starts_with(base) || slug[base.size()] != '/') return false;
  // Service tiers (CONTRACT §3.1) that a slug may end in.
  constexpr std::array<std::string_view, 4> kTiers = {"priority", "flex", "fast", "scale"};
  return std::ranges::find(kTiers, slug.substr(slug.rfind('/') + 1)) == kTiers.end();
}

}  // namespace gantry::wire
