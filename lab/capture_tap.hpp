// The socket and the thread behind a Capture.
#pragma once

#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lab/capture.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

class CaptureTap {
 public:
  // interface "": every switch port ("p-...") of the namespace.
  [[nodiscard]] static Result<std::unique_ptr<CaptureTap>> open(const NetNamespace& net,
                                                                const std::string& interface,
                                                                const CaptureOptions& options);
  ~CaptureTap();
  CaptureTap(const CaptureTap&) = delete;
  CaptureTap& operator=(const CaptureTap&) = delete;

  [[nodiscard]] std::vector<Packet> packets(TimePoint from, TimePoint to) const;
  [[nodiscard]] std::size_t dropped() const;
  void stop();

 private:
  explicit CaptureTap(const CaptureOptions& options) : options_{options} {}
  [[nodiscard]] Status open_socket(const NetNamespace& net, const std::string& interface);
  [[nodiscard]] Status open_file();
  void loop();
  void read_all();
  void keep(Packet packet, std::int64_t unix_ns);

  struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  CaptureOptions options_;
  UniqueFd socket_;
  UniqueFd stop_;  // eventfd
  std::map<int, std::string> ports_;
  std::unique_ptr<std::FILE, CloseFile> file_;  // the thread's alone
  mutable std::mutex mutex_;
  std::vector<Packet> packets_;
  std::size_t over_limit_ = 0;
  mutable std::size_t kernel_drops_ = 0;
  std::thread thread_;
};

}  // namespace vipra::lab
