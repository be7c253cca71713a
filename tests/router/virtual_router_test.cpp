#include <gmock/gmock.h>

#include "tests/router/fakes.hpp"

namespace vipra::router {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(Router, PromotesInTheOrderAdvertisementAddressesAnnouncements) {
  Bench b;
  b.world.take();
  b.until(500ms);
  EXPECT_THAT(b.world.take(), ElementsAre("advert(100) on eth0", "add 10.0.2.100", "add 10.0.2.101",
                                          "Backup->Master", "advert(100) on eth0"));
  b.router.on_address_added(b.now, *IpAddress::parse("10.0.2.100"), false);
  EXPECT_THAT(b.world.take(), IsEmpty()) << "not announced before all are there";
  b.router.on_address_added(b.now, *IpAddress::parse("10.0.2.101"), false);
  EXPECT_THAT(b.world.take(), ElementsAre("announce"));
}

TEST(Router, PutsADeletedAddressBackAtOnceAndAnnouncesIt) {
  Bench b;
  b.become_master();
  b.router.on_kernel_address(b.now, *IpAddress::parse("10.0.2.100"), ownership::AddressSet::Kernel::kAbsent);
  EXPECT_THAT(b.world.take(), ElementsAre("add 10.0.2.100"));
  b.router.on_address_added(b.now, *IpAddress::parse("10.0.2.100"), false);
  EXPECT_THAT(b.world.take(), ElementsAre("announce"));
  EXPECT_EQ(b.router.counters().address_restores, 1u);
  EXPECT_EQ(b.router.state(), State::kMaster);
}

TEST(Router, NeverTouchesAStrangersAddress) {
  Bench b;
  b.become_master();
  b.router.on_kernel_address(b.now, *IpAddress::parse("10.0.2.101"),
                             ownership::AddressSet::Kernel::kStranger);
  EXPECT_EQ(b.router.state(), State::kFault);
  EXPECT_EQ(b.router.reason(), Reason::kAddressInUse);
  EXPECT_THAT(b.world.take(), testing::Not(Contains("remove 10.0.2.101")));
  b.router.on_kernel_address(b.now, *IpAddress::parse("10.0.2.101"), ownership::AddressSet::Kernel::kAbsent);
  EXPECT_EQ(b.router.state(), State::kBackup) << "stands again once the stranger is gone";
}

TEST(Router, TheAddressOwnerServesWhatTheNodeHas) {
  Bench b{desired_v4(255)};
  for (const auto* ip : {"10.0.2.100", "10.0.2.101"}) {
    b.router.on_kernel_address(b.now, *IpAddress::parse(ip), ownership::AddressSet::Kernel::kStranger);
  }
  EXPECT_EQ(b.router.state(), State::kMaster);
}

TEST(Router, AnAddressThatIsThereAlreadyIsJudgedByADump) {
  Bench b;
  b.world.take();
  b.until(400ms);
  b.world.take();
  b.router.on_address_added(b.now, *IpAddress::parse("10.0.2.100"), true);
  EXPECT_THAT(b.world.take(), Contains("dump"));
  ownership::KernelView view;
  ownership::InterfaceAddress stranger;
  stranger.index = 2;
  stranger.ip = *IpAddress::parse("10.0.2.100");
  view.set_address(stranger);
  b.router.sync_kernel(b.now, view);
  EXPECT_EQ(b.router.reason(), Reason::kAddressInUse);
}

TEST(Router, AFailedInstallResignsAndIsTriedAgain) {
  Bench b;
  b.world.take();
  b.until(400ms);
  b.world.take();
  b.router.on_address_added(b.now, *IpAddress::parse("10.0.2.100"), false);
  b.router.on_address_failed(b.now, *IpAddress::parse("10.0.2.101"), true, "no room");
  EXPECT_EQ(b.router.reason(), Reason::kAddressInstallFailed);
  EXPECT_THAT(b.world.take(), Contains("advert(0) on eth0"));
  b.until(6s);
  EXPECT_EQ(b.router.state(), State::kMaster);
}

TEST(Router, PriorityIsTheSumOfItsPartsBetween1And254) {
  Bench b;
  b.router.set_contributions(b.now, {{"web/ipv4", "check/a", -30, false, Reason::kCheckFailed, "", false},
                                     {"web/ipv4", "check/b", -20, false, Reason::kCheckFailed, "", false}});
  EXPECT_EQ(b.router.effective_priority(), 50);
  b.router.set_contributions(b.now, {{"web/ipv4", "check/a", -200, false, Reason::kCheckFailed, "", false}});
  EXPECT_EQ(b.router.effective_priority(), 1);
  b.router.set_contributions(b.now, {{"web/ipv4", "bonus", 250, false, Reason::kNone, "", false}});
  EXPECT_EQ(b.router.effective_priority(), 254);
  b.router.set_contributions(b.now, {});
  EXPECT_EQ(b.router.effective_priority(), 100);
}

TEST(Router, AFaultContributionResignsWhateverTheSum) {
  Bench b;
  b.become_master();
  b.router.set_contributions(b.now,
                             {{"web/ipv4", "check/a", 0, true, Reason::kCheckFailed, "refused", false}});
  EXPECT_EQ(b.router.state(), State::kFault);
  EXPECT_EQ(b.router.detail(), "check/a: refused");
  EXPECT_THAT(b.world.take(), Contains("advert(0) on eth0"));
}

plan::Contribution wish(Reason reason = Reason::kMaintenance) {
  plan::Contribution out;
  out.consumer = "web/ipv4";
  out.source = "maintenance";
  out.fault = true;
  out.reason = reason;
  out.detail = "until it is ended";
  return out;
}

TEST(Router, OnAWishItHandsOverInGoodHealthAndStaysAwayUntilTheWishEnds) {
  Bench b;
  b.become_master();
  b.router.set_contributions(b.now, {wish()});
  EXPECT_EQ(b.router.state(), State::kReleasing);
  EXPECT_THAT(b.world.take(), ElementsAre("advert(0) on eth0", "silence", "Master->Releasing"));
  b.until(b.now.mono.time_since_epoch() + 20ms);
  EXPECT_THAT(b.world.take(), testing::Not(Contains("remove 10.0.2.100"))) << "kept for the taker";
  b.hear(100, "10.0.2.16");
  b.router.on_claim(b.now, {*IpAddress::parse("10.0.2.100"), {{2, 0, 0, 0, 0, 9}}}, b.now.mono);
  b.until(b.now.mono.time_since_epoch() + 50ms);
  b.kernel_answers();
  EXPECT_EQ(b.router.state(), State::kInit);
  EXPECT_EQ(b.router.reason(), Reason::kMaintenance);
  EXPECT_EQ(b.router.detail(), "until it is ended");
  EXPECT_FALSE(b.router.finished());
  b.until(5s);
  EXPECT_EQ(b.router.state(), State::kInit) << "whatever happens to the taker";
  EXPECT_THAT(b.world.take(), IsEmpty());
  b.router.set_contributions(b.now, {});
  EXPECT_EQ(b.router.state(), State::kBackup);
}

TEST(Router, AWishThatEndsWhileItHandsOverIsAnOrdinaryElectionAgain) {
  Bench b;
  b.become_master();
  b.router.set_contributions(b.now, {wish(Reason::kSwitchover)});
  b.router.set_contributions(b.now, {});
  EXPECT_EQ(b.router.state(), State::kBackup);
  EXPECT_EQ(b.router.reason(), Reason::kReleaseCancelled);
}

TEST(Router, ATakerThatResignsDoesNotEndAWish) {
  Bench b;
  b.become_master();
  b.router.set_contributions(b.now, {wish()});
  b.hear(100, "10.0.2.16");
  b.hear(0, "10.0.2.16");
  EXPECT_EQ(b.router.state(), State::kReleasing);
  b.until(5s);
  b.kernel_answers();
  EXPECT_EQ(b.router.state(), State::kInit);
}

TEST(Router, AFaultIsShownBeforeAWishAndLeavesItInForce) {
  Bench b;
  b.become_master();
  b.router.set_contributions(b.now, {wish()});
  b.router.set_segment(b.now, tl::unexpected{ownership::NoSegment{Reason::kInterfaceDown, "eth0 is down"}});
  EXPECT_EQ(b.router.state(), State::kFault);
  EXPECT_EQ(b.router.reason(), Reason::kInterfaceDown);
  b.router.set_segment(b.now, segment());
  EXPECT_EQ(b.router.state(), State::kInit);
  EXPECT_EQ(b.router.reason(), Reason::kMaintenance);
  b.router.set_contributions(b.now, {});
  EXPECT_EQ(b.router.state(), State::kBackup);
}

TEST(Router, StartedWithAWishItNeverStands) {
  FakeWorld world;
  VirtualRouter router{0, desired_v4(255), world.ports};
  Instant now{};
  router.set_segment(now, segment());
  router.set_contributions(now, {wish()});
  router.start(now);
  EXPECT_EQ(router.state(), State::kInit);
  EXPECT_EQ(router.reason(), Reason::kMaintenance);
  EXPECT_FALSE(router.deadline());
  EXPECT_THAT(world.take(), testing::Not(Contains(testing::HasSubstr("advert"))));
  router.set_contributions(now, {});
  EXPECT_EQ(router.state(), State::kMaster) << "the address owner";
}

TEST(Router, DropsItsOwnEchoAndCountsIt) {
  Bench b;
  b.become_master();
  b.hear(255, "10.0.2.15");
  EXPECT_EQ(b.router.state(), State::kMaster);
  EXPECT_EQ(b.router.counters().drops[static_cast<std::size_t>(DropReason::kSelfEcho)], 1u);
}

TEST(Router, SendsTheChecksumFormThatItsPeersSend) {
  Bench b;
  b.become_master();
  b.hear(10, "10.0.2.1", 100ms, vrrp::ChecksumForm::kRfc5798);
  b.world.take();
  const vrrp::IpMeta meta{*IpAddress::parse("10.0.2.15"), vrrp_group(Family::kIpv4), 255};
  const auto parsed = vrrp::parse_advertisement(meta, b.world.last_message);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->checksum_form, vrrp::ChecksumForm::kRfc5798);
  EXPECT_FALSE(b.router.warning());
  b.hear(10, "10.0.2.2", 100ms, vrrp::ChecksumForm::kRfc9568);
  ASSERT_TRUE(b.router.warning());
  EXPECT_EQ(b.router.warning()->reason, Reason::kChecksumFormsMixed);
}

