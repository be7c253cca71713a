#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <deque>

#include "notify/sink.hpp"
#include "sys/memfd.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::notify {
namespace {

constexpr std::size_t kQueue = 256;

// The attributes and files of one posix_spawn.
class SpawnSetup {
 public:
  explicit SpawnSetup(int input) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_adddup2(&files_, input, 0);
    for (const int output : {1, 2})
      posix_spawn_file_actions_addopen(&files_, output, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  // The error number, 0 if it runs.
  [[nodiscard]] int run(pid_t& pid, std::string path, std::vector<std::string> environment) const {
    std::vector<char*> variables;
    for (auto& variable : environment) variables.push_back(variable.data());
    variables.push_back(nullptr);
    char* const arguments[] = {path.data(), nullptr};
    return ::posix_spawn(&pid, path.c_str(), &files_, &attributes_, arguments, variables.data());
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

class Hook final : public Sink {
 public:
  Hook(boost::asio::io_context& io, std::string path, Duration limit, const log::Logger& log)
      : Sink{"hook"}, path_{std::move(path)}, limit_{limit}, log_{log}, end_{io}, timer_{io} {}
  ~Hook() override { Hook::stop(); }

  void tell(const Transition& transition, const std::string& line) override {
    if (stopped_) return;
    if (queue_.size() >= kQueue) return dropped(log_, path_, "it takes longer than transitions come");
    queue_.push_back({to_environment(transition), line});
    if (pid_ < 0) next();
  }

  void stop() override {
    stopped_ = true;
    queue_.clear();
    timer_.cancel();
    if (pid_ >= 0) reap();
  }

 private:
  struct Call {
    std::vector<std::string> environment;
    std::string line;
  };

  void next() {
    while (!queue_.empty() && pid_ < 0) {
      auto call = std::move(queue_.front());
      queue_.pop_front();
      if (const auto why = start(std::move(call)); !why.empty()) dropped(log_, path_, why);
    }
  }

  std::string start(Call call) {
    const auto input = sys::make_sealed_memfd(
        "vipra-notification", {reinterpret_cast<const std::uint8_t*>(call.line.data()), call.line.size()});
    if (!input) return input.error().what;
    ::lseek(input->get(), 0, SEEK_SET);  // where the hook begins to read
    call.environment.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    const SpawnSetup setup{input->get()};
    pid_t pid = -1;
    if (const int error = setup.run(pid, path_, std::move(call.environment)); error != 0)
      return std::string{"run it: "} + std::strerror(error);
    pid_ = pid;
    // Readable when the process has ended.
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) {
      const int error = errno;
      reap();
      return std::string{"watch it: "} + std::strerror(error);
    }
    told();
    end_.assign(fd);
    end_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (!error) ended();
                    });
    timer_.expires_after(limit_);
    timer_.async_wait([this, pid](const boost::system::error_code& error) {
      if (error || pid_ != pid) return;
      log_.warning("notify.hook_killed",
                   {{"path", path_}, {"pid", pid}, {"detail", "it did not end in time"}});
      ::kill(-pid, SIGKILL);
    });
    return {};
  }

  void ended() {
    timer_.cancel();
    const int status = reap();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      works();
    } else if (WIFEXITED(status)) {
      log_.warning("notify.hook_failed", {{"path", path_}, {"exit_status", WEXITSTATUS(status)}});
    }
    if (!stopped_) next();
  }

  // Ends it, if it has not ended, and what it has left running.
  int reap() {
    int status = 0;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    boost::system::error_code ignored;
    if (end_.is_open()) end_.close(ignored);
    return status;
  }

  const std::string path_;
  const Duration limit_;
  const log::Logger& log_;
  std::deque<Call> queue_;
  pid_t pid_ = -1;
  bool stopped_ = false;
  boost::asio::posix::stream_descriptor end_;
  boost::asio::steady_timer timer_;
};

}  // namespace

std::unique_ptr<Sink> make_hook(boost::asio::io_context& io, std::string path, Duration limit,
                                const log::Logger& log) {
  return std::make_unique<Hook>(io, std::move(path), limit, log);
}

}  // namespace vipra::notify
