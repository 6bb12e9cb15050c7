#include "ledger/entry_code.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <utility>

#include "ledger/crc32c.hpp"

namespace gantry::ledger {
namespace {

constexpr std::uint8_t kVersion = 1;
enum class Kind : std::uint8_t { begun = 1, seen = 2, settled = 3, pending = 4 };

// These numbers are in files: a value that changes its meaning needs a new version.
static_assert(std::to_underlying(spend::CostSource::told) == 0);
static_assert(std::to_underlying(spend::CostSource::free) == 3);
static_assert(std::to_underlying(spend::Waste::none) == 0);
static_assert(std::to_underlying(spend::Waste::probe) == 4);

constexpr std::size_t kChecksumAt = 4, kSequenceAt = 8, kMarksAt = 16, kAttemptAt = 24, kNumbersAt = 32;
constexpr std::size_t kTexts = 4;

template <class T>
T little(T value) {
  return std::endian::native == std::endian::little ? value : std::byteswap(value);
}
template <class T>
void put(char* to, T value) {
  value = little(value);
  std::memcpy(to, &value, sizeof value);
}
template <class T>
T get(const char* from) {
  T value{};
  std::memcpy(&value, from, sizeof value);
  return little(value);
}

// ---- writing

struct Marks {
  Kind kind;
  spend::CostSource source = spend::CostSource::told;
  spend::Waste waste = spend::Waste::none;
  bool delivered = false;
};

std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  const auto within = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80; };
  while (end > most - 4 && within(end)) --end;
  return text.substr(0, within(end) ? most : end);  // no UTF-8 at all: anywhere
}

std::string_view whole_or_none(std::string_view generation) {
  return generation.size() <= kGenerationBytes ? generation : std::string_view{};
}

std::int64_t nanoseconds(WallTime at) { return at.time_since_epoch().count(); }

