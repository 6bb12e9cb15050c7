// Any request that the scan accepts, made portable: it stays JSON, keeps every other member's bytes in their
// order, holds none of OpenRouter's own, and does not change when it is done again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/json_index.hpp"
#include "wire/portable.hpp"
#include "wire/request.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> others(std::string_view body) {
  JsonIndex index;
  require(!index.parse(body));
  std::vector<std::string> out;
  index.root().each_member([&](const JsonValue& key, const JsonValue& value) {
    const auto name = key.string().value_or("");
    if (is_openrouters_own(name) || name == "stream_options") return;
    out.push_back(std::string(key.raw()).append(":").append(value.raw()));
  });
  return out;
}

bool has_own(std::string_view body) {
  JsonIndex index;
  require(!index.parse(body));
  bool found = false;
  index.root().each_member([&](const JsonValue& key, const JsonValue&) {
    found = found || is_openrouters_own(key.string().value_or(""));
  });
  return found;
}

std::string portable(std::string_view body, std::size_t insert_at, AsStream stream) {
  Splice splice(body);
  make_portable(splice, insert_at, stream);
  return splice.joined();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  RequestScanner scanner;
  const auto facts = scanner.chat(body);
  if (!facts) return 0;
  for (const auto stream : {AsStream::no, AsStream::yes}) {
    const auto once = portable(body, facts->insert_at, stream);
    require(!has_own(once));
    require(others(once) == others(body));
    const auto again = scanner.chat(once);
    require(again.has_value());
    require(portable(once, again->insert_at, stream) == once);
  }
  return 0;
}
