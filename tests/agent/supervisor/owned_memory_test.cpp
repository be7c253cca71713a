#include "agent/supervisor/owned_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;

// The speaker's view of the page.
class Speaker {
 public:
  explicit Speaker(const OwnedMemory& memory) {
    void* const at =
        ::mmap(nullptr, sizeof(agent::OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd(), 0);
    EXPECT_NE(at, MAP_FAILED);
    page_ = static_cast<agent::OwnedPage*>(at);
  }
  ~Speaker() { ::munmap(page_, sizeof(agent::OwnedPage)); }

  agent::OwnedRouter& write(std::size_t index, const char* id, State state, bool holds = true) {
    auto& slot = page_->slots[index];
    slot.sequence.store(2);
    slot.in_use = 1;
    std::strcpy(slot.router.id.data(), id);
    slot.router.state = state;
    slot.router.family = 4;
    slot.router.holds_addresses = holds;
    slot.router.interface_index = 3;
    slot.router.interval_ns = 100'000'000;
    slot.router.destination_count = 1;
    slot.router.destinations[0] = {{10, 0, 0, 1}, {224, 0, 0, 18}};
    slot.router.message_size = 12;
    slot.router.message[0] = 0x31;
    if (page_->slots_used.load() <= index) page_->slots_used.store(static_cast<std::uint32_t>(index) + 1);
    return slot.router;
  }
  agent::OwnedPage& page() { return *page_; }

 private:
  agent::OwnedPage* page_ = nullptr;
};

struct OwnedMemoryTest : testing::Test {
  OwnedMemory memory = OwnedMemory::make().value();
  Speaker speaker{memory};
};

TEST_F(OwnedMemoryTest, is_empty_at_first_has_its_version_and_one_size_for_ever) {
  EXPECT_TRUE(memory.read().nothing());
  EXPECT_EQ(speaker.page().version, agent::kOwnedPageVersion);
  EXPECT_EQ(::ftruncate(memory.fd(), 0), -1);
  struct stat info{};
  ASSERT_EQ(::fstat(memory.fd(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 64 * 1024) << "an empty table costs next to nothing";
}

TEST_F(OwnedMemoryTest, tells_for_whom_to_resign) {
  speaker.write(0, "web/ipv4", State::kMaster);
  speaker.write(1, "mail/ipv4", State::kReleasing);
  const auto owned = memory.read();
  ASSERT_EQ(owned.voices.size(), 2U);
  EXPECT_EQ(owned.voices[0].router, "web/ipv4");
  EXPECT_EQ(owned.voices[0].interface_index, 3U);
  EXPECT_EQ(owned.voices[0].destinations,
            (std::vector{vrrp::Endpoints{IpAddress::v4(10, 0, 0, 1), vrrp_group(Family::kIpv4)}}));
  EXPECT_EQ(owned.voices[0].message.size(), 12U);
  EXPECT_TRUE(owned.addresses);
  EXPECT_EQ(owned.longest_interval, milliseconds{100});
}

TEST_F(OwnedMemoryTest, speaks_for_no_backup_even_if_addresses_of_it_are_left) {
  speaker.write(0, "a", State::kBackup, true);
  speaker.write(1, "b", State::kBackup, false);
  speaker.write(2, "c", State::kFault, false);
  const auto owned = memory.read();
  EXPECT_TRUE(owned.voices.empty());
  EXPECT_TRUE(owned.addresses);
  EXPECT_EQ(owned.holders, 1U);
  EXPECT_EQ(owned.routers.size(), 3U);
}

TEST_F(OwnedMemoryTest, ignores_free_slots) {
  speaker.write(0, "a", State::kMaster);
  speaker.page().slots[0].in_use = 0;
  EXPECT_TRUE(memory.read().nothing());
}

TEST_F(OwnedMemoryTest, trusts_no_torn_slot_but_suspects_addresses) {
  speaker.write(0, "a", State::kMaster);
  speaker.page().slots[0].sequence.store(3);
  const auto owned = memory.read();
  EXPECT_TRUE(owned.voices.empty());
  EXPECT_TRUE(owned.addresses);
}

TEST_F(OwnedMemoryTest, survives_whatever_stands_in_a_slot) {
  speaker.write(0, "a", State::kMaster).message_size = 65535;
  speaker.write(1, "b", State::kMaster).message_size = 0;
  speaker.write(2, "c", State::kMaster).family = 5;
  speaker.write(3, "d", static_cast<State>(99));
  speaker.write(4, "e", State::kMaster).id.fill('x');
  speaker.write(5, "f", State::kMaster).destination_count = 0;
  speaker.write(6, "g", State::kMaster).destination_count = 65535;
  speaker.page().slots_used.store(0xffffffff);
  const auto owned = memory.read();
  for (const auto& voice : owned.voices) EXPECT_LE(voice.message.size(), 1460U);
  for (const auto& voice : owned.voices) EXPECT_EQ(voice.destinations.size(), 1U);
  for (const auto& voice : owned.voices) EXPECT_EQ(voice.router, "") << "an id without an end is none";
}

TEST_F(OwnedMemoryTest, clearing_leaves_whole_free_slots) {
  speaker.write(0, "a", State::kMaster);
  speaker.write(1, "b", State::kMaster);
  speaker.page().slots[1].sequence.store(7);
  memory.clear();
  EXPECT_TRUE(memory.read().nothing());
  EXPECT_EQ(speaker.page().slots[1].sequence.load() % 2, 0U);
}

TEST_F(OwnedMemoryTest, a_new_speaker_has_no_pulse_yet) {
  speaker.page().heartbeat_ns.store(5);
  speaker.page().next_deadline_ns.store(6);
  EXPECT_EQ(memory.pulse(true).heartbeat_ns, 5);
  EXPECT_EQ(memory.pulse(true).next_deadline_ns, 6);
  memory.reset_pulse();
  EXPECT_EQ(memory.pulse(true).heartbeat_ns, 0);
}

TEST_F(OwnedMemoryTest, inherits_what_a_short_lived_speaker_emptied_and_nothing_that_it_spoke_of) {
  speaker.write(0, "gone", State::kMaster);
  speaker.write(1, "demoted", State::kMaster);
  const auto older = memory.read();
  memory.clear();
  speaker.write(1, "demoted", State::kBackup, false);
  auto newer = memory.read();
  inherit(newer, older);
  ASSERT_EQ(newer.voices.size(), 1U);
  EXPECT_EQ(newer.voices[0].router, "gone");
  EXPECT_TRUE(newer.addresses);
}

}  // namespace
}  // namespace vipra::supervisor
