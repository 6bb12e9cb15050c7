#include "ledger/entry_code.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "ledger/crc32c.hpp"
#include "ledger/entry_test_kit.hpp"

namespace gantry::ledger {
namespace {

const AttemptBegun kBegun{.attempt = {7},
                          .call = 8,
                          .payer = {{1}, {2}, {3}},
                          .at = WallTime{std::chrono::seconds{1'790'000'000}},
                          .hold = {1'000},
                          .estimate = {600},
                          .model = "openai/gpt-4o-mini",
                          .route = "-",
                          .upstream = "openrouter",
                          .upstream_key = "main"};

TEST(EntryCode, the_layout_is_the_one_that_files_have) {
  const std::string record = record_of(GenerationSeen{{0x0102030405060708}, "gen-1"}, 258);
  const std::string_view expected(
      "\x30\0\0\0----\2\1\0\0\0\0\0\0"
      "\2\1\0\0\0\0\0\0\x08\7\6\5\4\3\2\1"
      "\5\0\0\0\0\0\0\0gen-1\0\0\0",
      48);
  ASSERT_EQ(record.size(), expected.size());
  EXPECT_EQ(record.substr(0, 4), expected.substr(0, 4)) << "length";
  EXPECT_EQ(record.substr(8), expected.substr(8));
}

TEST(EntryCode, what_is_decoded_is_what_was_encoded) {
  EXPECT_TRUE(rc::check([] {
    Entries entries(*rc::gen::arbitrary<std::uint64_t>());
    const Entry entry = entries.any();
    const std::uint64_t sequence = entries.random().next() | 1;
    const std::string record = record_of(entry, sequence);
    const Decoded decoded = decode(record, sequence);
    RC_ASSERT(decoded.found == Found::entry);
    RC_ASSERT(decoded.sequence == sequence);
    RC_ASSERT(decoded.bytes == record.size());
    RC_ASSERT(same(decoded.entry, entry));
  }));
}

TEST(EntryCode, no_record_is_longer_than_the_bound_of_its_kind) {
  const std::string text(100'000, 'x');
  const WallTime at{};
  EXPECT_EQ(
      record_of(AttemptBegun{.at = at, .model = text, .route = text, .upstream = text, .upstream_key = text},
                1)
          .size(),
      kLongestBegun);
  EXPECT_EQ(record_of(GenerationSeen{{1}, std::string_view(text).substr(0, kGenerationBytes)}, 1).size(),
            kLongestSeen);
  const auto generation = std::string_view(text).substr(0, kGenerationBytes);
  EXPECT_EQ(
      record_of(
          AttemptSettled{
              .at = at, .served_model = text, .provider = text, .outcome = text, .generation = generation},
          1)
          .size(),
      kLongestSettled);
  EXPECT_EQ(record_of(AttemptPending{.at = at, .outcome = text, .generation = generation}, 1).size(),
            kLongestPending);
}

std::string outcome_kept(std::string_view outcome) {
  const std::string record = record_of(AttemptPending{.outcome = outcome}, 1);
  return std::string(std::get<AttemptPending>(decode(record, 1).entry).outcome);
}

TEST(EntryCode, long_texts_are_cut_between_characters) {
  const std::string ascii(kOutcomeBytes + 9, 'a');
  const std::string full(kOutcomeBytes, 'a');
  const auto tail = [&](std::size_t before, std::string_view character) {
    return full.substr(0, before) + std::string(character) + "bbbb";
  };
  const struct {
    const char* name;
    std::string given, kept;
  } rows[] = {
      {"as long as the bound", full, full},
      {"longer, ASCII", ascii, full},
      {"two bytes across the bound", tail(63, "é"), full.substr(0, 63)},
      {"three bytes, two within", tail(62, "€"), full.substr(0, 62)},
      {"four bytes, three within", tail(61, "😀"), full.substr(0, 61)},
      {"a character that ends at the bound", tail(62, "é"), full.substr(0, 62) + "é"},
      {"no UTF-8", std::string(100, '\x80'), std::string(kOutcomeBytes, '\x80')},
  };
  for (const auto& row : rows) EXPECT_EQ(outcome_kept(row.given), row.kept) << row.name;
}

TEST(EntryCode, a_generation_id_that_is_too_long_is_left_out_because_half_of_it_is_another) {
  const std::string longest(kGenerationBytes, 'g'), longer(kGenerationBytes + 1, 'g');
  const auto kept = [](std::string_view id) {
    const std::string record = record_of(GenerationSeen{{1}, id}, 1);
    return std::string(std::get<GenerationSeen>(decode(record, 1).entry).generation);
  };
  EXPECT_EQ(kept(longest), longest);
  EXPECT_EQ(kept(longer), "");
}

TEST(EntryCode, every_cut_and_every_flipped_bit_ends_the_journal_there) {
  const std::string record = record_of(kBegun, 5);
  for (std::size_t cut = 0; cut < record.size(); ++cut) {
    EXPECT_EQ(decode(record.substr(0, cut), 5).found, cut == 0 ? Found::end : Found::torn)
        << "cut at " << cut;
    const std::string rest_zero = record.substr(0, cut) + std::string(record.size() - cut, '\0');
    if (rest_zero != record)
      EXPECT_EQ(decode(rest_zero, 5).found, cut == 0 ? Found::end : Found::torn) << "zero from " << cut;
  }
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(decode(flipped, 0).found, Found::torn) << "bit " << bit;
  }
}

TEST(EntryCode, only_the_expected_sequence_counts) {
  const std::string record = record_of(kBegun, 5);
  EXPECT_EQ(decode(record, 5).found, Found::entry);
  EXPECT_EQ(decode(record, 0).found, Found::entry) << "any";
  EXPECT_EQ(decode(record, 4).found, Found::torn);
  EXPECT_EQ(decode(record, 6).found, Found::torn);
  EXPECT_EQ(decode(record_of(kBegun, 0), 0).found, Found::torn) << "none has the sequence 0";
}

TEST(EntryCode, unwritten_memory_is_the_end) {
  EXPECT_EQ(decode("", 1).found, Found::end);
  EXPECT_EQ(decode(std::string(7, '\0'), 1).found, Found::end);
  EXPECT_EQ(decode(std::string(4096, '\0'), 1).found, Found::end);
  EXPECT_EQ(decode(std::string(4095, '\0') + "x", 1).found, Found::torn);
}

// Changes bytes of a record and makes its checksum right again.
std::string rewritten(std::string record, std::size_t at, std::string_view bytes) {
  record.replace(at, bytes.size(), bytes);
  const std::uint32_t crc =
      crc32c(std::string_view(record).substr(8), crc32c(std::string_view(record).substr(0, 4)));
  for (std::size_t i = 0; i < 4; ++i) record[4 + i] = static_cast<char>(crc >> (8 * i));
  return record;
}

TEST(EntryCode, whole_records_that_this_program_cannot_read_are_foreign_and_not_torn) {
  const std::string record = record_of(AttemptPending{.attempt = {1}, .outcome = "timed_out"}, 5);
  const std::size_t lengths = 32 + 16;
  EXPECT_EQ(decode(rewritten(record, 0, ""), 5).found, Found::entry);
  const struct {
    const char* name;
    std::size_t at;
    std::string bytes;
  } rows[] = {
      {"an unknown kind", 16, "\x05"},
      {"kind 0", 16, std::string(1, '\0')},
      {"a later version", 17, "\x02"},
      {"a source where none belongs", 18, "\x01"},
      {"an unknown waste", 19, "\x05"},
      {"delivered neither yes nor no", 20, "\x02"},
      {"a mark nobody knows", 23, "\x01"},
      {"a text longer than its bound", lengths, "\x41"},
      {"a text longer than the record", lengths, "\x28"},
      {"a text that ends early", lengths, "\x01"},
      {"a third text", lengths + 4, "\x01"},
      {"padding that says something", record.size() - 1, "\x01"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(decode(rewritten(record, row.at, row.bytes), 5).found, Found::foreign) << row.name;
}

TEST(EntryCode, a_segments_head_is_read_back_and_nothing_else_is) {
  const SegmentHead head{.holder = 12, .shard = 3, .number = 4};
  std::string bytes(kSegmentHeadBytes, '\0');
  encode(head, bytes.data());
  EXPECT_EQ(decode_head(bytes).found, Found::entry);
  EXPECT_EQ(decode_head(bytes + "more").head, head);
  EXPECT_EQ(decode_head("").found, Found::end);
  EXPECT_EQ(decode_head(std::string(100, '\0')).found, Found::end);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut)
    EXPECT_EQ(decode_head(bytes.substr(0, cut)).found, Found::torn) << cut;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(decode_head(flipped).found, Found::torn) << "bit " << bit;
  }
  bytes[8] = 2;  // a later version, with its checksum
  const std::uint32_t crc = crc32c(std::string_view(bytes).substr(0, 32));
  for (std::size_t i = 0; i < 4; ++i) bytes[32 + i] = static_cast<char>(crc >> (8 * i));
  EXPECT_EQ(decode_head(bytes).found, Found::foreign);
}

}  // namespace
}  // namespace gantry::ledger
