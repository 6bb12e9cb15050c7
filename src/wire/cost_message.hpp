#pragma once
// The messages of a request, as cost_drivers.hpp counts them. A part of its reading, not for others.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/saturate.hpp"
#include "wire/cost_drivers.hpp"
#include "wire/json_reader.hpp"

namespace gantry::wire {

/// Counts bytes further.
inline void count(std::int64_t& into, std::size_t more) {
  into = saturating_add(into, static_cast<std::int64_t>(more));
}
/// Once each; a request that repeats itself without end takes no more memory.
void add(CostDrivers& drivers, Boundless why, std::string field);

/// Walks what the reader is at; adds to drivers that outlive it.
class MessageReading {
 public:
  MessageReading(JsonReader& in, CostDrivers& drivers) : in_(in), drivers_(drivers) {}

  void message(JsonToken value);
  /// A `cache_control`, or another word for it.
  void cache(JsonToken value);
  /// Some part is a file to be read: by the model, or by a plugin that costs.
  [[nodiscard]] bool has_files() const { return has_files_; }

 private:
  void member(std::string_view key, JsonToken value);
  void annotation(JsonToken value);
  void part(JsonToken value);
  bool part_member(std::string_view key, JsonToken value);
  void media(JsonToken value, std::int64_t& kind, std::string_view field);
  void audio(JsonToken value);
  void file(JsonToken value);
  void text(JsonToken string) { count(drivers_.prompt_bytes, string.inner().size()); }
  void bytes(JsonToken value) { count(drivers_.prompt_bytes, in_.whole(value).size()); }

  JsonReader& in_;
  CostDrivers& drivers_;
  bool has_files_ = false;
};

}  // namespace gantry::wire
