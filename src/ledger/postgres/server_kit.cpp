#include "ledger/postgres/server_kit.hpp"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

namespace gantry::ledger::postgres {
namespace {

namespace fs = std::filesystem;
constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr const char* kSocket = "/.s.PGSQL.5432";

// Runs a program of PostgreSQL's as a user who may (root may not), and ends it with this process.
::pid_t start(const std::vector<std::string>& words, const ::passwd* user) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const ::pid_t pid = ::fork();
  if (pid != 0) return pid;
  if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(9);
  ::prctl(PR_SET_PDEATHSIG, SIGINT);
  const std::string log = fs::path(words.back()).parent_path() / "log";
  const int out = ::open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
  if (out < 0 || ::dup2(out, STDOUT_FILENO) < 0 || ::dup2(out, STDERR_FILENO) < 0) ::_exit(9);
  ::execv(arguments[0], arguments.data());
  ::_exit(9);
}

int ended(::pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

std::string directory_for(const ::passwd* user) {
  std::string path = (fs::temp_directory_path() / "ledger-pg-XXXXXX").string();
  if (!::mkdtemp(path.data())) return "";
  if (user && ::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return "";
  return path;
}

::sockaddr_un address_of(const std::string& directory) {
  ::sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (directory + kSocket).copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() { ::close(number); }
  int number;
};

}  // namespace

Server::Server() {
  const ::passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (!fs::exists(std::string(kPrograms) + "postgres")) {
    why_ = "postgresql-15 is not installed (scripts/install.sh test)";
    return;
  }
  if (::geteuid() == 0 && !user) {
    why_ = "PostgreSQL does not run as root, and there is no user postgres";
    return;
  }
  directory_ = directory_for(user);
  const std::string data = directory_ + "/data", programs = kPrograms;
  fs::create_directory(data);
  if (user && ::chown(data.c_str(), user->pw_uid, user->pw_gid) != 0) return;
  fs::permissions(data, fs::perms::owner_all);
  if (ended(start({programs + "initdb", "-U", "gantry", "-A", "trust", "-E", "UTF8", "--no-sync",
                   "--locale=C", "-D", directory_ + "/data"},
                  user)) != 0) {
    why_ = "initdb failed; see " + directory_;
    return;
  }
  std::ofstream(data + "/pg_hba.conf") << "local all locked scram-sha-256\nlocal all all trust\n";
  pid_ = start({programs + "postgres", "-k", directory_, "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                "deadlock_timeout=100ms", "-D", directory_ + "/data"},
               user);
  const std::string own = url(directory_, "public");
  while (PQping(own.c_str()) != PQPING_OK)
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      why_ = "the server ended at its start; see " + directory_;
      return;
    } else {
      ::usleep(20'000);
    }
  why_ = run("CREATE USER locked PASSWORD 'right'");
}

Server::~Server() {
  if (pid_ != 0) {
    ::kill(pid_, SIGINT);  // PostgreSQL's fast shutdown
    ended(pid_);
  }
  if (!directory_.empty() && why_.empty()) fs::remove_all(directory_);
}

Server& Server::only() {
  static Server server;
  return server;
}
Server* Server::get() { return only().why_.empty() ? &only() : nullptr; }
std::string Server::why() { return only().why_; }

std::string Server::url(const std::string& directory, const std::string& schema) {
  return "postgres:///postgres?user=gantry&host=" + directory + "&options=-csearch_path%3D" + schema;
}

std::string Server::run(const char* statements) const {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(url(directory_, "public").c_str()),
                                                              &PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> answer(PQexec(connection.get(), statements), &PQclear);
  const auto status = PQresultStatus(answer.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? "" : PQerrorMessage(connection.get());
}

Wire::Wire(const std::string& server_directory)
    : server_(server_directory), directory_(directory_for(nullptr)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(directory_);
  if (::bind(listener_, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 8) != 0)
    std::abort();
  thread_ = std::jthread([this] { serve(); });
}

Wire::~Wire() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  fs::remove_all(directory_);
}

void Wire::cut(Cut cut) { cut_ = cut; }

void Wire::serve() {
  while (!stopping_) {
    const Descriptor client(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (client.number >= 0 && cut_ != Cut::away) relay(client.number);
  }
}

// One connection at a time, as a ledger has one.
void Wire::relay(int client) {
  const Descriptor server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(server_);
  if (::connect(server.number, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0) return;
  std::array<::pollfd, 2> ends{{{client, POLLIN, 0}, {server.number, POLLIN, 0}}};
  bool lose_the_answer = false;
  std::array<char, 65536> bytes{};
  while (!stopping_) {
    if (Cut now = Cut::at_once; cut_.compare_exchange_strong(now, Cut::none) || now == Cut::away) return;
    if (::poll(ends.data(), ends.size(), 10) <= 0) continue;
    for (std::size_t from = 0; from < ends.size(); ++from) {
      if (ends[from].revents == 0) continue;
      const auto got = ::recv(ends[from].fd, bytes.data(), bytes.size(), 0);
      if (got <= 0 || (from == 1 && lose_the_answer)) return;
      const std::string_view said(bytes.data(), static_cast<std::size_t>(got));
      if (from == 0 && said.find("COMMIT") != std::string_view::npos) {
        if (Cut now = Cut::before_commit; cut_.compare_exchange_strong(now, Cut::none)) return;
        if (Cut now = Cut::after_commit; cut_.compare_exchange_strong(now, Cut::none)) lose_the_answer = true;
      }
      if (::send(ends[1 - from].fd, bytes.data(), said.size(), MSG_NOSIGNAL) < 0) return;
    }
  }
}

}  // namespace gantry::ledger::postgres
