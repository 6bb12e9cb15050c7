// Whatever upstream sends: reading it is safe, reading it twice says the same, a chunk and a reply agree, an
// error never shows a control character or more than its bound, and white space in front changes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/reply.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_error(const UpstreamError& error) {
  require(!error.message.empty() && error.message.size() <= 500);
  std::vector<std::string_view> texts{error.message,      error.error_type,   error.code_text,
                                      error.availability, error.limit_source, error.provider,
                                      error.served_by};
  texts.insert(texts.end(), error.failed_providers.begin(), error.failed_providers.end());
  require(error.failed_providers.size() <= 8);
  for (const std::string_view text : texts) {
    require(text.size() <= 500);
    for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    require(text.find("sk-or-v1-") == std::string::npos || text.ends_with("sk-or-v1-…"));
  }
  require(!error.retry_after_s || *error.retry_after_s >= 0);
}

void check_usage(const Usage& usage) {
  for (const auto& count :
       {usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens})
    require(!count || *count >= 0);
  for (const auto& cost : {usage.cost, usage.upstream_cost}) require(!cost || cost->value >= 0);
  const UsageDetails& details = usage.details;
  require(details.cache_write_tokens >= 0 && details.prompt_audio_tokens >= 0);
  require(details.completion_audio_tokens >= 0 && details.completion_image_tokens >= 0);
  require(details.web_searches >= 0 && details.server_tool_calls >= details.web_searches);
  if (usage.cost) require(details.cache_write_tokens == 0 && details.server_tool_calls == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ReplyScanner scanner;
  const std::string body(reinterpret_cast<const char*>(data), size);
  check_error(read_error(502, body));
  const auto reply = scanner.reply(body);
  const auto spaced = scanner.reply(" \n\r\t" + body);
  const auto chunk = scanner.chunk(body);
  require(reply.has_value() == chunk.has_value() && reply.has_value() == spaced.has_value());
  if (!reply) return 0;
  require(reply->has_content == chunk->first_token && reply->has_content == spaced->has_content);
  require(reply->finish == chunk->finish && reply->id == chunk->id && reply->model == chunk->model);
  require(!reply->reasoning_only || reply->has_content);
  require(reply->has_choices || !reply->has_content);
  require(reply->error.has_value() == chunk->error.has_value());
  if (reply->error) check_error(*reply->error);
  if (reply->usage) check_usage(*reply->usage);
  return 0;
}
