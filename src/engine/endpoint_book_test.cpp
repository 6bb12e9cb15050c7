// When models' endpoints are asked for, and how long what they told counts.
#include "engine/endpoint_book.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gantry::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kModels =
    R"({"data":[{"id":"a/b","pricing":{"prompt":"1","completion":"1"}},{"id":"c/d"}]})";

struct EndpointBookTest : testing::Test {
  EndpointBook book;
  wire::PriceTable table = *wire::PriceTable::parse(kModels);
  MonoTime now{};

  static std::vector<wire::EndpointPrices> one(std::string tag) {
    std::vector<wire::EndpointPrices> out(1);
    out.front().tag = std::move(tag);
    return out;
  }
  std::size_t filled() {
    book.fill(table, now);
    return table.find("a/b")->endpoints.size();
  }
};

TEST_F(EndpointBookTest, asks_at_once_and_then_every_hour) {
  EXPECT_FALSE(book.due(now));
  book.want("a/b", now);
  EXPECT_EQ(book.due(now), "a/b");
  book.got("a/b", one("x"), now);
  EXPECT_FALSE(book.due(now + 59min));
  EXPECT_EQ(book.due(now + 60min), "a/b");
}

TEST_F(EndpointBookTest, waits_longer_after_each_failure_and_tells_of_the_first) {
  book.want("a/b", now);
  EXPECT_TRUE(book.failed("a/b", now));
  EXPECT_FALSE(book.due(now + 59s));
  EXPECT_EQ(book.due(now + 60s), "a/b");
  EXPECT_FALSE(book.failed("a/b", now));
  EXPECT_FALSE(book.due(now + 119s));
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(book.failed("a/b", now));
  EXPECT_EQ(book.due(now + 1h), "a/b") << "but never longer than an hour";
  book.got("a/b", one("x"), now);
  EXPECT_TRUE(book.failed("a/b", now)) << "and it is told again once it had worked";
}

TEST_F(EndpointBookTest, forgets_what_nobody_wants_for_a_day) {
  book.want("a/b", now);
  book.want("c/d", now);
  book.want("c/d", now + 24h);
  EXPECT_EQ(book.due(now + 25h), "c/d");
  EXPECT_EQ(book.size(), 1u);
}

TEST_F(EndpointBookTest, a_failure_keeps_the_last_good_list_for_two_hours) {
  book.want("a/b", now);
  EXPECT_EQ(filled(), 0u);
  book.got("a/b", one("x"), now);
  EXPECT_EQ(filled(), 1u);
  now += 119min;
  book.failed("a/b", now);
  EXPECT_FALSE(book.stale(now));
  EXPECT_EQ(filled(), 1u);
  now += 1min;
  EXPECT_TRUE(book.stale(now)) << "a dearer endpoint may have come by now";
  EXPECT_EQ(filled(), 0u);
  EXPECT_FALSE(book.stale(now));
}

TEST_F(EndpointBookTest, is_of_one_upstream) {
  book.want("a/b", now);
  book.got("a/b", one("x"), now);
  book.clear();
  EXPECT_EQ(filled(), 0u);
  book.got("a/b", one("x"), now);
  EXPECT_EQ(filled(), 0u) << "an answer that comes late is nobody's";
}

TEST_F(EndpointBookTest, has_a_bound) {
  for (std::size_t i = 0; i < 2 * EndpointBook::kMost; ++i) book.want("a/m" + std::to_string(i), now);
  EXPECT_EQ(book.size(), EndpointBook::kMost);
}

TEST(EndpointPath, takes_ids_and_nothing_that_leads_elsewhere) {
  for (const auto good : {"a/b", "openai/gpt-4.1", "a/b:free", "~anthropic/claude-sonnet-latest"})
    EXPECT_TRUE(fits_in_path(good)) << good;
  for (const auto bad :
       {"", "a", "/b", "a/", "a/b/c", "../b", "a/..", "a/b?c", "a/b#c", "a/b c", "a/%2e", "a/b\r\nc"})
    EXPECT_FALSE(fits_in_path(bad)) << bad;
}

}  // namespace
}  // namespace gantry::engine
