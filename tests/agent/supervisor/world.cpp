#include "tests/agent/supervisor/world.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "channel/convert.hpp"
#include "channel/protocol.hpp"
#include "net/route_socket.hpp"
#include "runtime/clock.hpp"
#include "vrrp/packet.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kPrograms = VIPRA_BINARY_DIR "/tests";

void must(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

int count(const std::string& text, const std::string& what) {
  int found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, Duration within) {
  const auto end = runtime::now().mono + within;
  while (!condition()) {
    if (runtime::now().mono > end) return condition();
    std::this_thread::sleep_for(milliseconds{2});
  }
  return true;
}

Agent::Agent(const std::string& folder, const std::string& log, const Plan& plan) : log_path_{log} {
  auto arguments = plan.arguments;
  arguments.insert(arguments.begin(), std::string{kPrograms} + "/supervisor_under_test");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (plan.elsewhere && ::unshare(CLONE_NEWNET) != 0) ::_exit(126);
  for (int capability = 0; capability < 64; ++capability) {
    if ((plan.capabilities >> capability & 1U) == 0) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  ::setenv("VIPRA_TEST_SPEAKER", (std::string{kPrograms} + "/scripted_speaker").c_str(), 1);
  ::setenv("VIPRA_TEST_DIR", folder.c_str(), 1);
  for (const auto& [name, value] : plan.environment) ::setenv(name.c_str(), value.c_str(), 1);
  const int out =
      plan.stdout_fd >= 0 ? plan.stdout_fd : ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Agent::~Agent() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (testing::Test::HasFailure()) std::fprintf(stderr, "log of the agent:\n%s", log().c_str());
}

void Agent::signal(int signal) const {
  ::kill(pid_, signal);
}

std::optional<int> Agent::wait(Duration within) {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, within)) return std::nullopt;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Agent::log() const {
  return read_file(log_path_);
}
int Agent::logged(const std::string& event) const {
  return count(log(), "\"event\":\"" + event + "\"");
}

// Making and removing namespaces and links waits for the whole host's routing lock: once is enough.
void World::SetUpTestSuite() {
  if (::if_nametoindex("near0") != 0) return;
  if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("these tests need root");
  must(
      "ip link set lo up && ip link add near0 type veth peer name far0 && "
      "sysctl -qw net.ipv6.conf.near0.accept_dad=0 net.ipv6.conf.far0.disable_ipv6=1 && "
      "ip link set near0 up && ip link set far0 up && "
      "ip address add 10.99.0.1/24 dev near0 && ip address add fe80::1/64 dev near0 nodad");
}

bool Agent::logs(const std::string& event, int wanted) const {
  return eventually([&] { return logged(event) == wanted; });
}

World::World() : near_index_{::if_nametoindex("near0")} {
  char name[] = "/tmp/vipra-supervisor-XXXXXX";
  folder_ = ::mkdtemp(name);
  ::chmod(folder_.c_str(), 0755);
  open_tap();
}

World::~World() {
  if (HasFailure()) std::fprintf(stderr, "journal of the speakers:\n%s", journal().c_str());
  agents_.clear();
  std::filesystem::remove_all(folder_);
  if (auto socket = net::RouteSocket::open()) (void)socket->remove_all_marked();
}

Agent& World::start_agent(Agent::Plan plan) {
  auto& arguments = plan.arguments;
  if (std::find(arguments.begin(), arguments.end(), "--control-binary") == arguments.end()) {
    arguments.emplace_back("--no-control");
  }
  for (const std::string& word :
       {std::string{"--node"}, std::string{"node-a"}, std::string{"--run-dir"}, run_dir(),
        std::string{"--state-dir"}, folder_ + "/state", std::string{"--log-level"}, std::string{"debug"},
        std::string{"--lock-memory"}, std::string{"off"}}) {
    arguments.push_back(word);
  }
  const auto log = folder_ + "/log" + std::to_string(agents_.size());
  agents_.push_back(std::make_unique<Agent>(folder_, log, plan));
  return *agents_.back();
}

void World::tell_speakers(const char* what) const {
  std::ofstream{folder_ + "/" + what};
}
void World::forgive_speakers(const char* what) const {
  std::filesystem::remove(folder_ + "/" + what);
}

void World::order(const std::string& text) {
  const auto word = text.substr(0, text.find(' '));
  const auto done = std::to_string(speaker_pid()) + " did " + word + "\n";
  const int before = journal_lines(done);
  const sys::UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (folder_ + "/orders").c_str());
  ASSERT_EQ(::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                     sizeof address),
            static_cast<ssize_t>(text.size()));
  ASSERT_TRUE(eventually([&] { return journal_lines(done) > before; })) << text;
}

std::string World::journal() const {
  return read_file(folder_ + "/journal");
}
int World::journal_lines(const std::string& text) const {
  return count(journal(), text);
}
bool World::speakers_ready(int wanted) const {
  return eventually([&] { return journal_lines(" last") >= wanted; });
}

pid_t World::speaker_pid() const {
  const auto text = journal();
  const auto end = text.rfind(" start\n");
  if (end == std::string::npos) return 0;
  const auto begin = text.rfind('\n', end);
  return std::atoi(text.c_str() + (begin == std::string::npos ? 0 : begin + 1));
}

