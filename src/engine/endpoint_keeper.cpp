#include "engine/endpoint_keeper.hpp"

#include <utility>

#include "engine/catalogue.hpp"
#include "engine/shard.hpp"
#include "observe/log.hpp"

namespace gantry::engine {

void EndpointKeeper::look(std::shared_ptr<const Catalogue> catalogue) {
  if (catalogue_) note_wanted();
  catalogue_ = std::move(catalogue);
  look_again();
}

void EndpointKeeper::fill(wire::PriceTable& table) { book_.fill(table, shard_.loop().now()); }

void EndpointKeeper::forget() {
  ++upstream_;
  book_.clear();
}

void EndpointKeeper::look_again() {
  arm();
  note_wanted();
  const MonoTime now = shard_.loop().now();
  if (book_.stale(now)) news_();
  if (!asking_ && book_.due(now)) {
    asking_ = true;
    shard_.loop().spawn(ask_all());
  }
}

// By the id that the list has for it, however a route or a call names it.
void EndpointKeeper::note_wanted() {
  const MonoTime now = shard_.loop().now();
  const auto& config = *shard_.config();
  for (const auto& [name, route] : config.routes)
    for (const auto& model : route.models) {
      if (config::locate(config, model).upstream != 0) continue;
      if (const auto* const listed = catalogue_->prices.find(model)) book_.want(listed->id, now);
    }
  const auto& all = catalogue_->prices.all();
  for (std::size_t row = 0; row < all.size(); ++row)
    if (catalogue_->take_wanted(row)) book_.want(all[row].id, now);
}

void EndpointKeeper::arm() {
  const auto ring = [](void* self) { static_cast<EndpointKeeper*>(self)->look_again(); };
  shard_.loop().set_timer(timer_, shard_.loop().now() + kLook, ring, this);
}

Task<void> EndpointKeeper::ask_all() {
  bool news = false;
  for (bool goes_on = true; goes_on;) {
    const auto id = book_.due(shard_.loop().now());
    if (!id) break;
    const auto upstream = upstream_;
    auto fetched = co_await shard_.fetch("/models/" + *id + "/endpoints");
    if (upstream != upstream_) continue;
    // Unreachable for one is unreachable for all.
    goes_on = fetched.has_value();
    const bool taken = fetched && fetched->status == 200 && take(*id, fetched->body);
    news = news || taken;
    if (taken || !book_.failed(*id, shard_.loop().now())) continue;
    observe::log(observe::Level::warn, "endpoints",
                 {{"model", *id},
                  {"status", static_cast<std::int64_t>(fetched ? fetched->status : 0)},
                  {"error", fetched ? std::string_view("not listed") : fetched.error().detail}});
  }
  asking_ = false;
  if (news) news_();
}

// False for what is not of this model: prices of another one bound nothing.
bool EndpointKeeper::take(const std::string& id, std::string_view body) {
  auto read = wire::parse_endpoints(body);
  if (!read) return false;
  const auto& prices = catalogue_->prices;
  if (prices.find(read->id) != prices.find(id)) return false;
  book_.got(id, std::move(read->endpoints), shard_.loop().now());
  return true;
}

}  // namespace gantry::engine
