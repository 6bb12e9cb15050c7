#include "ledger/postgres/where.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

namespace gantry::ledger::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<std::string> parameter(const Where& where, std::string_view name) {
  const auto found = std::ranges::find(where.parameters, name, [](const auto& one) { return one.first; });
  return found == where.parameters.end() ? std::nullopt : std::optional(found->second);
}

TEST(PostgresWhere, tls_with_the_hosts_name_is_demanded_of_hosts_elsewhere) {
  struct Row {
    const char* given;
    const char* url;
    const char* mode;  // "" = refused, nullptr = as libpq has it
  };
  for (const Row& row : {
           Row{"a host elsewhere", "postgres://u@db.example/gantry", "verify-full"},
           {"an address elsewhere", "postgres://u@192.0.2.1/gantry", "verify-full"},
           {"one that says so itself", "postgres://u@db.example/gantry?sslmode=verify-full", "verify-full"},
           {"one that wants less", "postgres://u@db.example/gantry?sslmode=require", ""},
           {"one that wants the authority only", "postgres://u@db.example/gantry?sslmode=verify-ca", ""},
           {"one that wants none", "postgres://u@db.example/gantry?sslmode=disable", ""},
           {"one of several is elsewhere", "postgres://u@localhost,db.example/gantry?sslmode=prefer", ""},
           {"a local name for an address elsewhere", "postgres://u@localhost/gantry?hostaddr=192.0.2.1",
            "verify-full"},
           {"loopback", "postgres://u@127.0.0.1/gantry", nullptr},
           {"loopback of IPv6", "postgres://u@[::1]/gantry", nullptr},
           {"loopback by name", "postgres://u@localhost/gantry?sslmode=disable", nullptr},
           {"a Unix socket", "postgres:///gantry?host=/run/postgresql", nullptr},
       }) {
    const auto where = read_where(row.url);
    if (row.mode && *row.mode == '\0') {
      ASSERT_FALSE(where) << row.given;
      EXPECT_EQ(where.error().fault, Fault::bad_input) << row.given;
      EXPECT_THAT(where.error().detail, HasSubstr("sslmode must be verify-full")) << row.given;
      continue;
    }
    ASSERT_TRUE(where) << row.given << ": " << where.error().detail;
    if (!row.mode) {
      EXPECT_NE(parameter(*where, "sslmode"), "verify-full") << row.given;
      continue;
    }
    EXPECT_EQ(parameter(*where, "sslmode"), row.mode) << row.given;
    EXPECT_EQ(parameter(*where, "gssencmode"), "disable") << row.given;
    EXPECT_EQ(parameter(*where, "sslrootcert"), "/etc/ssl/certs/ca-certificates.crt") << row.given;
  }
}

TEST(PostgresWhere, what_the_operator_names_stays) {
  const auto where = read_where("postgres://u@db.example/gantry?sslrootcert=/etc/own.pem&connect_timeout=2");
  ASSERT_TRUE(where);
  EXPECT_EQ(parameter(*where, "sslrootcert"), "/etc/own.pem");
  EXPECT_EQ(parameter(*where, "connect_timeout"), "2");
  EXPECT_EQ(where->shown, "PostgreSQL at db.example:5432/gantry");
}

TEST(PostgresWhere, no_password_is_in_an_error) {
  for (const char* url : {"postgres://u:hunter2@db.example/gantry%%", "postgres://u:hunter2@[::1/gantry",
                          "postgres://u:hunter2@db.example/gantry?nothing=1",
                          "postgres://u:hunter2@db.example/gantry?sslmode=disable"}) {
    const auto where = read_where(url);
    ASSERT_FALSE(where) << url;
    EXPECT_THAT(where.error().detail, Not(HasSubstr("hunter2"))) << url;
  }
  const auto where = read_where("postgres://u:hunter2@localhost/gantry");
  ASSERT_TRUE(where);
  EXPECT_THAT(where->shown, Not(HasSubstr("hunter2")));
  EXPECT_EQ(where->without_password("a hunter2 b hunter2\nc\n"), "a *** b *** c");
}

}  // namespace
}  // namespace gantry::ledger::postgres
