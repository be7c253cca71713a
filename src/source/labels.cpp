#include "source/labels.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <tuple>

#include "source/document.hpp"
#include "source/inotify.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::source {
namespace {

constexpr std::size_t kMaxFile = 64u << 10;
constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxPrefix = 253;
constexpr std::string_view kBlanks = " \t\r";

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Letters and digits at both ends, also - _ . between; at most 63 characters.
bool is_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxName) return false;
  if (!is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_key(std::string_view text) noexcept {
  const auto slash = text.find('/');
  if (slash == text.npos) return is_name(text);
  const auto prefix = text.substr(0, slash);
  const bool good_prefix = !prefix.empty() && prefix.size() <= kMaxPrefix && prefix.front() != '.' &&
                           std::all_of(prefix.begin(), prefix.end(), [](char c) {
                             return (is_alphanumeric(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '.';
                           });
  return good_prefix && is_name(text.substr(slash + 1));
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto from = text.find_first_not_of(kBlanks);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

Result<std::string> read_small_file(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(path.string(), errno);
  if (!S_ISREG(status.st_mode)) return fail(Errc::kIo, path.string() + ": is not a regular file");
  const sys::UniqueFd file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file) return fail_errno(path.string(), errno);
  std::string text(kMaxFile + 1, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const auto count = ::read(file.get(), text.data() + used, text.size() - used);
    if (count < 0) return fail_errno(path.string(), errno);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  if (used > kMaxFile) return fail(Errc::kInvalid, path.string() + ": is larger than 64 KiB");
  text.resize(used);
  return text;
}

}  // namespace

Result<std::pair<std::string, std::string>> parse_label(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos) return fail(Errc::kInvalid, printable(text.substr(0, 80)) + ": must be KEY=VALUE");
  const auto key = trimmed(text.substr(0, equals));
  const auto value = trimmed(text.substr(equals + 1));
  if (!is_key(key)) return fail(Errc::kInvalid, printable(key.substr(0, 80)) + ": is not a label key");
  if (!value.empty() && !is_name(value)) {
    return fail(Errc::kInvalid, printable(value.substr(0, 80)) + ": is not a label value");
  }
  return std::pair{std::string{key}, std::string{value}};
}

Result<Labels> parse_labels(std::string_view text) {
  Labels out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    const auto content = trimmed(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (content.empty() || content.front() == '#') continue;
    auto label = parse_label(content);
    if (!label) return fail(Errc::kInvalid, "line " + std::to_string(line) + ": " + label.error().what);
    out.insert_or_assign(std::move(label->first), std::move(label->second));
  }
  return out;
}

// Looks at the file after every event of its folder, which is rarely busy, and every ten seconds.
class LabelsFile::Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(boost::asio::io_context& loop, std::filesystem::path file)
      : file_{std::move(file)}, events_{loop}, timer_{loop} {
    if (inotify_.fd() >= 0) events_.assign(inotify_.fd());
  }
  ~Watcher() {
    if (events_.is_open()) events_.release();  // the descriptor is inotify_'s
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void start(OnChange on_change, OnHealth on_health) {
    on_change_ = std::move(on_change);
    on_health_ = std::move(on_health);
    running_ = true;
    wait_for_events();
    look_within(Duration::zero());
  }
  void stop() {
    running_ = false;
    on_change_ = nullptr;
    on_health_ = nullptr;
    timer_.cancel();
    if (events_.is_open()) events_.cancel();
  }

 private:
  static constexpr Duration kSettle = std::chrono::milliseconds{5};
  static constexpr Duration kRescan = std::chrono::seconds{10};
  static constexpr Duration kRetry = std::chrono::milliseconds{500};

  void wait_for_events() {
    if (!events_.is_open()) return;
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (error || !self->running_) return;
                         if (self->is_reason_to_look()) self->look_within(kSettle);
                         self->wait_for_events();
                       });
  }

  // A file that is being written is looked at when it is closed.
  bool is_reason_to_look() {
    bool out = false;
    for (const auto& event : inotify_.drain()) out |= event.watch == -1 || (event.mask & IN_IGNORED) == 0;
    return out;
  }

  void look_within(Duration delay) {
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->running_) self->look();
    });
  }

  void look() {
    const auto folder = file_.has_parent_path() ? file_.parent_path() : std::filesystem::path{"."};
    [[maybe_unused]] const auto folder_watch =
        inotify_.watch(folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR);
    const auto target_watch = inotify_.watch(file_, IN_CLOSE_WRITE | IN_ATTRIB | IN_MASK_ADD);
    if (target_watch != target_watch_) inotify_.unwatch(std::exchange(target_watch_, target_watch));

    auto labels = read_small_file(file_).and_then([](const std::string& text) { return parse_labels(text); });
    look_within(labels ? kRescan : kRetry);
    if (!labels) return report({false, Reason::kNotReadable, labels.error().what});
    report({});
    if (yielded_ && *yielded_ == *labels) return;
    yielded_ = *labels;
    if (const auto on_change = on_change_) on_change(Replaced<Labels>{{std::move(*labels)}});
  }

  void report(const Health& health) {
    const auto shown = std::tuple{health.readable, health.message};
    if (shown_ == shown) return;
    shown_ = shown;
    if (const auto on_health = on_health_) on_health(health);
  }

  std::filesystem::path file_;
  Inotify inotify_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer timer_;
  OnChange on_change_;
  OnHealth on_health_;
  bool running_ = false;
  int target_watch_ = -1;
  std::optional<std::tuple<bool, std::string>> shown_;
  std::optional<Labels> yielded_;
};

LabelsFile::LabelsFile(boost::asio::io_context& loop, std::filesystem::path file)
    : watcher_{std::make_shared<Watcher>(loop, std::move(file))} {}
LabelsFile::~LabelsFile() {
  watcher_->stop();
}
void LabelsFile::start(OnChange on_change, OnHealth on_health) {
  watcher_->start(std::move(on_change), std::move(on_health));
}
void LabelsFile::stop() {
  watcher_->stop();
}

}  // namespace vipra::source
