// Any bytes as a reply of the management API: reading never crashes, what is accepted cannot steer a terminal
// or a path, and the JSON that is shown of it reads as the same again.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "manage/report.hpp"

namespace {

void require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

void check(const gantry::manage::KeyInfo& key) {
  using namespace gantry::manage;
  require(key.hash.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos,
          "a hash is safe in a path");
  for (const auto& text : {table({key}), details(key)})
    for (const char c : text)
      require(c == '\n' || static_cast<unsigned char>(c) >= ' ', "nothing steers the terminal");
  const auto again = read_key(R"({"data":)" + json(key) + "}");
  require(again.has_value(), "what is shown can be read");
  require(json(*again) == json(key), "and means the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gantry::manage;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto key = read_key(body)) check(*key);
  if (const auto made = read_made_key(body)) check(made->info);
  if (const auto keys = read_keys(body))
    for (const auto& key : *keys) check(key);
  return 0;
}
