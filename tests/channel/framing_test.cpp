#include "channel/framing.hpp"

#include <gtest/gtest.h>

#include "channel/protocol.hpp"
#include "sys/memfd.hpp"

namespace vipra::channel {
namespace {

using sys::SendOutcome;

TEST(Framing, a_message_arrives_as_it_was_sent) {
  auto ends = sys::SeqPacket::pair().value();
  sys::SeqPacket a{std::move(ends.first)};
  sys::SeqPacket b{std::move(ends.second)};
  Encoder encoder;
  v1::ControlMessage message;
  *message.mutable_hello() = make_hello(v1::ROLE_CONTROL, "test", 99);
  ASSERT_EQ(send(a, encoder, message).value(), SendOutcome::kSent);
  const auto got = b.receive();
  v1::ControlMessage read;
  ASSERT_TRUE(decode(got.bytes, read));
  EXPECT_EQ(read.hello().epoch(), 99U);
}

TEST(Framing, refuses_to_send_what_no_datagram_holds) {
  Encoder encoder;
  v1::AgentMessage message;
  message.mutable_snapshots()->add_removed(std::string(sys::kMaxDatagram, 'x'));
  EXPECT_FALSE(encoder.encode(message));
}

TEST(Framing, the_largest_agent_message_fits_the_speakers_envelope) {
  Encoder encoder;
  v1::FromSpeaker message;
  message.set_agent_message(std::string(kMaxAgentMessageBytes, 'x'));
  EXPECT_TRUE(encoder.encode(message));
}

TEST(Framing, leaves_an_empty_message_where_bytes_are_malformed) {
  v1::ControlMessage message;
  message.mutable_hello()->set_epoch(1);
  const std::vector<std::uint8_t> garbage{0x0a, 0xff, 0xff, 0x01};
  EXPECT_FALSE(decode(garbage, message));
  EXPECT_FALSE(message.has_hello());
  EXPECT_FALSE(decode(std::vector<std::uint8_t>(sys::kMaxDatagram + 1), message));
}

TEST(Framing, an_empty_datagram_is_an_empty_message) {
  v1::ControlMessage message;
  EXPECT_TRUE(decode({}, message));
  EXPECT_EQ(message.body_case(), v1::ControlMessage::BODY_NOT_SET);
}

TEST(Framing, writes_no_complaint_to_stderr_once_silenced) {
  silence_protobuf_log();
  v1::Contribution invalid;
  testing::internal::CaptureStderr();
  // A string field that is not UTF-8.
  EXPECT_FALSE(decode(std::vector<std::uint8_t>{0x0a, 0x02, 0xff, 0xfe}, invalid));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Framing, puts_a_message_into_a_sealed_memory_file_within_its_limit) {
  v1::ContributionSet set;
  set.add_contributions()->set_consumer("web/ipv4");
  const auto fd = to_memfd("test", set, 1024);
  ASSERT_TRUE(fd);
  const auto view = sys::SealedView::map(fd->get(), set.ByteSizeLong(), 1024);
  ASSERT_TRUE(view);
  v1::ContributionSet read;
  ASSERT_TRUE(read.ParseFromArray(view->bytes().data(), static_cast<int>(view->bytes().size())));
  EXPECT_EQ(read.contributions(0).consumer(), "web/ipv4");
  EXPECT_FALSE(to_memfd("test", set, 3));
}

}  // namespace
}  // namespace vipra::channel
