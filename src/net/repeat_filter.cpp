#include "net/repeat_filter.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <tuple>
#include <utility>

namespace vipra::net {
namespace {

constexpr std::uint32_t kAccept = 0xffff'ffff;
constexpr std::uint32_t kRefuse = 0;
constexpr std::uint32_t kLeastMessage = 8;    // shorter ones are not compared: reading beyond the end refuses
constexpr std::ptrdiff_t kMostInGroup = 200;  // a conditional jump reaches 255 instructions
constexpr std::uint32_t kIpv4Source = 12;
constexpr std::uint32_t kIpv6Source = static_cast<std::uint32_t>(SKF_NET_OFF) + 8;
constexpr std::uint32_t kInterval = 4;

std::uint32_t word(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}
std::uint32_t half_word(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 8 | bytes[1];
}

class Program {
 public:
  explicit Program(Family family) : v4_{family == Family::kIpv4} {}

  void add(int code, std::uint32_t k, std::size_t if_true = 0, std::size_t if_false = 0) {
    code_.push_back(BPF_JUMP(static_cast<std::uint16_t>(code), k, static_cast<std::uint8_t>(if_true),
                             static_cast<std::uint8_t>(if_false)));
  }
  void give(std::uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }

  // A packet begins with its IPv4 header, of any length, or behind all headers of IPv6.
  void refer_to_message() {
    if (v4_) add(BPF_LDX | BPF_B | BPF_MSH, 0);
    add(BPF_LD | BPF_W | BPF_LEN, 0);
    if (v4_) add(BPF_ALU | BPF_SUB | BPF_X, 0);
  }
  void load_message(int size, std::uint32_t offset) {
    add(BPF_LD | size | (v4_ ? BPF_IND : BPF_ABS), offset);
  }
  // Else the rest of the group is passed over.
  void must_be(std::uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    leave_group();
  }
  void source_must_be(const IpAddress& source) {
    const auto bytes = source.bytes();
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      add(BPF_LD | BPF_W | BPF_ABS, (v4_ ? kIpv4Source : kIpv6Source) + static_cast<std::uint32_t>(i));
      must_be(word(bytes.subspan(i)));
    }
  }
  void leave_group() {
    leaving_.push_back(code_.size());
    add(BPF_JMP | BPF_JA, 0);
  }
  void end_group() {
    for (const auto at : leaving_) code_[at].k = static_cast<std::uint32_t>(code_.size() - at - 1);
    leaving_.clear();
  }
  [[nodiscard]] std::vector<sock_filter> take() { return std::move(code_); }

 private:
  const bool v4_;
  std::vector<sock_filter> code_;
  std::vector<std::size_t> leaving_;
};

bool same_group(const RepeatedAdvertisement& a, const RepeatedAdvertisement& b) {
  return a.source == b.source && a.head[4] == b.head[4] && a.head[5] == b.head[5];
}

}  // namespace

Duration RepeatedAdvertisement::interval() const noexcept {
  constexpr int kVersion2 = 2;
  if (head[0] >> 4 == kVersion2) return std::chrono::seconds{head[5]};
  return std::chrono::milliseconds{10} * ((head[4] & 0x0f) << 8 | head[5]);
}

std::vector<sock_filter> repeat_filter(std::span<const RepeatedAdvertisement> repeats, Family family,
                                       Hears hears) {
  const auto of_repeats = hears == Hears::kRepeats ? kAccept : kRefuse;
  const auto of_others = hears == Hears::kRepeats ? kRefuse : kAccept;
  std::vector<RepeatedAdvertisement> sorted{repeats.begin(), repeats.end()};
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(a.source, a.head[4], a.head[5], a.head[1]) <
           std::tie(b.source, b.head[4], b.head[5], b.head[1]);
  });
  Program program{family};
  program.refer_to_message();
  program.add(BPF_JMP | BPF_JGE | BPF_K, kLeastMessage, 1, 0);
  program.give(of_others);
  for (auto first = sorted.begin(); first != sorted.end();) {
    auto last = first;
    while (last != sorted.end() && last - first < kMostInGroup && same_group(*first, *last)) ++last;
    program.source_must_be(first->source);
    program.load_message(BPF_H, kInterval);
    program.must_be(half_word(std::span{first->head}.subspan(kInterval)));
    program.load_message(BPF_W, 0);
    for (auto one = first; one != last; ++one) {
      program.add(BPF_JMP | BPF_JEQ | BPF_K, word(one->head), static_cast<std::size_t>(last - one), 0);
    }
    program.leave_group();
    program.give(of_repeats);
    program.end_group();
    first = last;
  }
  program.give(of_others);
  return program.take();
}

Status attach_filter(int fd, std::span<const sock_filter> filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0) return {};
  return fail_errno("cannot attach a packet filter of " + std::to_string(filter.size()) + " instructions",
                    errno);
}

Status detach_filter(int fd) {
  const int unused = 0;
  if (::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) == 0 || errno == ENOENT)
    return {};
  return fail_errno("cannot detach a packet filter", errno);
}

}  // namespace vipra::net
