// A speaker that elects nothing and does what a test tells it: it writes what it hears into
// $VIPRA_TEST_DIR/journal, one line each, and takes orders from the datagram socket "orders" there. Files in
// that folder make it misbehave from the start.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "agent/owned_page.hpp"
#include "channel/convert.hpp"
#include "channel/framing.hpp"
#include "channel/protocol.hpp"
#include "runtime/clock.hpp"
#include "vrrp/packet.hpp"

namespace {

using namespace vipra;
namespace wire = channel::v1;

class ScriptedSpeaker {
 public:
  ScriptedSpeaker(int link_fd, std::string folder)
      : link_{sys::UniqueFd{link_fd}}, folder_{std::move(folder)} {
    journal_.reset(::open((folder_ + "/journal").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    orders_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = folder_ + "/orders";
    ::unlink(path.c_str());
    std::strcpy(address.sun_path, path.c_str());
    if (::bind(orders_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  }

  int run() {
    note("start");
    if (told_to("die_at_start")) return 1;
    if (told_to("mute")) return ::pause();
    wire::FromSpeaker message;
    *message.mutable_hello() =
        channel::make_hello(wire::ROLE_SPEAKER, "scripted", static_cast<std::uint64_t>(::getpid()));
    if (told_to("wrong_version")) message.mutable_hello()->set_version(99);
    send(message);
    if (told_to("die_after_hello")) return 1;
    while (!exit_status_) turn();
    return *exit_status_;
  }

 private:
  bool told_to(const char* what) const { return ::access((folder_ + "/" + what).c_str(), F_OK) == 0; }

  void note(const std::string& text) {
    const auto line = std::to_string(::getpid()) + " " + text + "\n";
    if (::write(journal_.get(), line.data(), line.size()) < 0) std::abort();
  }
  void send(const wire::FromSpeaker& message) {
    const auto outcome = channel::send(link_, encoder_, message);
    if (!outcome || *outcome == sys::SendOutcome::kWouldBlock) note("not_sent");
  }

  void turn() {
    std::array<pollfd, 2> fds{{{link_.fd(), POLLIN, 0}, {orders_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), 20);
    beat();
    if (fds[1].revents != 0) take_order();
    if (fds[0].revents != 0 && !deaf_) hear();
  }

  void beat() {
    if (page_ == nullptr || silent_) return;
    const auto now = runtime::now().mono.time_since_epoch().count();
    page_->next_deadline_ns = now + 20'000'000;
    page_->heartbeat_ns = now;
  }

  void hear() {
    auto got = link_.receive();
    if (got.kind == sys::Received::Kind::kClosed) exit_status_ = 0;
    wire::ToSpeaker message;
    if (got.kind != sys::Received::Kind::kMessage || !channel::decode(got.bytes, message)) return;
    std::ostringstream text;
    switch (message.body_case()) {
      case wire::ToSpeaker::kHello:
        text << "hello " << message.hello().role();
        break;
      case wire::ToSpeaker::kHandles:
        return take_table(message.handles(), std::move(got.fds));
      case wire::ToSpeaker::kHandleOpened:
        text << "opened " << message.handle_opened().handle().kind() << ":"
             << message.handle_opened().handle().interface_index() << " fds " << got.fds.size() << " "
             << message.handle_opened().error();
        break;
      case wire::ToSpeaker::kDesiredState: {
        const auto state = channel::read_desired_state_file(got.fds.at(0).get(), message.desired_state());
        text << "desired " << (state ? std::to_string(state->generation) : state.error().what);
        break;
      }
      case wire::ToSpeaker::kContributionSet: {
        const auto set = channel::read_contribution_set_file(got.fds.at(0).get(), message.contribution_set());
        text << "contributions";
        for (const auto& item : set.value()) text << " " << item.source << "=" << item.delta;
        break;
      }
      case wire::ToSpeaker::kContributionDelta:
        text << "delta +" << message.contribution_delta().upserts_size() << " -"
             << message.contribution_delta().removals_size();
        break;
      case wire::ToSpeaker::kResync:
        text << "resync";
        break;
      case wire::ToSpeaker::kRelease:
        release();
        return;
      case wire::ToSpeaker::BODY_NOT_SET:
        text << "nothing";
        break;
    }
    note(text.str());
  }

  void take_table(const wire::HandleTable& table, std::vector<sys::UniqueFd> fds) {
    std::ostringstream text;
    text << "handles";
    for (int i = 0; i < table.handles_size(); ++i) {
      const auto& handle = table.handles(i);
      text << " " << handle.kind() << ":" << handle.interface_index();
      if (handle.kind() == wire::HANDLE_KIND_OWNED_PAGE) map(fds.at(static_cast<std::size_t>(i)).get());
    }
    text << (table.last() ? " last" : "")
         << (static_cast<std::size_t>(table.handles_size()) == fds.size() ? "" : " bad");
    if (page_ != nullptr && page_->slots[0].in_use != 0)
      text << " adopts " << page_->slots[0].router.id_view();
    note(text.str());
  }

  void map(int fd) {
    void* const at = ::mmap(nullptr, sizeof(agent::OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) std::abort();
    page_ = static_cast<agent::OwnedPage*>(at);
    beat();
  }

  void release() {
    note("release");
    if (told_to("ignore_release")) return;
    page_->slots[0].in_use = 0;
    wire::FromSpeaker message;
    message.mutable_released();
    send(message);
    exit_status_ = 0;
  }

  void take_order() {
    std::array<char, 4096> buffer{};
    const auto size = ::recv(orders_.get(), buffer.data(), buffer.size(), 0);
    std::istringstream words{
        std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)))};
    std::string order;
    words >> order;
    wire::FromSpeaker message;
    if (order == "open" || order == "close") {
      int kind = 0;
      std::uint32_t index = 0;
      words >> kind >> index;
      auto* handle = order == "open" ? message.mutable_open_handle()->mutable_handle()
                                     : message.mutable_close_handle()->mutable_handle();
      handle->set_kind(static_cast<wire::HandleKind>(kind));
      handle->set_interface_index(index);
      send(message);
    } else if (order == "own") {
      own(words);
    } else if (order == "say") {
      int times = 0;
      std::string text;
      words >> times >> text;
      wire::AgentMessage snapshot;
      snapshot.mutable_snapshots()->add_removed(text);
      message.set_agent_message(snapshot.SerializeAsString());
      for (int i = 0; i < times; ++i) send(message);
    } else if (order == "garbage") {
      note("did garbage");  // before: the answer to it is SIGKILL
      const std::array<std::uint8_t, 3> bytes{0x0a, 0xff, 0x01};
      (void)link_.send(bytes);
    } else if (order == "unlink") {
      link_ = sys::SeqPacket{sys::UniqueFd{}};
      deaf_ = true;
    } else if (order == "silent") {
      silent_ = true;
    } else if (order == "exit") {
      int status = 0;
      words >> status;
      exit_status_ = status;
    }
    if (order != "garbage") note("did " + order);
  }

  // "own STATE INDEX SOURCE VRID PEER...": a slot as the master of a router writes it.
  void own(std::istringstream& words) {
    int state = 0;
    int vrid = 0;
    std::string source_text;
    auto& slot = page_->slots[0];
    auto& router = slot.router;
    words >> state >> router.interface_index >> source_text >> vrid;
    const auto source = IpAddress::parse(source_text).value();
    const auto group = vrrp_group(source.family());
    router.family = source.is_v4() ? 4 : 6;
    std::vector<IpAddress> addresses{IpAddress::v4(10, 99, 0, 100)};
    if (!source.is_v4()) addresses = {*IpAddress::parse("fe80::100"), *IpAddress::parse("2001:db8::100")};
    vrrp::AdvertisementFields fields;
    fields.family = source.family();
    fields.vrid = *vrrp::Vrid::make(vrid);
    fields.priority = 200;
    fields.interval = std::chrono::milliseconds{100};
    fields.addresses = addresses;
    fields.checksum_form = router.checksum_form = vrrp::ChecksumForm::kRfc5798;
    std::array<std::uint8_t, vrrp::kMaxMessage> message{};
    router.message_size =
        static_cast<std::uint16_t>(vrrp::build_advertisement(fields, source, group, message));
    std::copy_n(message.begin(), router.message_size, router.message.begin());
    std::vector<IpAddress> destinations{group};
    for (std::string peer; words >> peer;) destinations.push_back(IpAddress::parse(peer).value());
    router.destination_count = static_cast<std::uint16_t>(destinations.size());
    for (std::size_t i = 0; i < destinations.size(); ++i) {
      std::ranges::copy(source.bytes(), router.destinations[i].source.begin());
      std::ranges::copy(destinations[i].bytes(), router.destinations[i].destination.begin());
    }
    std::strcpy(router.id.data(), "web/test");
    router.state = static_cast<State>(state);
    router.vrid = static_cast<std::uint8_t>(vrid);
    router.holds_addresses = true;
    router.interval_ns = 100'000'000;
    slot.in_use = 1;
    slot.sequence = 2;
    page_->slots_used = 1;
  }

  sys::SeqPacket link_;
  std::string folder_;
  sys::UniqueFd journal_;
  sys::UniqueFd orders_;
  channel::Encoder encoder_;
  agent::OwnedPage* page_ = nullptr;
  std::optional<int> exit_status_;
  bool silent_ = false;
  bool deaf_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  int link_fd = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view{argv[i]} == "--link-fd") link_fd = std::atoi(argv[i + 1]);
  }
  const char* const folder = std::getenv("VIPRA_TEST_DIR");
  if (link_fd < 0 || folder == nullptr) return 2;
  ::signal(SIGPIPE, SIG_IGN);
  return ScriptedSpeaker{link_fd, folder}.run();
}
