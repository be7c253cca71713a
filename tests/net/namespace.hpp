// Network namespaces for tests on the real kernel. The test process leaves the machine's own namespace first,
// for an empty one; each Namespace is another. Everything is gone with the process.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "base/ip_address.hpp"
#include "sys/unique_fd.hpp"
#include "tests/net/eventually.hpp"

namespace vipra::net {

using namespace std::string_literals;

inline sys::UniqueFd open_own_namespace() {
  return sys::UniqueFd{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
}

// A shell command in the calling thread's namespace.
inline void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error{"failed: " + command};
}

class Namespace {
 public:
  Namespace() {
    int error = 0;
    std::thread{[&] {
      if (::unshare(CLONE_NEWNET) != 0)
        error = errno;
      else
        fd_ = open_own_namespace();
    }}.join();
    if (!fd_)
      throw std::runtime_error{std::string{"cannot make a network namespace (these tests need root): "} +
                               std::strerror(error)};
    const Inside inside{*this};
    const sys::UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) throw std::runtime_error{"cannot set lo up"};
  }

  // The calling thread, its sockets and the threads it starts belong to the namespace while this lives.
  class Inside {
   public:
    explicit Inside(const Namespace& ns) : before_{open_own_namespace()} {
      if (::setns(ns.fd_.get(), CLONE_NEWNET) != 0) throw std::runtime_error{"setns"};
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
      if (::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
    }

   private:
    sys::UniqueFd before_;
  };

  void run(const std::string& command) const {
    const Inside inside{*this};
    shell(command);
  }
  // Lines for ip(8), in one process: these tests shall not take long on a busy machine.
  void ip(const std::string& lines) const { run("ip -batch - <<'EOT'\n" + lines + "EOT"); }
  [[nodiscard]] int index_of(const std::string& name) const {
    const Inside inside{*this};
    return static_cast<int>(::if_nametoindex(name.c_str()));
  }
  // For "ip link set X netns PATH".
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get());
  }

 private:
  sys::UniqueFd fd_;
};

// a: eth0 192.0.2.1/24, 2001:db8::1/64, fe80::1 - - - b: eth0 192.0.2.2/24, 2001:db8::2/64, fe80::2
struct VethPair {
  Namespace a;
  Namespace b;

  VethPair() {
    a.ip(
        "link add eth0 address 02:00:00:00:00:01 type veth peer name peer0 address 02:00:00:00:00:02\n"
        "link set peer0 netns " +
        b.path() + "\nlink set eth0 addrgenmode none up\n");
    b.ip("link set peer0 name eth0\nlink set eth0 addrgenmode none up\n");
    // Until both ends see the other, the kernel drops what is sent and calls it a success.
    for (const auto* ns : {&a, &b})
      if (!eventually([&] { return running(*ns); })) throw std::runtime_error{"eth0 does not come up"};
    for (const auto& [ns, host] : {std::pair{&a, "1"}, std::pair{&b, "2"}}) {
      ns->ip("addr add 192.0.2."s + host + "/24 dev eth0\naddr add 2001:db8::" + host +
             "/64 dev eth0 nodad\naddr add fe80::" + host + "/64 dev eth0 nodad\n");
      // The kernel acknowledges an IPv6 address a little before it answers on it.
      if (!eventually([&] { return answers_ipv6(*ns, host); })) throw std::runtime_error{"no local route"};
    }
  }
  [[nodiscard]] int index_a() const { return a.index_of("eth0"); }
  [[nodiscard]] int index_b() const { return b.index_of("eth0"); }

 private:
  static bool running(const Namespace& ns) {
    const Namespace::Inside inside{ns};
    const sys::UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    std::strcpy(request.ifr_name, "eth0");
    return ::ioctl(fd.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
  }
  static bool answers_ipv6(const Namespace& ns, const char* host) {
    const Namespace::Inside inside{ns};
    std::ifstream routes{"/proc/thread-self/net/ipv6_route"};
    const std::string text{std::istreambuf_iterator<char>{routes}, {}};
    for (const auto* prefix : {"20010db8", "fe800000"})
      if (text.find(std::string{prefix} + "00000000000000000000000" + host + " 80 ") == std::string::npos)
        return false;
    return true;
  }
};

// Whether somebody answers on `ip`: a closed TCP port does, by a reset. Resolves the neighbour on the way.
inline bool reaches(const Namespace& from, const IpAddress& ip) {
  const Namespace::Inside inside{from};
  sockaddr_storage name{};
  socklen_t size = 0;
  const in_port_t port = htons(9);
  if (ip.is_v4()) {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = port, .sin_addr = {}, .sin_zero = {}};
    std::memcpy(&v4.sin_addr, ip.bytes().data(), sizeof(v4.sin_addr));
    std::memcpy(&name, &v4, size = sizeof(v4));
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    std::memcpy(&v6.sin6_addr, ip.bytes().data(), sizeof(v6.sin6_addr));
    std::memcpy(&name, &v6, size = sizeof(v6));
  }
  const sys::UniqueFd fd{::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0 || errno == ECONNREFUSED;
}

// Before any test: out of the machine's own namespace. A test that cannot do that fails, and says why.
class LeaveHostNamespace final : public testing::Environment {
 public:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0)
        << "these tests need root: cannot make a network namespace: " << std::strerror(errno);
  }
};
inline testing::Environment* const leave_host_namespace =
    testing::AddGlobalTestEnvironment(new LeaveHostNamespace);

}  // namespace vipra::net
