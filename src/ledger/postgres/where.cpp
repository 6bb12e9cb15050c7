#include "ledger/postgres/where.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>

#include "base/url.hpp"

namespace gantry::ledger::postgres {
namespace {

using Parameters = std::map<std::string, std::string>;
using Options = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";

void add_set(Parameters& parameters, const PQconninfoOption* option) {
  for (; option && option->keyword; ++option)
    if (option->val && *option->val) parameters.emplace(option->keyword, option->val);
}

std::string get(const Parameters& parameters, const char* name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

bool is_local(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || is_loopback(host);
}

// Of a list with commas, since libpq tries one after the other.
bool all_local(std::string_view hosts) {
  for (;;) {
    const auto comma = hosts.find(',');
    if (!is_local(hosts.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    hosts.remove_prefix(comma + 1);
  }
}

Result<void> secure(Parameters& parameters, const std::string& given_mode) {
  const std::string address = get(parameters, "hostaddr");
  if (all_local(address.empty() ? get(parameters, "host") : address)) return {};
  if (!given_mode.empty() && given_mode != "verify-full")
    return fail(
        Fault::bad_input,
        "the ledger's PostgreSQL is not on this machine, so sslmode must be verify-full, or left out");
  parameters["sslmode"] = "verify-full";
  parameters["gssencmode"] = "disable";  // it would take the place of TLS
  parameters.emplace("sslrootcert", kAuthorities);
  return {};
}

}  // namespace

std::string Where::without_password(std::string text) const {
  for (const auto& [name, value] : parameters) {
    if ((name != "password" && name != "sslpassword") || value.empty()) continue;
    for (std::size_t at = 0; (at = text.find(value, at)) != std::string::npos; at += 3)
      text.replace(at, value.size(), "***");
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

Result<Where> read_where(const std::string& url) {
  const Options given(PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  if (!given)
    return fail(Fault::bad_input,
                "the ledger's address cannot be read; write postgres://USER@HOST/DATABASE, "
                "with percent-encoding for what is not a letter or a digit");
  Parameters parameters;
  add_set(parameters, given.get());
  const std::string given_mode = get(parameters, "sslmode");
  add_set(parameters, Options(PQconndefaults(), &PQconninfoFree).get());
  if (auto secured = secure(parameters, given_mode); !secured) return std::unexpected(secured.error());
  // A peer that is gone is noticed after some seconds, and not when TCP gives up.
  for (const auto& [name, value] : {std::pair{"connect_timeout", "5"},
                                    {"tcp_user_timeout", "10000"},
                                    {"keepalives_idle", "10"},
                                    {"keepalives_interval", "5"},
                                    {"keepalives_count", "2"}})
    if (const std::string set = get(parameters, name); set.empty() || set == "0") parameters[name] = value;
  parameters["client_encoding"] = "UTF8";
  parameters["fallback_application_name"] = "gantry";

  const std::string host = get(parameters, "host");
  return Where{.parameters = {parameters.begin(), parameters.end()},
               .shown = "PostgreSQL at " + (host.empty() ? get(parameters, "hostaddr") : host) + ":" +
                        get(parameters, "port") + "/" + get(parameters, "dbname")};
}

}  // namespace gantry::ledger::postgres
