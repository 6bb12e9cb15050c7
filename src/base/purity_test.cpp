// The pure rooms (DESIGN: base, wire, route, spend) know no socket, clock or database. Not linking those
// libraries does not stop an include, since their headers lie on the default path; this does.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {
namespace {

namespace fs = std::filesystem;

struct Include {
  fs::path file;
  std::string header;
};

std::vector<Include> includes_of(const fs::path& file) {
  std::vector<Include> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') continue;
    const auto word = line.find_first_not_of(" \t", hash + 1);
    if (word == std::string::npos || line.compare(word, 7, "include") != 0) continue;
    const auto open = line.find_first_of("<\"", word), close = line.find_first_of(">\"", open + 1);
    if (close != std::string::npos) out.push_back({file, line.substr(open + 1, close - open - 1)});
  }
  return out;
}

std::vector<Include> includes_below(const fs::path& room) {
  std::vector<Include> out;
  if (!fs::is_directory(room)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(room)) {
    const auto kind = entry.path().extension();
    if (kind != ".cpp" && kind != ".hpp") continue;
    auto found = includes_of(entry.path());
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

// Why a pure room must not include a header; "" when it may.
std::string_view objection(const Include& include) {
  static constexpr std::string_view kImpure[] = {
      "boost/",  "asio",  "sys/socket",  "sys/epoll", "netinet/",    "arpa/",    "netdb.h", "openssl/",
      "sqlite3", "libpq", "postgresql/", "spdlog/",   "prometheus/", "sys/un.h", "poll.h"};
  static constexpr std::string_view kShells[] = {"net/",    "observe/", "engine/", "gateway/", "ledger/",
                                                 "access/", "launch/",  "sim/",    "config/",  "cli/"};
  for (const auto prefix : kImpure)
    if (include.header.starts_with(prefix)) return "a pure room knows no socket, log or database";
  for (const auto room : kShells)
    if (include.header.starts_with(room)) return "dependencies point from the shells to the pure rooms";
  const bool wire_source =
      include.file.parent_path().filename() == "wire" && include.file.extension() == ".cpp";
  if (include.header.starts_with("simdjson") && !wire_source)
    return "simdjson stays in the .cpp files of wire";
  return "";
}

TEST(Purity, the_pure_rooms_include_nothing_impure) {
  const fs::path source = GANTRY_SOURCE_DIR;
  for (const std::string_view room : {"base", "wire", "route", "spend"})
    for (const auto& include : includes_below(source / room))
      EXPECT_EQ(objection(include), "") << include.file << " includes " << include.header;
}

TEST(Purity, the_listing_sees_the_includes) {
  const auto found = includes_below(fs::path(GANTRY_SOURCE_DIR) / "wire");
  EXPECT_GT(found.size(), 50U);
}

TEST(Purity, the_rule_bites) {
  EXPECT_NE(objection({"src/wire/sse.cpp", "boost/asio.hpp"}), "");
  EXPECT_NE(objection({"src/route/plan.cpp", "net/loop.hpp"}), "");
  EXPECT_NE(objection({"src/wire/reply.hpp", "simdjson.h"}), "");
  EXPECT_NE(objection({"src/base/time.cpp", "sys/socket.h"}), "");
  EXPECT_EQ(objection({"src/wire/reply.cpp", "simdjson.h"}), "");
  EXPECT_EQ(objection({"src/route/outcome.hpp", "wire/reply.hpp"}), "");
}

}  // namespace
}  // namespace gantry
