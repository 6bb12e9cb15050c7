// Whatever a file holds: reading stays within it, what it yields has the checksum of the bytes it came from,
// and writing that again gives the same bytes. And whatever journal is written: every cut of it yields a
// prefix.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/crc32c.hpp"
#include "ledger/entry_code.hpp"
#include "ledger/entry_test_kit.hpp"

namespace {

using namespace gantry::ledger;

void require(bool holds) {
  if (!holds) std::abort();
}

// The entries up to the first place that holds none; checks each.
std::size_t walk(std::string_view bytes) {
  std::size_t entries = 0;
  std::uint64_t expected = 0;
  for (;; ++entries) {
    const Decoded decoded = decode(bytes, expected);
    if (decoded.found != Found::entry) return entries;
    require(decoded.bytes <= bytes.size() && (expected == 0 || decoded.sequence == expected));
    const std::string_view record = bytes.substr(0, decoded.bytes);
    require(record_of(decoded.entry, decoded.sequence) == record);
    std::uint32_t stored = 0;
    for (std::size_t i = 0; i < 4; ++i)
      stored |= static_cast<std::uint32_t>(static_cast<unsigned char>(record[4 + i])) << (8 * i);
    require(crc32c_by::table(record.substr(8), crc32c_by::table(record.substr(0, 4), 0)) == stored);
    expected = decoded.sequence + 1;
    bytes.remove_prefix(decoded.bytes);
  }
}

std::string_view take(std::string_view& from, std::size_t most) {
  const std::string_view taken = from.substr(0, most);
  from.remove_prefix(taken.size());
  return taken;
}

// A journal whose texts are the input.
void write_and_cut(std::string_view input) {
  std::string journal;
  std::vector<std::size_t> ends;
  while (!input.empty() && ends.size() < 3) {
    const auto choice = static_cast<unsigned char>(take(input, 1)[0]);
    const std::string_view text = take(input, choice % 64), other = take(input, choice);
    const AttemptId attempt{choice};
    Entry entry = AttemptPending{.attempt = attempt, .outcome = text, .generation = other};
    if (choice % 4 == 0) entry = AttemptBegun{.attempt = attempt, .model = text, .upstream_key = other};
    if (choice % 4 == 1) entry = GenerationSeen{attempt, other};
    if (choice % 4 == 2) entry = AttemptSettled{.attempt = attempt, .served_model = other, .outcome = text};
    journal += record_of(entry, ends.size() + 1);
    ends.push_back(journal.size());
  }
  for (std::size_t cut = 0; cut <= journal.size(); ++cut) {
    std::size_t whole = 0;
    while (whole < ends.size() && ends[whole] <= cut) ++whole;
    require(walk(std::string_view(journal).substr(0, cut)) == whole);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  walk(bytes);
  if (const auto head = decode_head(bytes); head.found == Found::entry) {
    std::string again(kSegmentHeadBytes, '\0');
    encode(head.head, again.data());
    require(bytes.starts_with(again));
  }
  if (size < 1024) write_and_cut(bytes);
  return 0;
}
