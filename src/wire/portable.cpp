#include "wire/portable.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "wire/json_reader.hpp"

namespace gantry::wire {
namespace {

constexpr std::array<std::string_view, 16> kOwn = {"models",
                                                   "provider",
                                                   "route",
                                                   "preset",
                                                   "plugins",
                                                   "transforms",
                                                   "session_id",
                                                   "trace",
                                                   "usage",
                                                   "debug",
                                                   "reasoning",
                                                   "include_reasoning",
                                                   "cache_control",
                                                   "image_config",
                                                   "stop_server_tools_when",
                                                   "structured_outputs"};

struct Member {
  ByteRange all;  // name and value
  bool cut = false;
};

// What a run of cut members takes with it: up to the next one that stays, or, at the end, from the last that
// did.
void cut(Splice& body, const std::vector<Member>& members) {
  for (std::size_t i = 0; i < members.size();) {
    if (!members[i].cut) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < members.size() && members[end].cut) ++end;
    if (end < members.size()) {
      body.replace({members[i].all.begin, members[end].all.begin}, {});
    } else if (i > 0) {
      body.replace({members[i - 1].all.end, members[end - 1].all.end}, {});
    }
    i = end;
  }
}

// `include_usage` true, whatever the client said: OpenRouter's clients are told the usage always.
class UsageWish {
 public:
  void read(JsonReader& in, JsonToken options) {
    if (!options.is_object()) {
      whole_ = in.range(options);
      return;
    }
    inside_ = in.range(options).end;
    empty_ = in.is_empty(options);
    in.each_member(options, [&](std::string_view key, JsonToken value) {
      if (key == "include_usage")
        told_ = {in.range(value).begin, in.range(value).begin + in.whole(value).size()};
    });
  }
  void insert(Splice& body, std::size_t insert_at) const {
    constexpr std::string_view kMember = R"("include_usage":true)";
    if (told_) return body.replace(*told_, "true");
    if (whole_) return body.replace(*whole_, "{" + std::string(kMember) + "}");
    if (inside_) return body.insert(*inside_, std::string(kMember) + (empty_ ? "" : ","));
    body.insert(insert_at, R"("stream_options":{)" + std::string(kMember) + "},");
  }

 private:
  std::optional<ByteRange> whole_, told_;
  std::optional<std::size_t> inside_;
  bool empty_ = false;
};

}  // namespace

bool is_openrouters_own(std::string_view member) { return std::ranges::find(kOwn, member) != kOwn.end(); }

void make_portable(Splice& body, std::size_t insert_at, AsStream stream) {
  JsonReader in(body.body());
  std::vector<Member> members;
  UsageWish usage;
  in.each_member_token(in.root(), [&](JsonToken name, JsonToken value) {
    const auto key = name.string().value_or("");
    if (key == "stream_options" && stream == AsStream::yes) usage.read(in, value);
    const std::size_t end = in.range(value).begin + in.whole(value).size();
    members.push_back({.all = {in.range(name).begin, end}, .cut = is_openrouters_own(key)});
  });
  cut(body, members);
  if (stream == AsStream::yes) usage.insert(body, insert_at);
}

}  // namespace gantry::wire
