// Writes the statuses that the reducer decided, and events, while this replica leads: one server-side apply
// at a time for each object, with a time limit that ends before the Lease does.
//
// Threading: everything on the thread of the io_context. `client`, `lease` and `log` must outlive it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "kube/client.hpp"
#include "kube/lease.hpp"
#include "operator/reduce.hpp"
#include "operator/write_schedule.hpp"

namespace vipra::controller {

inline constexpr const char* kFieldManager = "vipra-controller";

class StatusWriter {
 public:
  struct Counters {
    std::uint64_t written = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t failed = 0;
    std::uint64_t held_back = 0;  // because the Lease might have run out before their end
    std::uint64_t events = 0;
    std::uint64_t events_failed = 0;
  };

  StatusWriter(boost::asio::io_context& io, kube::Client& client, const kube::LeaseElection& lease,
               std::string identity, const log::Logger& log);

  // A new term begins: what was planned in an earlier one is forgotten.
  void begin(const std::vector<cluster::Object>& objects);
  void end();

  void observed(const cluster::Object& object);
  void gone(const std::string& uid);
  void wanted(const std::vector<cluster::Decision>& decisions);
  void say(const std::vector<cluster::Event>& events);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  void pump();
  void write(const cluster::Write& write);
  void on_answer(const std::string& uid, const std::string& name, const kube::Answer& answer);
  [[nodiscard]] double chance() { return std::uniform_real_distribution{}(random_); }

  kube::Client& client_;
  const kube::LeaseElection& lease_;
  const std::string identity_;
  const log::Logger& log_;
  boost::asio::steady_timer timer_;
  cluster::WriteSchedule schedule_;
  std::uint64_t term_ = 0;  // answers to an earlier one mean nothing
  bool leading_ = false;
  std::size_t events_under_way_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  Counters counters_;
};

}  // namespace vipra::controller
