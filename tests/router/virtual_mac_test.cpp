// A router whose addresses are on a device with the virtual MAC address.
#include <gmock/gmock.h>

#include "tests/router/fakes.hpp"

namespace vipra::router {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr MacAddress kVirtual{{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33}};
constexpr MacAddress kStranger{{2, 0, 0, 0, 0, 9}};
const IpAddress kFirst = *IpAddress::parse("10.0.2.100");

// From which MAC address each advertisement goes.
struct Sender final : AdvertisementPort {
  bool send(const ownership::Segment&, std::span<const std::uint8_t> message,
            const vrrp::Endpoints&) override {
    log.push_back("interface " + std::to_string(message[2]));
    return true;
  }
  bool send_from_device(const ownership::Segment& segment, std::span<const std::uint8_t> message,
                        const vrrp::Endpoints&) override {
    EXPECT_EQ(segment.device->mac, kVirtual);
    log.push_back("device " + std::to_string(message[2]));
    return true;
  }
  std::vector<std::string> take() { return std::exchange(log, {}); }
  std::vector<std::string> log;
};

ownership::Segment with_device(int index = 7) {
  auto out = segment();
  out.device = ownership::VirtualMacDevice{index, "vip4-51-2", kVirtual};
  return out;
}

struct HasSender {
  Sender sender;
};

struct DeviceBench : HasSender, Bench {
  DeviceBench() : Bench{desired_v4(), with_device(), &sender} {}
  void become_master() {
    Bench::become_master();
    sender.take();
  }
  [[nodiscard]] Duration in(Duration later) const { return now.mono.time_since_epoch() + later; }
};

TEST(VirtualMacRouter, SpeaksFromItAsSoonAsItCanAnswerAndNotBefore) {
  DeviceBench b;
  b.until(500ms);
  ASSERT_EQ(b.router.state(), State::kMaster);
  for (const auto& line : b.sender.take()) EXPECT_EQ(line, "interface 100");
  b.kernel_answers();
  b.until(600ms);
  EXPECT_THAT(b.sender.take(), ElementsAre("device 100"));
  b.router.on_kernel_address(b.now, kFirst, ownership::AddressSet::Kernel::kAbsent);
  b.until(700ms);
  EXPECT_THAT(b.sender.take(), ElementsAre("interface 100"));
}

TEST(VirtualMacRouter, ResignsFromTheInterface) {
  DeviceBench b;
  b.become_master();
  b.router.release(b.now, Reason::kShutdown);
  b.until(b.in(5ms));
  EXPECT_THAT(b.sender.take(), ElementsAre("interface 0", "interface 0", "interface 0"));
}

TEST(VirtualMacRouter, HasItsLastWordFromTheInterface) {
  DeviceBench b;
  b.become_master();
  b.hear(200);
  EXPECT_EQ(b.router.state(), State::kBackup);
  EXPECT_THAT(b.sender.take(), ElementsAre("interface 100"));
}

TEST(VirtualMacRouter, AnswersALosingAdvertisementFromIt) {
  DeviceBench b;
  b.become_master();
  b.hear(50);
  EXPECT_THAT(b.sender.take(), ElementsAre("device 100"));
}

// What is heard with the virtual MAC address is somebody else's: one's own frames are never heard.
TEST(VirtualMacRouter, TheTakersAnnouncementHasTheSameMacAddress) {
  DeviceBench b;
  b.become_master();
  b.hear(200);
  b.world.take();
  b.until(b.in(5ms));
  b.router.on_claim(b.now, {kFirst, kVirtual, true}, b.now.mono);
  b.until(b.in(9ms));
  EXPECT_THAT(b.world.take(), Not(Contains("remove 10.0.2.100")));
  b.until(b.in(2ms));
  EXPECT_THAT(b.world.take(), Contains("remove 10.0.2.100")) << "10 ms after it, not after the bound of 20";
}

TEST(VirtualMacRouter, AReleasingOneGoesAfterIt) {
  DeviceBench b;
  b.become_master();
  b.router.release(b.now, Reason::kShutdown);
  b.until(b.in(5ms));
  b.world.take();
  b.router.on_claim(b.now, {kFirst, kVirtual, true}, b.now.mono);
  b.until(b.in(11ms));
  EXPECT_THAT(b.world.take(), Contains("remove 10.0.2.100"));
}

TEST(VirtualMacRouter, AMasterIsContradictedByAnotherMacAddressAlone) {
  DeviceBench b;
  b.become_master();
  b.router.on_claim(b.now, {kFirst, kVirtual, true}, b.now.mono);
  b.router.on_claim(b.now, {kFirst, segment().mac, true}, b.now.mono);
  EXPECT_THAT(b.world.take(), IsEmpty());
  b.router.on_claim(b.now, {kFirst, kStranger, true}, b.now.mono);
  EXPECT_THAT(b.world.take(), ElementsAre("evidence"));
}

TEST(VirtualMacRouter, GivesUpOnTheOldCarrierBeforeItStandsOnAnother) {
  DeviceBench b;
  b.become_master();
  EXPECT_EQ(b.router.addresses().index(), 7);
  b.router.set_segment(b.now, segment());
  EXPECT_THAT(b.world.take(), Contains("remove 10.0.2.100"));
  EXPECT_EQ(b.router.addresses().index(), 2);
  EXPECT_EQ(b.router.state(), State::kBackup);
  b.router.set_segment(b.now, with_device(8));
  EXPECT_EQ(b.router.addresses().index(), 8);
}

}  // namespace
}  // namespace vipra::router