TEST(Router, AnHeirSendsTheChecksumFormOfTheOneThatCrashed) {
  FakeWorld world;
  VirtualRouter router{0, desired_v4(), world.ports};
  router.set_adoption({true, BootTimePoint{0s}}, vrrp::ChecksumForm::kRfc5798);
  router.set_segment({}, segment());
  router.start({});
  ASSERT_EQ(router.state(), State::kMaster);
  const vrrp::IpMeta meta{*IpAddress::parse("10.0.2.15"), vrrp_group(Family::kIpv4), 255};
  const auto parsed = vrrp::parse_advertisement(meta, world.last_message);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->checksum_form, vrrp::ChecksumForm::kRfc5798);
}

plan::VirtualRouter desired_v2(const char* password = nullptr) {
  auto desired = desired_v4();
  desired.version = vrrp::Version::kV2;
  desired.interval = 1s;
  if (password != nullptr) desired.password = vrrp::SimplePassword::make(password);
  return desired;
}

// A whole message as a peer of version 2 builds it.
void hear_v2(Bench& b, const vrrp::AdvertisementFields& fields, const char* source = "10.0.2.1") {
  std::array<std::uint8_t, vrrp::kMaxMessage> bytes{};
  const vrrp::IpMeta meta{*IpAddress::parse(source), vrrp_group(Family::kIpv4), 255};
  const auto size = vrrp::build_advertisement(fields, meta.source, meta.destination, bytes);
  const auto parsed = vrrp::parse_advertisement(meta, std::span{bytes}.first(size));
  ASSERT_TRUE(parsed);
  const auto arrival = b.router.admit(meta);
  ASSERT_TRUE(arrival);
  b.router.on_advertisement(b.now, meta, *arrival, *parsed, b.now.mono);
}
vrrp::AdvertisementFields fields_v2(std::span<const IpAddress> addresses, const char* password = nullptr) {
  vrrp::AdvertisementFields fields;
  fields.version = vrrp::Version::kV2;
  fields.vrid = *vrrp::Vrid::make(51);
  fields.priority = 200;
  fields.interval = 1s;
  fields.addresses = addresses;
  if (password == nullptr) return fields;
  fields.auth_type = vrrp::kSimpleTextPassword;
  fields.auth_data = vrrp::SimplePassword::make(password)->data();
  return fields;
}
std::uint64_t drops(const Bench& b, DropReason reason) {
  return b.router.counters().drops[static_cast<std::size_t>(reason)];
}