template <std::size_t kNumbers>
std::size_t put_record(char* to, std::uint64_t sequence, Marks marks, AttemptId attempt,
                       const std::array<std::int64_t, kNumbers>& numbers,
                       std::initializer_list<std::string_view> texts) {
  put(to + kSequenceAt, sequence);
  put(to + kMarksAt, std::uint64_t{std::to_underlying(marks.kind)} | std::uint64_t{kVersion} << 8 |
                         std::uint64_t{std::to_underlying(marks.source)} << 16 |
                         std::uint64_t{std::to_underlying(marks.waste)} << 24 |
                         std::uint64_t{marks.delivered ? 1U : 0U} << 32);
  put(to + kAttemptAt, attempt.value);
  char* at = to + kNumbersAt;
  for (const std::int64_t number : numbers) put(at, number), at += 8;
  char* length_at = at;
  put(at, std::uint64_t{0}), at += 8;
  for (const std::string_view text : texts) {
    put(length_at, static_cast<std::uint16_t>(text.size())), length_at += 2;
    // An empty text may have no address, which memcpy must not be given.
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  while ((at - to) % 8 != 0) *at++ = 0;
  const auto bytes = static_cast<std::uint32_t>(at - to);
  std::array<char, 4> length{};
  put(length.data(), bytes);
  const std::uint32_t before = crc32c({length.data(), length.size()});
  const std::uint32_t checksum = crc32c({to + kSequenceAt, bytes - kSequenceAt}, before);
  // A process that is killed leaves its stores in their order. The compiler must keep that order too.
  std::atomic_signal_fence(std::memory_order_release);
  put(to, std::uint64_t{checksum} << 32 | bytes);
  return bytes;
}

// ---- reading

struct Fields {
  const char* record;
  std::array<std::string_view, kTexts> texts{};

  [[nodiscard]] std::uint8_t mark(std::size_t i) const {
    return static_cast<std::uint8_t>(record[kMarksAt + i]);
  }
  [[nodiscard]] AttemptId attempt() const { return {get<std::uint64_t>(record + kAttemptAt)}; }
  [[nodiscard]] std::int64_t number(std::size_t i) const {
    return get<std::int64_t>(record + kNumbersAt + 8 * i);
  }
  [[nodiscard]] WallTime time(std::size_t i) const { return WallTime{Duration{number(i)}}; }
  [[nodiscard]] spend::CostSource source() const { return static_cast<spend::CostSource>(mark(2)); }
  [[nodiscard]] spend::Waste waste() const { return static_cast<spend::Waste>(mark(3)); }
  [[nodiscard]] bool delivered() const { return mark(4) == 1; }
};

// What a kind's record is made of.
struct Shape {
  std::size_t numbers;
  std::array<std::size_t, kTexts> longest;  // of its texts; 0 = it has none there
  std::uint8_t sources, wastes, delivered;  // the largest mark of each
};
constexpr Shape kBegun{8, {kModelBytes, kNameBytes, kNameBytes, kNameBytes}, 0, 0, 0};
constexpr Shape kSeen{0, {kGenerationBytes}, 0, 0, 0};
constexpr Shape kSettled{5, {kModelBytes, kNameBytes, kOutcomeBytes, kGenerationBytes}, 3, 4, 1};
constexpr Shape kPending{2, {kOutcomeBytes, kGenerationBytes}, 0, 4, 1};

const Shape* shape_of(std::uint8_t kind) {
  switch (Kind{kind}) {
    case Kind::begun:
      return &kBegun;
    case Kind::seen:
      return &kSeen;
    case Kind::settled:
      return &kSettled;
    case Kind::pending:
      return &kPending;
  }
  return nullptr;
}

// Takes the texts apart; false when the record is not laid out as its kind is.
bool read_fields(std::string_view record, const Shape& shape, Fields& fields) {
  const std::size_t lengths_at = kNumbersAt + 8 * shape.numbers;
  if (record.size() < lengths_at + 8) return false;
  if (fields.mark(2) > shape.sources || fields.mark(3) > shape.wastes || fields.mark(4) > shape.delivered ||
      fields.mark(5) != 0 || fields.mark(6) != 0 || fields.mark(7) != 0)
    return false;
  std::string_view left = record.substr(lengths_at + 8);
  for (std::size_t i = 0; i < kTexts; ++i) {
    const std::size_t length = get<std::uint16_t>(record.data() + lengths_at + 2 * i);
    if (length > shape.longest[i] || length > left.size()) return false;
    fields.texts[i] = left.substr(0, length);
    left.remove_prefix(length);
  }
  return left.size() < 8 && used_bytes(left) == 0;
}

Entry entry_of(Kind kind, const Fields& f) {
  switch (kind) {
    case Kind::begun:
      return AttemptBegun{
          .attempt = f.attempt(),
          .call = static_cast<std::uint64_t>(f.number(0)),
          .payer = {.key = {f.number(1)}, .project = {f.number(2)}, .organisation = {f.number(3)}},
          .at = f.time(4),
          .hold = {f.number(5)},
          .estimate = {f.number(6)},
          .model = f.texts[0],
          .route = f.texts[1],
          .upstream = f.texts[2],
          .upstream_key = f.texts[3],
          .places = static_cast<std::uint16_t>(f.number(7))};
    case Kind::seen:
      return GenerationSeen{.attempt = f.attempt(), .generation = f.texts[0]};
    case Kind::settled:
      return AttemptSettled{.attempt = f.attempt(),
                            .at = f.time(0),
                            .cost = {f.number(1)},
                            .upstream_cost = {f.number(2)},
                            .source = f.source(),
                            .waste = f.waste(),
                            .delivered = f.delivered(),
                            .prompt_tokens = f.number(3),
                            .completion_tokens = f.number(4),
                            .served_model = f.texts[0],
                            .provider = f.texts[1],
                            .outcome = f.texts[2],
                            .generation = f.texts[3]};
    case Kind::pending:
      break;
  }
  return AttemptPending{.attempt = f.attempt(),
                        .at = f.time(0),
                        .estimate = {f.number(1)},
                        .waste = f.waste(),
                        .delivered = f.delivered(),
                        .outcome = f.texts[0],
                        .generation = f.texts[1]};
}

}  // namespace

std::size_t encode(const AttemptBegun& entry, std::uint64_t sequence, char* to) {
  return put_record<8>(to, sequence, {.kind = Kind::begun}, entry.attempt,
                       {static_cast<std::int64_t>(entry.call), entry.payer.key.value,
                        entry.payer.project.value, entry.payer.organisation.value, nanoseconds(entry.at),
                        entry.hold.value, entry.estimate.value, entry.places},
                       {cut(entry.model, kModelBytes), cut(entry.route, kNameBytes),
                        cut(entry.upstream, kNameBytes), cut(entry.upstream_key, kNameBytes)});
}

std::size_t encode(const GenerationSeen& entry, std::uint64_t sequence, char* to) {
  return put_record<0>(to, sequence, {.kind = Kind::seen}, entry.attempt, {},
                       {whole_or_none(entry.generation)});
}

