#pragma once
// What the resources of the admin API share. Internal to this room.

#include <optional>
#include <string>
#include <string_view>

#include "access/admin.hpp"
#include "access/fields.hpp"
#include "access/json_out.hpp"
#include "access/key_policy.hpp"
#include "access/query.hpp"
#include "wire/json_index.hpp"

namespace gantry::access {

/// One request on its way.
struct Desk {
  ledger::Ledger& ledger;
  const AdminRequest& request;
  const RandomBytes& random;
};

/// `id` is the part of the path that the pattern leaves open, decoded.
using Handler = AdminReply (*)(const Desk& desk, const std::string& id);

AdminReply list_keys(const Desk& desk, const std::string& id);
AdminReply create_key(const Desk& desk, const std::string& id);
AdminReply show_key(const Desk& desk, const std::string& id);
AdminReply change_key(const Desk& desk, const std::string& id);
AdminReply delete_key(const Desk& desk, const std::string& id);
AdminReply rotate_key(const Desk& desk, const std::string& id);
AdminReply show_accounts(const Desk& desk, const std::string& id);
AdminReply show_account(const Desk& desk, const std::string& id);
AdminReply change_account(const Desk& desk, const std::string& id);
AdminReply delete_account(const Desk& desk, const std::string& id);
AdminReply create_project(const Desk& desk, const std::string& id);
AdminReply show_usage(const Desk& desk, const std::string& id);
AdminReply show_unexplained(const Desk& desk, const std::string& id);
AdminReply show_leases(const Desk& desk, const std::string& id);

// ---- replies that are no success

/// 400 with every problem.
AdminReply refused(const Problems& problems);
AdminReply not_found(std::string message, std::string remedy);
/// 409: it cannot be done as things are.
AdminReply conflict(std::string message, std::string remedy);
/// What the ledger did not do: 404, 409 or 503.
AdminReply failed(const Failure& failure);

// ---- reading

/// The body while it is looked at.
class Body {
 public:
  /// Nothing, or white space, is an empty object.
  Body(std::string_view text, Problems& problems);
  /// The members, all problems told; none when it is no JSON.
  std::vector<Field> members(std::span<const std::string_view> known, Problems& problems) const;

 private:
  std::string text_;
  wire::JsonIndex index_;
  bool good_ = false;
};

enum class Format : std::uint8_t { json, csv };
/// `format` wins over Accept.
Format read_format(const Query& query, const std::string& accept, Problems& problems);

/// The project of a name or an id among those of the directory.
const ledger::Account* find_project(const ledger::Directory& directory, std::string_view text);
const ledger::Account* find_account(const ledger::Directory& directory, spend::AccountId id);
const ledger::ClientKey* find_key(const ledger::Directory& directory, std::string_view id);
/// What calls without a client key are charged to.
bool is_keyless(const ledger::ClientKey& key);
/// Why an account may not have this name, checked against those of its siblings.
void check_name(const ledger::Directory& directory, const ledger::Account& account, Problems& problems);

spend::Limits limits_of(const SaidLimits& limits);

// ---- writing

/// `write(json, out)` writes the members of the reply's one object, and `out` is the text they go to.
template <class Write>
AdminReply with_body(int status, Write write) {
  AdminReply reply{.status = status, .body = {}};
  {
    JsonOut json(reply.body);
    write(json, reply.body);
  }
  return reply;
}

void put_limits(JsonOut& json, std::string& out, const spend::Limits& limits);
/// "windows": what of each limit is used, and until when it counts.
void put_windows(JsonOut& json, std::string& out, const std::array<ledger::Spent, spend::kPeriodCount>& spent,
                 WallTime now);
/// "gone": those whose heart stopped, with what they still own.
void put_gone(JsonOut& json, std::string& out, const std::vector<ledger::Holder>& holders, WallTime now);
PicoUsd minus(PicoUsd a, PicoUsd b);  ///< stops at the ends of the range

}  // namespace gantry::access
