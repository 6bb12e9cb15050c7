#include "ledger/cost_page.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "ledger/crc32c.hpp"

namespace gantry::ledger {
namespace {

constexpr char kVersion = 1;
constexpr char kKind = 'k', kCost = 'c';
constexpr std::uint8_t kLastSource = std::to_underlying(spend::CostSource::free);
constexpr std::uint8_t kLastWaste = std::to_underlying(spend::Waste::probe);

// ---- writing

template <class Fixed>
void put_fixed(std::string& to, Fixed value) {
  if constexpr (std::endian::native != std::endian::little) value = std::byteswap(value);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof value);
}

void put(std::string& to, std::int64_t number) {
  auto left = static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
  char bytes[10];
  std::size_t count = 0;
  for (; left >= 0x80; left >>= 7) bytes[count++] = static_cast<char>(left | 0x80);
  bytes[count++] = static_cast<char>(left);
  to.append(bytes, count);
}

void put(std::string& to, std::string_view text) {
  put(to, static_cast<std::int64_t>(text.size()));
  to += text;
}

std::int64_t nanoseconds(WallTime at) { return at.time_since_epoch().count(); }

// Without overflow: what is read adds up again to what was written.
std::int64_t less(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

void put_kind(std::string& to, const Cost& cost) {
  to += kKind;
  put(to, cost.payer.key.value), put(to, cost.payer.project.value), put(to, cost.payer.organisation.value);
  put(to, cost.holder.value), put(to, std::int64_t{cost.places});
  to += static_cast<char>(cost.source), to += static_cast<char>(cost.waste),
      to += cost.delivered ? '\1' : '\0';
  for (const auto text : {cost.model, cost.served_model, cost.provider, cost.route, cost.upstream,
                          cost.upstream_key, cost.outcome})
    put(to, text);
}

// ---- reading

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  [[nodiscard]] bool done() const { return left_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

  std::string_view take(std::uint64_t count) {
    if (count > left_.size()) good_ = false, count = left_.size();
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  template <class Fixed>
  Fixed fixed() {
    Fixed value{};
    const std::string_view bytes = take(sizeof value);
    if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return std::endian::native == std::endian::little ? value : std::byteswap(value);
  }
  std::uint8_t mark(std::uint8_t last) {
    const auto value = fixed<std::uint8_t>();
    good_ = good_ && value <= last;
    return value;
  }
  std::int64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
    }
    good_ = false;
    return 0;
  }
  std::string_view text() { return take(static_cast<std::uint64_t>(number())); }

 private:
  std::string_view left_;
  bool good_ = true;
};

Cost read_kind(Reader& from) {
  Cost kind;
  kind.payer = {.key = {from.number()}, .project = {from.number()}, .organisation = {from.number()}};
  kind.holder = {from.number()};
  kind.places = static_cast<std::uint16_t>(from.number());
  kind.source = static_cast<spend::CostSource>(from.mark(kLastSource));
  kind.waste = static_cast<spend::Waste>(from.mark(kLastWaste));
  kind.delivered = from.mark(1) == 1;
  for (auto* const text : {&kind.model, &kind.served_model, &kind.provider, &kind.route, &kind.upstream,
                           &kind.upstream_key, &kind.outcome})
    *text = from.text();
  return kind;
}

void read_cost(Reader& from, std::int64_t& began, Cost& cost) {
  cost.attempt = {from.fixed<std::uint64_t>()};
  cost.call = from.fixed<std::uint64_t>();
  began = sum(began, from.number());
  cost.began = WallTime{Duration{began}};
  cost.ended = WallTime{Duration{sum(began, from.number())}};
  cost.hold = {from.number()}, cost.cost = {from.number()}, cost.upstream_cost = {from.number()};
  cost.prompt_tokens = from.number(), cost.completion_tokens = from.number();
  cost.generation = from.text();
}

std::unexpected<Failure> damaged() {
  return fail(Fault::malformed, "a page of costs is damaged, or a newer program wrote it");
}

}  // namespace

void CostPage::add(const Cost& cost) {
  if (body_.empty()) body_ += kVersion;
  kind_.clear();
  put_kind(kind_, cost);
  if (costs_ == 0 || kind_ != last_kind_) {  // most are of the kind of the one before
    const auto [known, fresh] = kinds_.try_emplace(kind_, kinds_.size());
    if (fresh) body_ += kind_;
    last_ = known->second;
    std::swap(last_kind_, kind_);
  }
  body_ += kCost;
  put(body_, static_cast<std::int64_t>(last_));
  put_fixed(body_, cost.attempt.value), put_fixed(body_, cost.call);
  const std::int64_t began = nanoseconds(cost.began);
  put(body_, less(began, began_)), put(body_, less(nanoseconds(cost.ended), began));
  began_ = began;
  for (const auto amount : {cost.hold, cost.cost, cost.upstream_cost}) put(body_, amount.value);
  put(body_, cost.prompt_tokens), put(body_, cost.completion_tokens);
  put(body_, cost.generation);
  ++costs_;
}

std::string CostPage::finish() {
  if (body_.empty()) body_ += kVersion;
  put_fixed(body_, crc32c(body_));
  std::string page = std::move(body_);
  *this = {};
  return page;
}

Result<void> read_cost_page(std::string_view page, const std::function<void(const Cost&)>& each) {
  constexpr std::size_t kChecksum = sizeof(std::uint32_t);
  if (page.size() < 1 + kChecksum || page.front() != kVersion) return damaged();
  const std::string_view body = page.substr(0, page.size() - kChecksum);
  if (Reader(page.substr(body.size())).fixed<std::uint32_t>() != crc32c(body)) return damaged();
  Reader from(body.substr(1));
  std::vector<Cost> kinds;
  std::int64_t began = 0;
  while (!from.done()) {
    const auto mark = static_cast<char>(from.fixed<std::uint8_t>());
    if (mark == kKind) {
      kinds.push_back(read_kind(from));
    } else {
      const auto which = static_cast<std::uint64_t>(from.number());
      if (mark != kCost || which >= kinds.size()) return damaged();
      Cost cost = kinds[which];
      read_cost(from, began, cost);
      if (from.good()) each(cost);
    }
    if (!from.good()) return damaged();
  }
  return {};
}

}  // namespace gantry::ledger
