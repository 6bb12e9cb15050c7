#pragma once
// How the commands of administration reach the ledger: through the server that holds the state directory, at
// an address with a token, or, when no server runs, themselves.

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "access/admin.hpp"
#include "config/config.hpp"
#include "wire/json_index.hpp"

namespace CLI {
class App;
}

namespace gantry::cli {

struct AdminFlags {
  config::Inputs inputs;
  std::string url;               ///< --url; the token is $GANTRY_ADMIN_TOKEN
  std::string format = "table";  ///< table, json, and csv where there is some
};
/// Declares --config, --url and --format. `formats` is "table or json".
void add_admin_flags(CLI::App& command, AdminFlags& flags, std::string_view formats = "table or json");

/// `path` is below /admin/v1. What the ledger or the server refused goes to stderr, and the exit code comes
/// back.
std::expected<access::AdminReply, int> ask(AdminFlags& flags, access::AdminRequest request);

/// A reply while it is looked at.
class Reply {
 public:
  explicit Reply(access::AdminReply reply);
  [[nodiscard]] const std::string& body() const { return read_->reply.body; }
  /// False for what no admin API answers.
  [[nodiscard]] bool good() const { return read_->good && root().is_object(); }
  /// The whole, or "data" of it; only when it is good.
  [[nodiscard]] wire::JsonValue root() const { return read_->index.root(); }
  [[nodiscard]] wire::JsonValue data() const { return root().find("data").value_or(root()); }

 private:
  struct Read {
    access::AdminReply reply;
    wire::JsonIndex index{};
    bool good = false;
  };
  std::unique_ptr<Read> read_;  // the index looks at the body, which must stay where it is
};
/// The text of a member, or of what lies behind a dotted path; "" when it is null or absent.
std::string text_at(wire::JsonValue value, std::string_view path);
std::expected<Reply, int> ask_for_json(AdminFlags& flags, access::AdminRequest request);

}  // namespace gantry::cli
