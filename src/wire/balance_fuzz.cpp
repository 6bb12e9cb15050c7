// Any bytes as what OpenRouter tells of a key or an account: what is read is no negative sum, and reading it
// from the same reply in another place gives the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/balance.hpp"

namespace {

using gantry::PicoUsd;

template <class Read>
auto read_twice(const std::string& body, Read read) {
  auto told = read(body);
  const auto spaced = read(" \n" + body + "\t");
  if (told.has_value() != spaced.has_value() || (told && *told != *spaced)) std::abort();
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  if (const auto key = read_twice(body, gantry::wire::read_key_balance))
    if (key->usage && *key->usage < PicoUsd{}) std::abort();
  if (const auto account = read_twice(body, gantry::wire::read_account_credits))
    if (account->bought < PicoUsd{} || account->used < PicoUsd{} || account->left() > account->bought)
      std::abort();
  return 0;
}
