#pragma once
// A TOML text as a plain tree with line numbers. toml++ stays behind it, in one translation unit.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::config {

struct Member;

struct Node {
  enum class Kind { text, integer, number, flag, list, table, date };
  Kind kind = Kind::table;
  int line = 0;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
  bool flag = false;
  std::vector<Node> items;      ///< of a list
  std::vector<Member> members;  ///< of a table, in order of their lines
};

struct Member {
  std::string key;
  int line = 0;
  Node value;
};

/// What a node is, for people: "text", "an integer", "a table".
std::string_view describe(Node::Kind kind);

struct SyntaxError {
  int line = 0;
  std::string message;
};

/// The first syntax error ends the parse (TOML 1.0).
std::expected<Node, SyntaxError> parse_toml(std::string_view text);

}  // namespace gantry::config
