#pragma once
// The inside of Socket. Included by src/net/*.cpp only.

#include <coroutine>
#include <span>
#include <string_view>

#include "net/io.hpp"
#include "net/slab.hpp"
#include "net/socket.hpp"

struct ssl_st;

namespace gantry::net {

/// Why an operation is ended by us.
enum class Stop { none, timed_out, cancelled };

struct Socket::Impl final : Watched, Packed<Socket::Impl> {
  Impl(Loop& owner, int descriptor, Endpoint from) : Watched(owner, descriptor), peer(std::move(from)) {}
  ~Impl() override;

  void on_event() override;
  void on_wake() override;

  Endpoint peer;
  ssl_st* ssl = nullptr;

  struct Direction {
    std::coroutine_handle<> waiter{};
    IoResult result{};
    Stop stop = Stop::none;
    bool pending = false;  // somebody waits
    Timer timer;
  };
  Direction in, out;
  std::span<char> read_into;
  WatchAction watch_action = nullptr;
  void* watch_context = nullptr;
  int reads_in_a_row = 0;  // without waiting: a peer that never pauses must not keep the loop to itself

  enum class Waits { write, write_until_heard, connect, event };
  Waits out_waits = Waits::write;
  std::span<const std::string_view> parts;  // what write_all still has to send, from part `part` at `offset`
  std::size_t part = 0, offset = 0, written = 0;

  [[nodiscard]] bool is_open() const { return fd >= 0; }

  // Reading.
  /// Bytes, the end, or ok with zero bytes for "nothing there"; with an empty span, whether there is
  /// something.
  struct TryRead {
    bool ended = false;  // `result` says how
    IoResult result{};
  };
  TryRead try_read(std::span<char> into);
  IoResult read_now(std::span<char> into);
  void start_read(std::coroutine_handle<> waiter, std::span<char> into, MonoTime deadline);
  void go_on_reading();
  void finish_read(IoResult result);

  // Writing.
  /// Sends what the kernel takes; true when the write has ended (out.result says how).
  bool write_now();
  /// True when a write that waits has to end because the peer spoke or left (out.result says how).
  bool hears();
  bool write_plain();
  bool write_tls();
  void advance_parts(std::size_t bytes);
  void start_waiting_out(std::coroutine_handle<> waiter, Waits what, MonoTime deadline);
  void go_on_out();
  void finish_out(IoResult result);

  void set_deadline(Direction& direction, MonoTime deadline, Timer::Action expire);
  /// Both directions end with `cancelled`, soon and not within the caller.
  void stop_all();
  void release();  // by the Socket's destructor
};

/// Errno, translated once.
Fault fault_of_errno(int code);

}  // namespace gantry::net
