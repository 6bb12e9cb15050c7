// Whatever is sent to the admin API: the reply is JSON or what it says it is, a refusal names its fields and
// changes nothing, and no text of a key is shown but in the reply that makes it. First line: method, path,
// query; then the body.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "access/admin.hpp"
#include "access/fake_ledger.hpp"
#include "wire/json_index.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string take_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  std::string word(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool zeros(std::span<std::uint8_t> to) {
  std::ranges::fill(to, std::uint8_t{0});
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gantry::access;
  FakeLedger ledger;
  const auto made =
      answer(ledger, {.method = "POST", .path = "/admin/v1/keys", .body = R"({"name":"one"})"}, zeros);
  require(made.status == 201);
  const std::string key = "gk-" + std::string(kKeyDigits, '0');
  require(made.body.contains(key));

  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  AdminRequest request;
  request.method = take_word(line);
  request.path = "/admin/v1" + take_word(line);
  request.query = line;
  request.body = text.substr(std::min(end + 1, text.size()));
  const auto before = ledger.raw().keys.size() + ledger.raw().accounts.size();
  const auto reply = answer(ledger, request, zeros);

  require(reply.status == 201 || !reply.body.contains(key));
  require(reply.status < 400 || ledger.raw().keys.size() + ledger.raw().accounts.size() == before);
  if (reply.status == 400) require(reply.body.contains("\"problems\":[{\"field\":\""));
  if (reply.content_type != "application/json") return 0;
  gantry::wire::JsonIndex index;
  require(!index.parse(reply.body));
  require(index.root().find(reply.status < 400 ? "data" : "error") || index.root().find("deleted"));
  return 0;
}
