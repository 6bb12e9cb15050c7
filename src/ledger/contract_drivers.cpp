#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "ledger/contract_kit.hpp"
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

}  // namespace

std::vector<Driver> drivers() {
  return {{"sqlite", [] { return std::unique_ptr<Store>(std::make_unique<FileStore>()); },
           [] { return std::string(); }}};
}

}  // namespace gantry::ledger
