#pragma once
// What the readers and printers of single values have in common. Only they include this.

#include <expected>
#include <string>
#include <string_view>

#include "config/value.hpp"

namespace gantry::config {

using Outcome = std::expected<void, Complaint>;

/// "must be …, and this is …", with an example.
Complaint wrong(const Field& field, std::string found);
std::unexpected<Complaint> wrong_type(const Field& field, const Node& value);

bool one_line(std::string_view text);

// Values that are tables (value_tables.cpp).
Outcome assign_secret(const Field& field, const Node& value, std::vector<UpstreamKey>& to);
Outcome assign_reference(const Field& field, const Node& value, SecretReference& to);
Outcome assign_keys(const Field& field, const Node& value, std::vector<UpstreamKey>& to);
Outcome assign_prices(const Field& field, const Node& value, Prices& to);
std::string print_reference(const SecretReference& reference);
Outcome assign_database(const Field& field, const Node& value, LedgerAddress& to);
std::string print_database(const LedgerAddress& address);
/// True for postgres:// and postgresql://.
bool is_database_url(std::string_view text);
/// "" unless the only key is named and weighted as usual.
std::string print_secret(const std::vector<UpstreamKey>& keys);
/// "" where print_secret says it, or there is no key.
std::string print_keys(const std::vector<UpstreamKey>& keys);
std::string print_prices(const Prices& prices);

}  // namespace gantry::config