// Vector P2 of the digest but for address and priority: auth type 1, whole seconds, the password padded with
// zeros.
TEST(RouterVersion2, SendsItsPasswordBehindTheAddresses) {
  Bench b{desired_v2("1111")};
  b.until(4s);
  ASSERT_EQ(b.router.state(), State::kMaster);
  const std::vector<std::uint8_t> expected{0x21, 51, 100, 2,   1,   1,   0x5e, 0x8f, 10, 0, 2, 100,
                                           10,   0,  2,   101, '1', '1', '1',  '1',  0,  0, 0, 0};
  ASSERT_EQ(b.world.last_message.size(), expected.size());
  auto got = b.world.last_message;
  EXPECT_EQ(vrrp::checksum_fold(vrrp::checksum_add(0, got)), 0) << "the message alone, password included";
  got[6] = expected[6], got[7] = expected[7];
  EXPECT_EQ(got, expected);
}

// What a peer of this list names, as bytes of an advertisement.
std::vector<std::uint8_t> named(const std::vector<plan::Address>& addresses, std::size_t count) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bytes = addresses[i].ip.bytes();
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

void hear_list(Bench& b, const std::vector<std::uint8_t>& list) {
  vrrp::Advertisement advertisement;
  advertisement.vrid = 51;
  advertisement.priority = 50;
  advertisement.interval = 100ms;
  advertisement.addresses = list;
  advertisement.address_count = list.size() / 4;
  const vrrp::IpMeta meta{*IpAddress::parse("10.0.2.1"), vrrp_group(Family::kIpv4), 255};
  b.router.on_advertisement(b.now, meta, *b.router.admit(meta), advertisement, b.now.mono);
}

