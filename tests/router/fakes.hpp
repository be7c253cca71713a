// The world of one router, made of lists: what was sent, asked of the kernel, announced and told.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "router/virtual_router.hpp"

namespace vipra::router {

using namespace std::chrono_literals;

struct FakeWorld final : AdvertisementPort, ownership::AddressCommands, AnnouncementPort, Journal {
  bool send(const ownership::Segment& segment, std::span<const std::uint8_t> message,
            const vrrp::Endpoints& endpoints) override {
    if (record) {
      const bool group = endpoints.destination.is_multicast();
      log.push_back("advert(" + std::to_string(message[2]) + ")" +
                    (group ? std::string{} : " to " + endpoints.destination.to_string()) + " on " +
                    segment.name);
      last_message.assign(message.begin(), message.end());
      last_endpoints = endpoints;
      if (message[2] == vrrp::kResign) resignations.emplace_back(message.begin(), message.end());
    }
    return accept_sends;
  }
  bool add(int, const IpAddress& ip) override {
    if (!accept_commands) return false;
    log.push_back("add " + ip.to_string());
    return true;
  }
  bool remove(int, const IpAddress& ip) override {
    if (!accept_commands) return false;
    log.push_back("remove " + ip.to_string());
    return true;
  }
  void request_dump() override { log.push_back("dump"); }
  void start(RouterIndex, const Instant&) override { log.push_back("announce"); }
  void evidence(RouterIndex, const Instant&) override {
    if (record) log.push_back("evidence");
  }
  void defend(RouterIndex, std::size_t address, const Instant&) override {
    if (record) log.push_back("defend " + std::to_string(address));
  }
  void stop(RouterIndex) override { log.push_back("silence"); }
  void on_transition(const VirtualRouter&, const election::Transition& t) override {
    log.push_back(std::string{to_string(t.from)} + "->" + std::string{to_string(t.to)});
  }
  void on_change(const VirtualRouter&) override {}
  void on_warning(const VirtualRouter& router) override {
    const auto* warning = router.warning();
    log.push_back("warning " + (warning ? std::string{to_string(warning->reason)} : "over"));
  }
  void on_owned(const VirtualRouter&) override {}

  std::vector<std::string> take() { return std::exchange(log, {}); }

  std::vector<std::string> log;
  std::vector<std::uint8_t> last_message;
  vrrp::Endpoints last_endpoints;
  std::vector<std::vector<std::uint8_t>> resignations;
  bool accept_sends = true;
  bool accept_commands = true;  // false: the kernel's queue is full
  bool record = true;
  vrrp::NoSignature signer;
  Ports ports{*this, *this, *this, *this, signer};
};

inline plan::VirtualRouter desired_v4(int priority = 100) {
  plan::VirtualRouter desired;
  desired.id = "web/ipv4";
  desired.vrid = *vrrp::Vrid::make(51);
  desired.addresses = {{*IpAddress::parse("10.0.2.100"), "web"}, {*IpAddress::parse("10.0.2.101"), "web"}};
  desired.base_priority = priority;
  desired.interval = 100ms;
  desired.seniority.name = "web";
  return desired;
}

inline ownership::Segment segment(const char* primary = "10.0.2.15", int index = 2,
                                  const char* name = "eth0") {
  return {index, name, {{2, 0, 0, 0, 0, 1}}, 1500, *IpAddress::parse(primary)};
}

// A router on a segment, in virtual time.
struct Bench {
  // `sender`: who sends its advertisements instead of the world.
  explicit Bench(plan::VirtualRouter desired = desired_v4(), const ownership::Segment& on = segment(),
                 AdvertisementPort* sender = nullptr)
      : router{0, desired, {sender != nullptr ? *sender : world, world, world, world, world.signer}} {
    router.set_segment(now, on);
    router.start(now);
  }
  void until(Duration end) {
    while (router.deadline() && *router.deadline() <= TimePoint{end}) {
      now = Instant{*router.deadline(), BootTimePoint{router.deadline()->time_since_epoch()}};
      router.on_deadline(now);
    }
    now = Instant{TimePoint{end}, BootTimePoint{end}};
  }
  void kernel_answers() {
    for (const auto& line : world.take()) {
      if (line.starts_with("add ")) router.on_address_added(now, *IpAddress::parse(line.substr(4)), false);
      if (line.starts_with("remove ")) router.on_address_removed(now, *IpAddress::parse(line.substr(7)));
    }
  }
  void become_master() {
    until(500ms);
    kernel_answers();
    world.take();
    ASSERT_EQ(router.state(), State::kMaster);
  }
  void hear(int priority, const char* source = "10.0.2.1", Duration interval = 100ms,
            vrrp::ChecksumForm form = vrrp::ChecksumForm::kRfc9568) {
    hear_at(vrrp_group(Family::kIpv4), priority, source, interval, form);
  }
  // As the speaker does: admitted or counted.
  void hear_at(const IpAddress& destination, int priority, const char* source, Duration interval = 100ms,
               vrrp::ChecksumForm form = vrrp::ChecksumForm::kRfc9568) {
    vrrp::Advertisement advertisement;
    advertisement.vrid = 51;
    advertisement.priority = static_cast<vrrp::Priority>(priority);
    advertisement.interval = interval;
    advertisement.checksum_form = form;
    const vrrp::IpMeta meta{*IpAddress::parse(source), destination, 255};
    if (const auto arrival = router.admit(meta)) {
      router.on_advertisement(now, meta, *arrival, advertisement, now.mono);
    } else {
      router.count_drop(arrival.error());
    }
  }
  FakeWorld world;
  Instant now{};
  VirtualRouter router;
};

}  // namespace vipra::router
