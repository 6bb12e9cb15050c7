#include "wire/edit.hpp"

#include <algorithm>
#include <utility>

namespace gantry::wire {
namespace {

constexpr std::string_view kSpace = " \t\n\r";

}  // namespace

ByteRange member_around(std::string_view json, ByteRange value) {
  const std::size_t colon = json.find_last_not_of(kSpace, value.begin - 1);
  const std::size_t quote = json.find_last_not_of(kSpace, colon - 1);
  const std::size_t name = json.rfind('"', quote - 1);
  const std::size_t next = json.find_first_not_of(kSpace, value.end);
  if (json[next] == ',') return {name, json.find_first_not_of(kSpace, next + 1)};
  const std::size_t before = json.find_last_not_of(kSpace, name - 1);
  return {json[before] == ',' ? before : name, value.end};
}

void Splice::replace(ByteRange range, std::string text) {
  // Kept in the order of the body. Inserts at one place keep the order in which they were given, and come
  // before a replacement that starts there.
  const auto later = [](const ByteRange& a, const Edit& b) {
    return std::pair(a.begin, a.end) < std::pair(b.range.begin, b.range.end);
  };
  const auto at = std::upper_bound(edits_.begin(), edits_.end(), range, later);
  edits_.insert(at, Edit{range, std::move(text)});
}

std::vector<std::string_view> Splice::pieces() {
  std::vector<std::string_view> out;
  out.reserve(edits_.size() * 2 + 1);
  const auto add = [&out](std::string_view piece) {
    if (!piece.empty()) out.push_back(piece);
  };
  std::size_t done = 0;
  for (const Edit& edit : edits_) {
    add(body_.substr(done, edit.range.begin - done));
    add(edit.text);
    done = edit.range.end;
  }
  add(body_.substr(done));
  return out;
}

std::string Splice::joined() {
  std::string out;
  for (const auto piece : pieces()) out += piece;
  return out;
}

}  // namespace gantry::wire
