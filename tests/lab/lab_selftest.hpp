// A lab for each test, and a VIP that is moved by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "lab/lab.hpp"
#include "lab/processes.hpp"

namespace vipra::lab {

template <class T>
std::string why(const Result<T>& result) {
  return result ? std::string{"it worked"} : result.error().what;
}

#define ASSERT_OK(expression)                                       \
  do {                                                              \
    const auto& outcome = (expression);                             \
    ASSERT_TRUE(outcome.has_value()) << ::vipra::lab::why(outcome); \
  } while (false)

#define EXPECT_OK(expression)                                       \
  do {                                                              \
    const auto& outcome = (expression);                             \
    EXPECT_TRUE(outcome.has_value()) << ::vipra::lab::why(outcome); \
  } while (false)

class LabSelftest : public testing::Test {
 protected:
  using ms = std::chrono::milliseconds;

  void SetUp() override {
    ASSERT_TRUE(may_build_labs()) << "lab tests need root";
    auto made = Lab::make(options_);
    ASSERT_OK(made);
    lab_ = std::move(*made);
  }

  // As an agent would: the address, then a gratuitous ARP or neighbour advertisement.
  Status acquire(const std::string& node, const IpAddress& vip) {
    auto& owner = lab_->node(node);
    const std::string prefix = vip.is_v4() ? "/32" : "/128";
    std::vector<std::string> command{"ip", "addr", "add", vip.to_string() + prefix, "dev", "eth0"};
    if (!vip.is_v4()) command.insert(command.end(), {"nodad", "preferred_lft", "0"});
    if (const auto done = must_run(owner.net(), command); !done) return done;
    const auto& mac = owner.facts().mac;
    return owner.inject(vip.is_v4() ? gratuitous_arp_frame(mac, vip)
                                    : neighbour_advertisement_frame(mac, vip));
  }
  Status release(const std::string& node, const IpAddress& vip) {
    const std::string prefix = vip.is_v4() ? "/32" : "/128";
    return must_run(lab_->node(node).net(), {"ip", "addr", "del", vip.to_string() + prefix, "dev", "eth0"});
  }
  bool answers(const Probe& probe, const std::string& node, Duration within = ms{3000}) {
    const TimePoint since = now();
    return wait_until([&] { return probe.answered_by(node, since); }, within);
  }
  // Whether a datagram gets from one station to another and back, asked with a probe of its own.
  bool reaches(const Station& from, const IpAddress& to, Duration within = ms{1000}) {
    auto probe = Probe::start(from, {to}, to, lab_->node_names(), {.limit = std::chrono::seconds{5}});
    return probe && answers(**probe, "", within);
  }

  LabOptions options_{.nodes = 3};
  std::unique_ptr<Lab> lab_;
  const IpAddress vip4_ = IpAddress::v4(10, 99, 0, 100);
  const IpAddress vip6_ = *IpAddress::parse("2001:db8:99::100");
};

}  // namespace vipra::lab
