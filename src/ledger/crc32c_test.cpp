#include "ledger/crc32c.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

namespace gantry::ledger {
namespace {

TEST(Crc32c, gives_the_published_numbers) {
  // RFC 3720, B.4, and the check value of the catalogue of parametrised CRC algorithms.
  std::string ascending(32, '\0'), descending(32, '\0');
  for (std::size_t i = 0; i < 32; ++i) {
    ascending[i] = static_cast<char>(i);
    descending[i] = static_cast<char>(31 - i);
  }
  const struct {
    const char* name;
    std::string bytes;
    std::uint32_t crc;
  } rows[] = {
      {"nothing", "", 0},
      {"the check value", "123456789", 0xE3069283},
      {"32 zeros", std::string(32, '\0'), 0x8A9136AA},
      {"32 ones", std::string(32, '\xFF'), 0x62A8AB43},
      {"ascending", ascending, 0x46DD794E},
      {"descending", descending, 0x113FDB5C},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(crc32c(row.bytes), row.crc) << row.name;
    EXPECT_EQ(crc32c_by::table(row.bytes, 0), row.crc) << row.name;
  }
}

TEST(Crc32c, table_and_instruction_agree_and_go_on_from_any_place) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    const std::uint32_t whole = crc32c_by::table(bytes, 0);
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
    const std::string_view all = bytes;
    RC_ASSERT(crc32c_by::table(all.substr(at), crc32c_by::table(all.substr(0, at), 0)) == whole);
    RC_ASSERT(crc32c(all.substr(at), crc32c(all.substr(0, at))) == whole);
    if (crc32c_by::has_instruction()) RC_ASSERT(crc32c_by::instruction(bytes, 0) == whole);
  }));
}

}  // namespace
}  // namespace gantry::ledger
