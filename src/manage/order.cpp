#include "manage/order.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/config.hpp"
#include "manage/report.hpp"
#include "wire/reply.hpp"
#include "wire/request.hpp"

namespace gantry::manage {
namespace {

constexpr int kMostPages = 1000;  // a server that pages for ever is left

// What went wrong, as `what: why` and an indented line of what to do.
std::string told(std::string_view what, std::string_view why, std::string_view remedy) {
  return fmt::format("{}: {}\n    {}\n", what, why, remedy);
}

std::string_view remedy_for(int status) {
  switch (status) {
    case 401:
      return "OpenRouter does not know the management key: create one in its settings, and put it where "
             "upstream.management_key points";
    case 403:
      return "this is no management key, and an ordinary key cannot manage keys: create one in OpenRouter's "
             "settings, and put it where upstream.management_key points";
    case 404:
      return "there is no such key: `gantry upstream-keys list --all` shows those there are";
    case 429:
      return "OpenRouter limits how often it is asked: wait a minute and try again";
    case 400:
    case 422:
      return "mend what it names and try again";
    default:
      return "look at https://status.openrouter.ai and try again";
  }
}

std::string refusal(std::string_view what, const Answer& answer) {
  if (answer.status == 0)
    return told(what, answer.failure,
                answer.maybe_done
                    ? "it may have been done all the same: look with `gantry upstream-keys list --all` "
                      "before you try again"
                    : "check the network, upstream.base_url and the proxy");
  const auto error = wire::read_error(answer.status, answer.body);
  return told(what, fmt::format("{} {}", answer.status, plain(config::without_keys(error.message))),
              remedy_for(answer.status));
}

class Clerk {
 public:
  Clerk(const Order& order, const Api& api, const Console& console)
      : order_(order), api_(api), console_(console) {}

  bool create();
  bool list();
  bool show();
  bool update(const KeySettings& settings);
  bool rotate();
  bool remove();

 private:
  // The body of a success; what else came is told.
  std::optional<std::string> ask(std::string_view what, std::string_view method, const std::string& path,
                                 const std::string& body = {});
  template <class T>
  std::optional<T> understood(std::string_view what, Result<T> read);
  std::optional<std::vector<KeyInfo>> all(bool include_disabled);
  std::optional<KeyInfo> find();
  std::optional<KeyInfo> change(const std::string& hash, const KeySettings& settings);
  std::optional<KeyInfo> make(const KeySettings& settings);
  bool hand_over(const MadeKey& made);
  bool print(const KeyInfo& key) { return console_.out(order_.json ? json(key) + "\n" : details(key)); }