TEST(RouterManyAddresses, NamesTheFirstOnesAndTakesAPeersFirstOnesForTheSameList) {
  auto desired = desired_v4();
  desired.addresses.clear();
  for (int i = 0; i < 1000; ++i)
    desired.addresses.push_back({IpAddress::v4(10, 1, std::uint8_t(i / 250), std::uint8_t(i % 250)), "web"});
  Bench b{desired};
  b.until(500ms);
  EXPECT_EQ(b.world.last_message[3], 255);
  EXPECT_EQ(b.world.last_message.size(), vrrp::kHeaderSize + std::size_t{4} * 255);
  hear_list(b, named(desired.addresses, 255));
  hear_list(b, named(desired.addresses, 200));  // of a smaller MTU
  EXPECT_EQ(b.router.counters().address_list_mismatches, 0u);
  auto other = named(desired.addresses, 255);
  other.back() ^= 1;
  hear_list(b, other);
  EXPECT_EQ(b.router.counters().address_list_mismatches, 1u);
}

TEST(RouterManyAddresses, TheLoserOfAThousandWaitsLongerForTheTakersAnnouncement) {
  for (const auto& [count, bound] : {std::pair{2, 20ms}, std::pair{1000, 495ms}}) {
    auto desired = desired_v4();
    desired.addresses.clear();
    for (int i = 0; i < count; ++i)
      desired.addresses.push_back(
          {IpAddress::v4(10, 1, std::uint8_t(i / 250), std::uint8_t(i % 250)), "web"});
    Bench b{desired};
    b.until(500ms);
    while (!b.world.log.empty()) b.kernel_answers();
    ASSERT_TRUE(b.router.addresses().complete());
    b.hear(200, "10.0.2.1", 1s);
    ASSERT_EQ(b.router.state(), State::kBackup);
    b.until(500ms + bound - 1ms);
    EXPECT_TRUE(b.router.addresses().wanted()) << count;
    b.until(500ms + bound);
    EXPECT_FALSE(b.router.addresses().wanted()) << count;
  }
}

TEST(RouterManyAddresses, AListThatAnAdvertisementHoldsIsComparedWhole) {
  Bench b;
  const auto desired = desired_v4();
  hear_list(b, named(desired.addresses, 2));
  EXPECT_EQ(b.router.counters().address_list_mismatches, 0u);
  hear_list(b, named(desired.addresses, 1));
  EXPECT_EQ(b.router.counters().address_list_mismatches, 1u);
}

