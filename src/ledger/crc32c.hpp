#pragma once
// CRC-32C (Castagnoli; RFC 3720, B.4), which processors have an instruction for. Pure.

#include <cstdint>
#include <string_view>

namespace gantry::ledger {

/// Of `bytes`, going on from the checksum of those before them. Takes the processor's instruction when it has
/// one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The two ways to the same number.
namespace crc32c_by {
std::uint32_t table(std::string_view bytes, std::uint32_t before);
/// Only where there is one.
std::uint32_t instruction(std::string_view bytes, std::uint32_t before);
bool has_instruction();
}  // namespace crc32c_by

}  // namespace gantry::ledger