std::size_t encode(const AttemptSettled& entry, std::uint64_t sequence, char* to) {
  return put_record<5>(to, sequence, {Kind::settled, entry.source, entry.waste, entry.delivered},
                       entry.attempt,
                       {nanoseconds(entry.at), entry.cost.value, entry.upstream_cost.value,
                        entry.prompt_tokens, entry.completion_tokens},
                       {cut(entry.served_model, kModelBytes), cut(entry.provider, kNameBytes),
                        cut(entry.outcome, kOutcomeBytes), whole_or_none(entry.generation)});
}

std::size_t encode(const AttemptPending& entry, std::uint64_t sequence, char* to) {
  return put_record<2>(to, sequence,
                       {.kind = Kind::pending, .waste = entry.waste, .delivered = entry.delivered},
                       entry.attempt, {nanoseconds(entry.at), entry.estimate.value},
                       {cut(entry.outcome, kOutcomeBytes), whole_or_none(entry.generation)});
}

std::size_t encode(const Entry& entry, std::uint64_t sequence, char* to) {
  return std::visit([&](const auto& one) { return encode(one, sequence, to); }, entry);
}

Decoded decode(std::string_view bytes, std::uint64_t sequence) {
  const auto without_record = [&] {
    return Decoded{.found = used_bytes(bytes) == 0 ? Found::end : Found::torn};
  };
  if (bytes.size() < record_bytes(0, 0)) return without_record();
  const std::size_t length = get<std::uint32_t>(bytes.data());
  if (length < record_bytes(0, 0) || length % 8 != 0 || length > bytes.size()) return without_record();
  const std::string_view record = bytes.substr(0, length);
  const std::uint32_t checksum = crc32c(record.substr(kSequenceAt), crc32c(record.substr(0, kChecksumAt)));
  if (get<std::uint32_t>(record.data() + kChecksumAt) != checksum) return {.found = Found::torn};
  Decoded decoded{.sequence = get<std::uint64_t>(record.data() + kSequenceAt), .bytes = length};
  if (decoded.sequence == 0 || (sequence != 0 && decoded.sequence != sequence))
    return {.found = Found::torn};  // what a file held before
  Fields fields{.record = record.data()};
  const Shape* const shape = fields.mark(1) == kVersion ? shape_of(fields.mark(0)) : nullptr;
  if (!shape || !read_fields(record, *shape, fields)) return {.found = Found::foreign};
  decoded.found = Found::entry;
  decoded.entry = entry_of(Kind{fields.mark(0)}, fields);
  return decoded;
}

std::size_t used_bytes(std::string_view bytes) {
  const auto last = bytes.find_last_not_of('\0');
  return last == std::string_view::npos ? 0 : last + 1;
}

// ---- segments: magic, u32 version, u32 shard, u64 holder, u64 number, u32 checksum of those, u32 zero

namespace {
constexpr std::string_view kMagic = "gantry-j";
constexpr std::uint32_t kSegmentVersion = 1;
constexpr std::size_t kVersionAt = 8, kShardAt = 12, kHolderAt = 16, kNumberAt = 24, kHeadChecksumAt = 32;
}  // namespace

void encode(const SegmentHead& head, char* to) {
  std::memcpy(to, kMagic.data(), kMagic.size());
  put(to + kVersionAt, kSegmentVersion);
  put(to + kShardAt, head.shard);
  put(to + kHolderAt, head.holder);
  put(to + kNumberAt, head.number);
  const std::uint64_t checksum = crc32c({to, kHeadChecksumAt});
  std::atomic_signal_fence(std::memory_order_release);
  put(to + kHeadChecksumAt, checksum);
}

DecodedHead decode_head(std::string_view bytes) {
  if (used_bytes(bytes.substr(0, kSegmentHeadBytes)) == 0) return {.found = Found::end};
  if (bytes.size() < kSegmentHeadBytes || !bytes.starts_with(kMagic)) return {.found = Found::torn};
  const std::uint64_t checksum = crc32c(bytes.substr(0, kHeadChecksumAt));
  if (get<std::uint64_t>(bytes.data() + kHeadChecksumAt) != checksum) return {.found = Found::torn};
  if (get<std::uint32_t>(bytes.data() + kVersionAt) != kSegmentVersion) return {.found = Found::foreign};
  return {.found = Found::entry,
          .head = {.holder = get<std::int64_t>(bytes.data() + kHolderAt),
                   .shard = get<std::uint32_t>(bytes.data() + kShardAt),
                   .number = get<std::uint64_t>(bytes.data() + kNumberAt)}};
}

}  // namespace gantry::ledger