TEST(RouterVersion2, HearsOnlyItsOwnPasswordIntervalAndVersion) {
  Bench b{desired_v2("1111")};
  const std::vector<IpAddress> listed{*IpAddress::parse("10.0.2.100"), *IpAddress::parse("10.0.2.101")};
  hear_v2(b, fields_v2(listed));
  EXPECT_EQ(drops(b, DropReason::kAuthType), 1u);
  hear_v2(b, fields_v2(listed, "2222"));
  EXPECT_EQ(drops(b, DropReason::kAuthFail), 1u);
  auto slow = fields_v2(listed, "1111");
  slow.interval = 2s;
  hear_v2(b, slow);
  EXPECT_EQ(drops(b, DropReason::kIntervalMismatch), 1u);
  b.hear(200);  // of version 3
  EXPECT_EQ(drops(b, DropReason::kVersion), 1u);
  EXPECT_EQ(b.router.counters().advertisements_received, 0u);
  EXPECT_FALSE(b.router.machine().heard_master());

  hear_v2(b, fields_v2(listed, "1111"));
  EXPECT_EQ(b.router.counters().advertisements_received, 1u);
  EXPECT_TRUE(b.router.machine().heard_master());
  EXPECT_EQ(b.router.counters().address_list_mismatches, 0u) << "the password is no part of the list";
}

TEST(RouterVersion2, WithoutAPasswordIgnoresTheBytesOfOne) {
  Bench b{desired_v2()};
  const std::vector<IpAddress> listed{*IpAddress::parse("10.0.2.100"), *IpAddress::parse("10.0.2.101")};
  auto fields = fields_v2(listed);
  fields.auth_data = {1, 2, 3};
  hear_v2(b, fields);
  EXPECT_EQ(b.router.counters().advertisements_received, 1u);
  hear_v2(b, fields_v2(listed, "1111"));
  EXPECT_EQ(drops(b, DropReason::kAuthType), 1u);
}

TEST(RouterVersion2, AnEditFromVersion3ResignsThereAndStandsHere) {
  Bench b;
  b.become_master();
  b.router.reconfigure(b.now, desired_v2("1111"));
  EXPECT_THAT(b.world.log, Contains("advert(0) on eth0"));
  EXPECT_EQ(b.router.state(), State::kBackup);
  b.until(10s);
  EXPECT_EQ(b.router.state(), State::kMaster);
  EXPECT_EQ(b.world.last_message[0], 0x21);
  EXPECT_EQ(b.world.last_message.size(), 24u);
}

TEST(RouterVersion2, ANewPasswordIsSentWithTheNextAdvertisementAndMovesNothing) {
  Bench b{desired_v2("1111")};
  b.until(4s);
  b.kernel_answers();
  ASSERT_EQ(b.router.state(), State::kMaster);
  b.router.reconfigure(b.now, desired_v2("2222"));
  EXPECT_THAT(b.world.take(), ElementsAre("announce"));
  b.until(5s);
  EXPECT_EQ(b.world.last_message[16], '2');
  EXPECT_EQ(b.router.state(), State::kMaster);
}

TEST(Router, AnotherVridIsAnotherRouter) {
  Bench b;
  b.become_master();
  auto desired = desired_v4();
  desired.vrid = *vrrp::Vrid::make(52);
  b.router.reconfigure(b.now, desired);
  EXPECT_THAT(b.world.log, Contains("advert(0) on eth0"));
  EXPECT_EQ(b.router.state(), State::kBackup);
}

TEST(Router, AnEditOfTheListInstallsAndRemovesOnlyTheDifference) {
  Bench b;
  b.become_master();
  auto desired = desired_v4();
  desired.addresses[1].ip = *IpAddress::parse("10.0.2.102");
  b.router.reconfigure(b.now, desired);
  EXPECT_THAT(b.world.take(), ElementsAre("remove 10.0.2.101", "silence", "dump", "add 10.0.2.102"));
  EXPECT_EQ(b.router.state(), State::kMaster);
}

TEST(Router, ReleasesAndIsFinishedWhenNothingOfItIsLeft) {
  Bench b;
  b.become_master();
  b.router.release(b.now, Reason::kDeleted);
  EXPECT_EQ(b.router.state(), State::kReleasing);
  b.until(2s);
  EXPECT_EQ(b.router.state(), State::kInit);
  EXPECT_FALSE(b.router.finished()) << "the kernel has not answered yet";
  b.kernel_answers();
  EXPECT_TRUE(b.router.finished());
}

TEST(Router, ATakersClaimEndsTheHold) {
  Bench b;
  b.become_master();
  b.hear(200);
  b.world.take();
  b.router.on_claim(b.now, {*IpAddress::parse("10.0.2.100"), {{2, 0, 0, 0, 0, 9}}, true}, b.now.mono);
  b.until(510ms);
  EXPECT_THAT(b.world.take(), Contains("remove 10.0.2.100"));
}