void World::add_marked(const char* address) const {
  auto socket = net::RouteSocket::open();
  ASSERT_TRUE(socket);
  const auto added = socket->add_address(static_cast<int>(near_index_), *IpAddress::parse(address));
  ASSERT_TRUE(added) << added.error().what;
}

bool World::has_marked() const {
  auto dump = net::RouteSocket::open()->dump();
  EXPECT_TRUE(dump);
  return std::any_of(dump->addresses.begin(), dump->addresses.end(),
                     [](const auto& address) { return address.protocol == net::kAddressProtocol; });
}

void World::open_tap() {
  tap_.reset(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("far0"));
  if (::bind(tap_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  const int on = 1;
  ::setsockopt(tap_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

std::vector<Advert> World::heard() {
  std::vector<Advert> out;
  std::array<std::uint8_t, 2048> buffer{};
  alignas(cmsghdr) std::array<char, 128> control{};
  while (true) {
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const auto size = ::recvmsg(tap_.get(), &header, 0);
    if (size < 0) return out;
    const std::span packet{buffer.data(), static_cast<std::size_t>(size)};
    std::span<const std::uint8_t> message;
    vrrp::IpMeta meta{{}, {}, vrrp::kTtl};
    if (packet.size() > 20 && packet[0] >> 4 == 4 && packet[9] == vrrp::kIpProtocol) {
      message = packet.subspan(static_cast<std::size_t>(packet[0] & 15) * 4);
      meta.source = IpAddress::from_bytes(packet.subspan(12, 4)).value();
      meta.destination = IpAddress::from_bytes(packet.subspan(16, 4)).value();
    } else if (packet.size() > 40 && packet[0] >> 4 == 6 && packet[6] == vrrp::kIpProtocol) {
      message = packet.subspan(40);
      meta.source = IpAddress::from_bytes(packet.subspan(8, 16)).value();
      meta.destination = IpAddress::from_bytes(packet.subspan(24, 16)).value();
    } else {
      continue;
    }
    Advert advert{
        message[2], message[1], {}, meta.destination, vrrp::parse_advertisement(meta, message).has_value()};
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
      timespec at{};
      if (item->cmsg_type != SO_TIMESTAMPNS) continue;
      std::memcpy(&at, CMSG_DATA(item), sizeof at);
      advert.at = TimePoint{seconds{at.tv_sec} + Duration{at.tv_nsec}};
    }
    out.push_back(advert);
  }
}

FakeControl::FakeControl(const std::string& path, std::uint32_t version)
    : socket_{[&] {
        auto socket = sys::SeqPacket::connect(path);
        (void)eventually([&] {
          if (!socket) socket = sys::SeqPacket::connect(path);
          return socket.has_value();
        });
        return std::move(socket.value());
      }()} {
  channel::v1::ControlMessage message;
  *message.mutable_hello() = channel::make_hello(channel::v1::ROLE_CONTROL, "test", 1);
  message.mutable_hello()->set_version(version);
  send(message);
}

void FakeControl::send(const channel::v1::ControlMessage& message, std::span<const int> fds) {
  (void)channel::send(socket_, encoder_, message, fds);
}

void FakeControl::send_desired(std::uint64_t generation) {
  plan::VirtualRouter router;
  router.id = "web/ipv4";
  router.addresses = {{IpAddress::v4(10, 99, 0, 100), "web"}};
  router.seniority.name = "web";
  const auto file = channel::make_desired_state_file({generation, "node-a", {router}, {}}).value();
  channel::v1::ControlMessage message;
  *message.mutable_desired_state() = file.ref;
  const int fd = file.fd.get();
  send(message, {&fd, 1});
}

void FakeControl::send_contributions(const std::map<std::string, int>& delta_by_source) {
  std::vector<plan::Contribution> list;
  for (const auto& [source, delta] : delta_by_source) {
    list.push_back({"web/ipv4", source, delta, false, Reason::kCheckFailed, "", false});
  }
  const auto file = channel::make_contribution_set_file(list).value();
  channel::v1::ControlMessage message;
  *message.mutable_contribution_set() = file.ref;
  const int fd = file.fd.get();
  send(message, {&fd, 1});
}

void FakeControl::send_delta(const std::string& source, int delta) {
  channel::v1::ControlMessage message;
  *message.mutable_contribution_delta()->add_upserts() = channel::to_proto(
      plan::Contribution{"web/ipv4", source, delta, false, Reason::kCheckFailed, "", false});
  send(message);
}

std::optional<channel::v1::AgentMessage> FakeControl::receive(
    const std::function<bool(const channel::v1::AgentMessage&)>& wanted) {
  const auto end = runtime::now().mono + seconds{15};
  while (runtime::now().mono < end) {
    pollfd ready{socket_.fd(), POLLIN, 0};
    ::poll(&ready, 1, 100);
    const auto got = socket_.receive();
    if (got.kind == sys::Received::Kind::kClosed) return std::nullopt;
    channel::v1::AgentMessage message;
    if (got.kind == sys::Received::Kind::kMessage && channel::decode(got.bytes, message) && wanted(message)) {
      return message;
    }
  }
  return std::nullopt;
}

bool FakeControl::hung_up() {
  return eventually([this] {
    auto got = socket_.receive();
    return got.kind == sys::Received::Kind::kClosed;
  });
}

}  // namespace vipra::supervisor
