#include "cli/table.hpp"

#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

TEST(Table, has_columns_as_wide_as_their_cells) {
  Table table({"NAME", "COST", "N"});
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.text(), "NAME  COST  N\n");
  table.row({"Käse", "$1.00", "7"});
  table.row({"b", "-$12.50", "123"});
  table.row({"c", "-", "5"});
  EXPECT_EQ(table.text(),
            "NAME     COST    N\n"
            "Käse    $1.00    7\n"
            "b     -$12.50  123\n"
            "c           -    5\n");
}

TEST(Table, takes_days_for_words) {
  Table table({"DAY OF IT", "N"});
  table.row({"2026-11-24", "-"});
  table.row({"-", "5"});
  EXPECT_EQ(table.text(), "DAY OF IT   N\n2026-11-24  -\n-           5\n");
}

TEST(Dollars, have_two_decimals_or_as_many_as_there_are) {
  for (const auto& [decimal, shown] : {std::pair{"", "-"},
                                       {"1", "$1.00"},
                                       {"1.5", "$1.50"},
                                       {"-0.25", "-$0.25"},
                                       {"0.000000000001", "$0.000000000001"},
                                       {"10", "$10.00"}})
    EXPECT_EQ(dollars(decimal), shown) << decimal;
}

}  // namespace
}  // namespace gantry::cli
