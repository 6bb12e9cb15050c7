#pragma once
// A journal's entries and its segments' heads as bytes (DESIGN §5, Journal). Pure.
//
// A record is a multiple of 8 bytes, all numbers little-endian:
//
//      0  u32 length      of the record, these four bytes and the padding included
//      4  u32 checksum    CRC-32C of the length and of everything behind this field
//      8  u64 sequence    1, 2, 3 … in each journal
//     16  u8 kind, version, source, waste, delivered; three zero bytes
//     24  u64 attempt
//     32  u64 …           the kind's numbers
//         u16 × 4         the lengths of its texts, 0 for those that it has not
//         the texts, one behind the other, and zero bytes up to the multiple of 8
//
// Length and checksum are stored last, together, so that a record is there as a whole or not at all. What
// follows the last record is zero.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledger/entries.hpp"

namespace gantry::ledger {

/// What is kept of a text. A longer one is cut behind a whole UTF-8 character; a generation id, which means
/// nothing when it is cut, is left out.
inline constexpr std::size_t kModelBytes = 256;
inline constexpr std::size_t kNameBytes = 128;  ///< routes, upstreams, their keys, providers
inline constexpr std::size_t kGenerationBytes = 256;
inline constexpr std::size_t kOutcomeBytes = 64;

constexpr std::size_t record_bytes(std::size_t numbers, std::size_t text_bytes) {
  return (32 + 8 * numbers + 8 + text_bytes + 7) / 8 * 8;
}
/// The longest record of each kind.
inline constexpr std::size_t kLongestBegun = record_bytes(8, kModelBytes + 3 * kNameBytes);
inline constexpr std::size_t kLongestSeen = record_bytes(0, kGenerationBytes);
inline constexpr std::size_t kLongestSettled =
    record_bytes(5, kModelBytes + kNameBytes + kOutcomeBytes + kGenerationBytes);
inline constexpr std::size_t kLongestPending = record_bytes(2, kOutcomeBytes + kGenerationBytes);
inline constexpr std::size_t kLongestEnd = std::max(kLongestSettled, kLongestPending);
inline constexpr std::size_t kLongestRecord = std::max({kLongestBegun, kLongestSeen, kLongestEnd});

/// Writes one record where there is room for the longest of its kind, and returns its bytes. What is there
/// before must be zero for a crash to leave no trace.
std::size_t encode(const AttemptBegun& entry, std::uint64_t sequence, char* to);
std::size_t encode(const GenerationSeen& entry, std::uint64_t sequence, char* to);
std::size_t encode(const AttemptSettled& entry, std::uint64_t sequence, char* to);
std::size_t encode(const AttemptPending& entry, std::uint64_t sequence, char* to);
std::size_t encode(const Entry& entry, std::uint64_t sequence, char* to);

enum class Found : std::uint8_t {
  entry,    ///< a whole record
  end,      ///< nothing was ever written here: all bytes are zero, or there are none
  torn,     ///< something, but no whole record with that sequence
  foreign,  ///< a whole record of a kind or version that this program does not know
};
struct Decoded {
  Found found = Found::end;
  Entry entry{};  ///< its texts are views of the bytes that were read
  std::uint64_t sequence = 0;
  std::size_t bytes = 0;  ///< of the record
};
/// The record at the front. `sequence`: the one that it must have; 0 = any.
Decoded decode(std::string_view bytes, std::uint64_t sequence);

/// What is there up to the last byte that is not zero.
std::size_t used_bytes(std::string_view bytes);

// ---- segments

/// The front of each of a journal's files; records follow.
struct SegmentHead {
  std::int64_t holder = 0;
  std::uint32_t shard = 0;
  std::uint64_t number = 0;  ///< 1, 2, 3 … in each journal
  auto operator<=>(const SegmentHead&) const = default;
};
inline constexpr std::size_t kSegmentHeadBytes = 40;

/// To `to`, where kSegmentHeadBytes are.
void encode(const SegmentHead& head, char* to);

struct DecodedHead {
  Found found = Found::end;
  SegmentHead head{};
};
DecodedHead decode_head(std::string_view bytes);

}  // namespace gantry::ledger
