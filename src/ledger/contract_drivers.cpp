#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "ledger/contract_kit.hpp"
#include "ledger/postgres/database.hpp"
#include "ledger/postgres/server_kit.hpp"
#include "ledger/sqlite/database.hpp"

namespace gantry::ledger {
namespace {

class FileStore final : public Store {
 public:
  FileStore() {
    // In memory where there is such a place: hundreds of commits need not wait for a disk.
    const std::filesystem::path memory = "/dev/shm";
    const auto below =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string path = (below / "ledger-XXXXXX").string();
    directory_ = ::mkdtemp(path.data());
  }
  ~FileStore() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string where() const override { return directory_ + "/ledger.db"; }
  Result<std::unique_ptr<sql::Database>> connect() override { return sqlite::open(where()); }

 private:
  std::string directory_;
};

// A schema of its own in the tests' server.
class SchemaStore final : public Store {
 public:
  explicit SchemaStore(const postgres::Server& server) {
    static int made = 0;
    const std::string schema = "ledger" + std::to_string(++made);
    EXPECT_EQ(server.run(("CREATE SCHEMA " + schema).c_str()), "");
    where_ = postgres::Server::url(server.directory(), schema);
  }
  [[nodiscard]] std::string where() const override { return where_; }
  Result<std::unique_ptr<sql::Database>> connect() override { return postgres::open(where_); }

 private:
  std::string where_;
};

std::unique_ptr<Store> make_schema() {
  const postgres::Server* server = postgres::Server::get();
  return server ? std::make_unique<SchemaStore>(*server) : nullptr;
}

}  // namespace

std::vector<Driver> drivers() {
  return {{"sqlite", [] { return std::unique_ptr<Store>(std::make_unique<FileStore>()); },
           [] { return std::string(); }},
          {"postgres", &make_schema, &postgres::Server::why}};
}

}  // namespace gantry::ledger