TEST(Router, ItsOwnClaimDoesNot) {
  Bench b;
  b.become_master();
  b.hear(200);
  b.world.take();
  b.router.on_claim(b.now, {*IpAddress::parse("10.0.2.100"), segment().mac, true}, b.now.mono);
  b.until(515ms);
  EXPECT_THAT(b.world.take(), IsEmpty());
}

TEST(Router, AnInterfaceThatGoesDownIsAFaultAndComesBack) {
  Bench b;
  b.become_master();
  b.router.set_segment(b.now,
                       tl::unexpected{ownership::NoSegment{Reason::kInterfaceDown, "eth0 is down", 2}});
  EXPECT_EQ(b.router.state(), State::kFault);
  EXPECT_EQ(b.router.detail(), "eth0 is down");
  b.router.set_segment(b.now, segment());
  EXPECT_EQ(b.router.state(), State::kBackup);
}

TEST(Router, MovesToAnotherInterfaceByGivingUpFirst) {
  Bench b;
  b.become_master();
  b.router.set_segment(b.now, segment("10.0.3.15", 3, "eth1"));
  const auto log = b.world.take();
  EXPECT_THAT(log, Contains("advert(0) on eth0"));
  EXPECT_THAT(log, Contains("remove 10.0.2.100"));
  EXPECT_EQ(b.router.state(), State::kBackup);
}

TEST(Router, AnnouncesNothingThatItHoldsForATaker) {
  Bench b;
  b.become_master();
  b.hear(200);
  ASSERT_EQ(b.router.state(), State::kBackup);
  b.router.on_kernel_address(b.now, *IpAddress::parse("10.0.2.100"), ownership::AddressSet::Kernel::kAbsent);
  EXPECT_THAT(b.world.log, Contains("add 10.0.2.100"));
  b.world.take();
  b.router.on_address_added(b.now, *IpAddress::parse("10.0.2.100"), false);
  EXPECT_THAT(b.world.take(), Not(Contains("announce")));
}

TEST(Router, AsksAgainForWhatAFullQueueRefused) {
  Bench b;
  b.world.accept_commands = false;
  b.until(500ms);
  ASSERT_EQ(b.router.state(), State::kMaster);
  EXPECT_THAT(b.world.take(), Not(Contains("add 10.0.2.100")));
  b.world.accept_commands = true;
  b.until(510ms);
  EXPECT_THAT(b.world.log, Contains("add 10.0.2.100"));
  b.kernel_answers();

  b.world.accept_commands = false;
  b.hear(200);
  b.until(530ms);
  EXPECT_THAT(b.world.take(), Not(Contains("remove 10.0.2.100")));
  b.world.accept_commands = true;
  b.until(540ms);
  EXPECT_THAT(b.world.log, Contains("remove 10.0.2.100")) << "two nodes would answer for it";
}

TEST(Router, AdoptsWithoutTouchingWhatIsThere) {
  FakeWorld world;
  const Instant now{TimePoint{10s}, BootTimePoint{10s}};
  VirtualRouter router{0, desired_v4(), world.ports};
  router.set_adoption({true, BootTimePoint{10s - 50ms}});
  router.set_segment(now, segment());
  ownership::KernelView view;
  for (const auto* ip : {"10.0.2.100", "10.0.2.101"}) {
    ownership::InterfaceAddress ours;
    ours.index = 2;
    ours.ip = *IpAddress::parse(ip);
    ours.protocol = ownership::kAddressProtocol;
    view.set_address(ours);
  }
  router.sync_kernel(now, view);
  EXPECT_THAT(world.log, IsEmpty());
  router.start(now);
  EXPECT_THAT(world.log, ElementsAre("advert(100) on eth0", "announce", "Init->Master"));
}

TEST(Router, CleansUpWhatAKilledAgentLeft) {
  FakeWorld world;
  const Instant now{};
  VirtualRouter router{0, desired_v4(), world.ports};
  router.set_segment(now, segment());
  ownership::KernelView view;
  ownership::InterfaceAddress ours;
  ours.index = 2;
  ours.ip = *IpAddress::parse("10.0.2.100");
  ours.protocol = ownership::kAddressProtocol;
  view.set_address(ours);
  router.sync_kernel(now, view);
  router.start(now);
  EXPECT_THAT(world.log, Contains("remove 10.0.2.100"));
}

}  // namespace
}  // namespace vipra::router
