#include "wire/cost_message.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace gantry::wire {
namespace {

constexpr std::size_t kMostFields = 16;

// CONTRACT §3.2, and what assistants' own messages carry back.
constexpr std::array<std::string_view, 7> kParts = {"text",        "image_url", "input_audio", "video_url",
                                                    "input_video", "file",      "refusal"};

// As it is written: whoever writes it with escapes is taken for somebody who gives an address.
bool is_inline(JsonToken url) { return url.is_string() && starts_with_any_case(url.inner(), "data:"); }

}  // namespace

void add(CostDrivers& drivers, Boundless why, std::string field) {
  BoundlessField found{why, std::move(field)};
  if (drivers.boundless.size() < kMostFields &&
      std::ranges::find(drivers.boundless, found) == drivers.boundless.end())
    drivers.boundless.push_back(std::move(found));
}

void MessageReading::message(JsonToken value) {
  ++drivers_.messages;
  in_.each_member(value, [this](std::string_view key, JsonToken each) {
    if (!each.is_null()) member(key, each);
  });
}

void MessageReading::member(std::string_view key, JsonToken value) {
  if (key == "role") return;
  if (key == "content" && value.is_string()) return text(value);
  if ((key == "content" || key == "images") && value.is_array())
    return in_.each_element(value, [this](JsonToken each) { part(each); });
  if (key == "cache_control") return cache(value);
  // An earlier answer that was spoken, by its id or with its data.
  if (key == "audio") ++drivers_.audios;
  if (key == "annotations") in_.each_element(value, [this](JsonToken each) { annotation(each); });
  bytes(value);
}

// A parsed file, sent back so that it is not parsed again; it may hold images.
void MessageReading::annotation(JsonToken value) {
  in_.each_member(value, [this](std::string_view key, JsonToken member) {
    if (key == "type" && member == "file") ++drivers_.files;
  });
}

void MessageReading::part(JsonToken value) {
  ++drivers_.pieces;
  if (!value.is_object()) return bytes(value);
  bool known = false, unknown = false;
  in_.each_member(value, [&](std::string_view key, JsonToken member) {
    if (member.is_null()) return;
    if (key == "type") {
      const auto is = [&](std::string_view kind) { return member == kind; };
      (std::ranges::any_of(kParts, is) ? known : unknown) = true;
    } else if (part_member(key, member)) {
      known = true;
    }
  });
  if (unknown || !known) add(drivers_, Boundless::unknown_part, "messages[].content[].type");
}

// By what a part holds, not by what it says it is. False for what may be in any part.
bool MessageReading::part_member(std::string_view key, JsonToken value) {
  if (key == "text" || key == "refusal") {
    bytes(value);
  } else if (key == "image_url") {
    media(value, drivers_.images, "messages[].content[].image_url");
  } else if (key == "input_audio") {
    audio(value);
  } else if (key == "video_url" || key == "input_video") {
    media(value, drivers_.videos, "messages[].content[].video_url");
  } else if (key == "file") {
    file(value);
  } else {
    const bool mark = key == "cache_control" || key == "prompt_cache_breakpoint";
    mark ? cache(value) : bytes(value);
    return false;
  }
  return true;
}

void MessageReading::media(JsonToken value, std::int64_t& kind, std::string_view field) {
  ++kind;
  bool found = false, all_inline = true;
  const auto look = [&](JsonToken url) {
    found = true;
    all_inline = all_inline && is_inline(url);
  };
  if (value.is_string()) look(value);
  in_.each_member(value, [&](std::string_view key, JsonToken member) {
    if (key == "url") look(member);
  });
  if (!found || !all_inline) add(drivers_, Boundless::url_media, std::string(field));
}

void MessageReading::audio(JsonToken value) {
  ++drivers_.audios;
  in_.each_member(value, [this](std::string_view key, JsonToken member) {
    const bool address = member.is_string() && member.inner().contains(':') && !is_inline(member);
    if (key == "data" ? address : key == "url")
      add(drivers_, Boundless::url_media, "messages[].content[].input_audio");
  });
}

void MessageReading::file(JsonToken value) {
  ++drivers_.files;
  has_files_ = true;
  bool data = false, elsewhere = false;
  in_.each_member(value, [&](std::string_view key, JsonToken member) {
    if (member.is_null()) return;
    if (key == "file_data" && is_inline(member)) {
      data = true;
    } else if (key != "filename") {
      elsewhere = true;
    } else {
      bytes(member);
    }
  });
  if (elsewhere || !data) add(drivers_, Boundless::url_media, "messages[].content[].file");
}

void MessageReading::cache(JsonToken value) {
  drivers_.caches = true;
  in_.each_member(value, [this](std::string_view key, JsonToken member) {
    if (key == "ttl" && !member.is_null() && !(member == "5m")) drivers_.caches_long = true;
  });
}

}  // namespace gantry::wire
