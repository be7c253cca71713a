#include "lab/address_watch.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "lab/clock.hpp"
#include "lab/netlink_addresses.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

class AddressWatch::Loop {
 public:
  Status open(const std::vector<const Station*>& stations) {
    stop_ = UniqueFd{::eventfd(0, EFD_CLOEXEC)};
    if (!stop_) return fail_errno("make an eventfd", errno);
    for (const auto* station : stations) {
      Watched watched{station->name(), {}, {}};
      {
        const Entered inside{station->net()};
        watched.socket =
            UniqueFd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
      }
      sockaddr_nl groups{};
      groups.nl_family = AF_NETLINK;
      groups.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
      if (!watched.socket ||
          ::bind(watched.socket.get(), reinterpret_cast<const sockaddr*>(&groups), sizeof groups) < 0)
        return fail_errno("watch the addresses of " + station->name(), errno);
      // After the subscription, so that nothing falls between the two.
      const auto present = station->addresses();
      if (!present) return tl::unexpected{present.error()};
      for (const auto& address : *present) apply(watched, address.address, true);
      watched_.push_back(std::move(watched));
    }
    thread_ = std::thread{[this] { run(); }};
    return {};
  }

  ~Loop() {
    if (!thread_.joinable()) return;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

  std::vector<AddressChange> changes() const {
    const std::lock_guard lock{mutex_};
    return changes_;
  }

 private:
  struct Watched {
    std::string name;
    UniqueFd socket;
    std::set<IpAddress> held;
  };

  void apply(Watched& station, const IpAddress& address, bool added) {
    // The kernel also reports addresses that merely changed.
    const bool changed = added ? station.held.insert(address).second : station.held.erase(address) != 0;
    if (!changed) return;
    const std::lock_guard lock{mutex_};
    changes_.push_back({now(), station.name, address, added});
  }

  void read_all(Watched& station) {
    alignas(nlmsghdr) std::array<char, 32768> buffer;
    for (ssize_t n = 0; (n = ::recv(station.socket.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      auto left = static_cast<unsigned>(n);
      for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
        if (m->nlmsg_type != RTM_NEWADDR && m->nlmsg_type != RTM_DELADDR) continue;
        if (const auto address = parse_address(*m))
          apply(station, address->address, m->nlmsg_type == RTM_NEWADDR);
      }
    }
  }

  void run() {
    std::vector<pollfd> ready;
    ready.reserve(watched_.size() + 1);
    for (const auto& station : watched_) ready.push_back({station.socket.get(), POLLIN, 0});
    ready.push_back({stop_.get(), POLLIN, 0});
    while (ready.back().revents == 0) {
      if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
      for (std::size_t i = 0; i < watched_.size(); ++i)
        if (ready[i].revents != 0) read_all(watched_[i]);
    }
  }

  UniqueFd stop_;
  std::vector<Watched> watched_;
  mutable std::mutex mutex_;
  std::vector<AddressChange> changes_;
  std::thread thread_;
};

AddressWatch::AddressWatch(std::unique_ptr<Loop> loop) : loop_{std::move(loop)} {}
AddressWatch::~AddressWatch() = default;

Result<std::unique_ptr<AddressWatch>> AddressWatch::start(const std::vector<const Station*>& stations) {
  auto loop = std::make_unique<Loop>();
  if (const auto opened = loop->open(stations); !opened) return tl::unexpected{opened.error()};
  return std::unique_ptr<AddressWatch>{new AddressWatch{std::move(loop)}};
}

std::vector<AddressChange> AddressWatch::changes() const {
  return loop_->changes();
}

std::vector<HeldInterval> AddressWatch::held(const IpAddress& address) const {
  std::vector<HeldInterval> intervals;
  for (const auto& change : changes()) {
    if (change.address != address) continue;
    if (change.added) {
      intervals.push_back({change.station, change.at, std::nullopt});
      continue;
    }
    const auto open = std::find_if(intervals.begin(), intervals.end(), [&](const auto& interval) {
      return interval.station == change.station && !interval.to;
    });
    if (open != intervals.end()) open->to = change.at;
  }
  return intervals;
}

Duration AddressWatch::longest_overlap(const IpAddress& address) const {
  const TimePoint end = now();
  const auto all = held(address);
  Duration longest{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (all[i].station == all[j].station) continue;
      const auto from = std::max(all[i].from, all[j].from);
      const auto to = std::min(all[i].to.value_or(end), all[j].to.value_or(end));
      longest = std::max(longest, to - from);
    }
  }
  return longest;
}

}  // namespace vipra::lab
