#include <gmock/gmock.h>

#include "gateway/admin_client.hpp"

namespace gantry::gateway {
namespace {

TEST(BreakersTable, begins_with_what_is_not_closed) {
  const auto table = breakers_table(
      R"({"data":[{"scope":"upstream","name":"openrouter","in":"","state":"closed"},)"
      R"({"scope":"model","name":"acme/one","in":"openrouter","state":"open","reason":"run",)"
      R"("for_one_client":true,"for_s":1.5,"until_s":4.0},)"
      R"({"scope":"key","name":"blue","in":"openrouter","state":"held","reason":"out_of_money",)"
      R"("for_one_client":false,"for_s":90.0}]})");
  ASSERT_TRUE(table) << table.error().detail;
  EXPECT_EQ(*table,
            "SCOPE     NAME        IN          STATE   REASON           FOR     ASKED AGAIN\n"
            "model     acme/one    openrouter  open    run, one client  1.5 s   in 4.0 s\n"
            "key       blue        openrouter  held    out_of_money     90.0 s  -\n"
            "upstream  openrouter              closed  -                -       -\n"
            "2 of 3 not closed\n");
}

TEST(BreakersTable, of_nothing_is_its_head) {
  const auto table = breakers_table(R"({"data":[]})");
  ASSERT_TRUE(table);
  EXPECT_THAT(*table, testing::EndsWith("\n0 of 0 not closed\n"));
}

TEST(BreakersTable, is_not_steered_by_what_a_server_sends) {
  const auto table =
      breakers_table("{\"data\":[{\"scope\":\"model\",\"name\":\"a\\u001b[2Jb\\nc\"},7,null]}");
  ASSERT_TRUE(table);
  EXPECT_THAT(*table, testing::Not(testing::HasSubstr("\x1b")));
  EXPECT_THAT(*table, testing::HasSubstr("3 of 3 not closed"));
}

TEST(BreakersTable, is_not_made_of_anything_else) {
  for (const char* text : {"", "{", "[]", "{}", R"({"data":{}})", R"({"error":{}})", "<html>"}) {
    const auto table = breakers_table(text);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().fault, Fault::malformed) << text;
  }
}

}  // namespace
}  // namespace gantry::gateway
