// What is measured. Each makes its own lab (two nodes, priorities 200 and 100, 100 ms advertisements).
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <vector>

#include "bench/series.hpp"

namespace vipra::bench {

[[nodiscard]] Series crash(const std::filesystem::path& agent, std::size_t runs);
[[nodiscard]] Series planned_stop(const std::filesystem::path& agent, std::size_t runs);
[[nodiscard]] Series preemption(const std::filesystem::path& agent, std::size_t runs);
[[nodiscard]] Series speaker_killed(const std::filesystem::path& agent, std::size_t runs);
[[nodiscard]] Series definition_to_answer(const std::filesystem::path& agent, std::size_t runs);

// Resident memory of each process with one VIP, as printable lines; false when a bound is broken.
[[nodiscard]] bool footprint(const std::filesystem::path& agent);

// Processor time and memory of supervisor and speaker with 1 to 250 routers, as master and as backup, beside
// keepalived: false when they need more. 0: every number of routers, every interval.
[[nodiscard]] bool load(const std::filesystem::path& agent, std::chrono::seconds window,
                        std::size_t only_routers, std::chrono::milliseconds only_interval,
                        bool keepalived_realtime);

// A network that falls into two halves for 2 s and 15 s and heals: how long nobody answers after the heal,
// ours (no probe may be lost) and, to compare, keepalived's with its default options.
[[nodiscard]] bool partition(const std::filesystem::path& agent, std::size_t runs);

// The owner of 250 routers on each of four segments crashes: when all are announced by the other node.
[[nodiscard]] bool segments(const std::filesystem::path& agent);
// The owner of 1,000 addresses on one segment crashes: when the first 300 and when all are announced; and
// whether an advertisement was late.
[[nodiscard]] bool thousand(const std::filesystem::path& agent);

// 250 routers at 100 ms on processors that somebody else takes, with real-time scheduling (nothing may move)
// and without (whatever moves settles within 2 s).
[[nodiscard]] bool steal(const std::filesystem::path& agent, std::chrono::seconds length);

}  // namespace vipra::bench