  const Order& order_;
  const Api& api_;
  const Console& console_;
};

std::optional<std::string> Clerk::ask(std::string_view what, std::string_view method, const std::string& path,
                                      const std::string& body) {
  auto answer = api_(method, path, body);
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  console_.err(refusal(what, answer));
  return std::nullopt;
}

template <class T>
std::optional<T> Clerk::understood(std::string_view what, Result<T> read) {
  if (read) return std::move(*read);
  console_.err(told(what, read.error().detail, "check that upstream.base_url is OpenRouter's"));
  return std::nullopt;
}

std::optional<std::vector<KeyInfo>> Clerk::all(bool include_disabled) {
  std::vector<KeyInfo> out;
  for (int page = 0; page < kMostPages; ++page) {
    const auto path = fmt::format("/keys?include_disabled={}&offset={}", include_disabled, out.size());
    const auto body = ask("the keys cannot be listed", "GET", path);
    auto keys = body ? understood("the keys cannot be listed", read_keys(*body)) : std::nullopt;
    if (!keys) return std::nullopt;
    if (keys->empty()) break;
    // A server that does not page tells the same keys again.
    if (!out.empty() && keys->front().hash == out.front().hash) break;
    std::ranges::move(*keys, std::back_inserter(out));
  }
  return out;
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The one key whose hash begins so, or whose name it is. Only a whole hash finds keys of other workspaces.
std::optional<KeyInfo> Clerk::find() {
  if (is_hash(order_.key)) {
    const auto body = ask(order_.key, "GET", "/keys/" + order_.key);
    return body ? understood(order_.key, read_key(*body)) : std::nullopt;
  }
  const auto keys = all(true);
  if (!keys) return std::nullopt;
  std::vector<KeyInfo> found;
  for (const auto& key : *keys)
    if (key.hash.starts_with(order_.key) || key.name == order_.key) found.push_back(key);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    console_.err(told(order_.key, "no key has this hash or name", remedy_for(404)));
  } else {
    console_.err(told(order_.key, fmt::format("{} keys have this hash or name", found.size()),
                      "name one by more of its hash") +
                 table(found));
  }
  return std::nullopt;
}

std::optional<KeyInfo> Clerk::change(const std::string& hash, const KeySettings& settings) {
  constexpr auto kWhat = "the key was not changed";
  const auto body = ask(kWhat, "PATCH", "/keys/" + hash, body_of(settings));
  return body ? understood(kWhat, read_key(*body)) : std::nullopt;
}

// The text goes out before anything else can fail: there is no second chance to see it.
bool Clerk::hand_over(const MadeKey& made) {
  const std::string text(made.key.reveal());
  const bool arrived =
      order_.json
          ? console_.out(fmt::format("{{\"key\":{},\"info\":{}}}\n", wire::json_quote(text), json(made.info)))
          : console_.out(text + "\n");
  if (arrived) return true;
  console_.err(told("the new key is lost", "it could not be written to the standard output",
                    fmt::format("delete it: gantry upstream-keys delete {}", made.info.hash)));
  return false;
}

std::optional<KeyInfo> Clerk::make(const KeySettings& settings) {
  constexpr auto kWhat = "no key was made";
  const auto body = ask(kWhat, "POST", "/keys", body_of(settings));
  const auto made = body ? understood(kWhat, read_made_key(*body)) : std::nullopt;
  if (!made || !hand_over(*made)) return std::nullopt;
  console_.err(
      fmt::format("made {} ({}), hash {}\n    the key is shown this once: put it into a secret store or a "
                  "file of mode 600, and "
                  "name that in upstream.key\n",
                  plain(made->info.name), plain(made->info.label), plain(made->info.hash)));
  return made->info;
}

bool Clerk::create() { return make(order_.settings).has_value(); }

bool Clerk::list() {
  const auto keys = all(order_.include_disabled);
  return keys && console_.out(order_.json ? json(*keys) : table(*keys));
}

bool Clerk::show() {
  const auto key = find();
  return key && print(*key);
}

bool Clerk::update(const KeySettings& settings) {
  const auto key = find();
  const auto changed = key ? change(key->hash, settings) : std::nullopt;
  return changed && print(*changed);
}

// Create, deploy, verify, delete (CONTRACT §9): both keys are valid meanwhile.
bool Clerk::rotate() {
  const auto old = find();
  if (!old) return false;
  if (!make(successor_of(*old, order_.settings))) return false;
  if (!order_.disable_old) {
    console_.err(
        fmt::format("{} ({}) stays valid. Deploy the new key, run `gantry verify`, then:\n    gantry "
                    "upstream-keys disable {}\n",
                    plain(old->name), plain(old->label), plain(old->hash)));
    return true;
  }
  if (!change(old->hash, {.disabled = true})) return false;
  console_.err(fmt::format("{} ({}) is disabled. Once nothing misses it: gantry upstream-keys delete {}\n",
                           plain(old->name), plain(old->label), plain(old->hash)));
  return true;
}

bool Clerk::remove() {
  const auto key = find();
  if (!key || !ask("the key was not deleted", "DELETE", "/keys/" + key->hash)) return false;
  return console_.out(order_.json ? fmt::format("{{\"deleted\":{}}}\n", wire::json_quote(key->hash))
                                  : fmt::format("deleted {} ({})\n", plain(key->name), plain(key->label)));
}

}  // namespace

bool carry_out(const Order& order, const Api& api, const Console& console) {
  Clerk clerk(order, api, console);
  switch (order.verb) {
    case Order::Verb::create:
      return clerk.create();
    case Order::Verb::list:
      return clerk.list();
    case Order::Verb::show:
      return clerk.show();
    case Order::Verb::update:
      return clerk.update(order.settings);
    case Order::Verb::rotate:
      return clerk.rotate();
    case Order::Verb::disable:
      return clerk.update({.disabled = true});
    case Order::Verb::remove:
      return clerk.remove();
  }
  return false;
}

}  // namespace gantry::manage
