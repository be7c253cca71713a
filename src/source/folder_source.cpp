#include "source/folder_source.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "source/folder_reader.hpp"
#include "source/inotify.hpp"
#include "source/steady_time.hpp"

namespace vipra::source {
namespace {

using definitions::InputFilePtr;

constexpr std::uint32_t kFolderEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                        IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kParentEvents =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;
// Added, because a link may lead to what is watched for another reason.
constexpr std::uint32_t kLinkTargetEvents =
    IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_MASK_ADD;

FolderOptions without_final_slash(FolderOptions options) {
  if (!options.folder.has_filename()) options.folder = options.folder.parent_path();
  return options;
}

}  // namespace

// Kept alive by its pending operations; stop() cancels them and forgets the callbacks.
class FolderSource::Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(boost::asio::io_context& loop, FolderOptions options)
      : options_{without_final_slash(std::move(options))}, reader_{options_}, events_{loop}, timer_{loop} {
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
  void wait_for_events() {
    if (!events_.is_open()) return;
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (error || !self->running_) return;
                         self->take_events();
                         self->wait_for_events();
                       });
  }

  void take_events() {
    bool relevant = false;
    for (const auto& event : inotify_.drain()) relevant |= take(event);
    // A folder that never rests costs a fifth of one core at most.
    if (relevant) look_within(std::max(options_.settle, rest_until_ - steady_now()));
  }

  // Whether the event is a reason to look.
  bool take(const Inotify::Event& event) {
    if (event.watch == -1) {
      hints_.trust_nothing = true;
      being_written_.clear();
      return true;
    }
    if ((event.mask & IN_IGNORED) != 0) return false;  // the end of a watch; why it ended came before
    if (event.watch == parent_watch_ && event.watch != folder_watch_)
      return event.name == options_.folder.filename();
    if (event.watch != folder_watch_) {
      hints_.changed.insert(links_.begin(), links_.end());
      return true;
    }
    if (event.name.empty()) return true;                                       // the folder itself
    if (!is_definition_name(event.name)) return event.name.starts_with("..");  // Kubernetes swaps "..data"
    hints_.changed.insert(event.name);
    if ((event.mask & (IN_CREATE | IN_MODIFY)) != 0) {
      being_written_[event.name] = steady_now();
    } else if ((event.mask & IN_ATTRIB) == 0) {
      being_written_.erase(event.name);
    }
    return true;
  }

  void look_within(Duration delay) {
    const auto due = steady_now() + delay;
    if (due_ && *due_ <= due) return;
    due_ = due;
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->running_) return;
      self->due_.reset();
      self->look();
    });
  }

  void look() {
    watch_folder();
    const auto now = steady_now();
    std::erase_if(being_written_,
                  [&](const auto& entry) { return now - entry.second >= options_.write_patience; });
    hints_.being_written.clear();
    for (const auto& [name, since] : being_written_) hints_.being_written.insert(name);
    const auto found = reader_.look(now, std::exchange(hints_, {}));
    const auto end = steady_now();
    rest_until_ = end + (end - now) * 4;
    if (found.health.readable) watch_links(found.links);
    look_within(next_look(found));
    report(found);
  }

  Duration next_look(const FolderLook& found) const {
    if (!found.health.readable) return options_.retry;
    auto delay = inotify_.fd() >= 0 && folder_watch_ >= 0 ? options_.rescan
                                                          : std::min(options_.rescan, options_.retry);
    if (found.removals_pending) delay = std::min(delay, options_.removal_grace);
    if (!being_written_.empty()) delay = std::min(delay, options_.write_patience / 4);
    return delay;
  }

  // By path each time: the folder, or a link on the way to it, may have been replaced.
  void watch_folder() {
    const auto parent =
        options_.folder.has_parent_path() ? options_.folder.parent_path() : std::filesystem::path{"."};
    const auto parent_watch = inotify_.watch(parent, kParentEvents);
    if (parent_watch != parent_watch_ && parent_watch_ != folder_watch_) inotify_.unwatch(parent_watch_);
    parent_watch_ = parent_watch;
    const auto watch = inotify_.watch(options_.folder, kFolderEvents);
    if (watch == folder_watch_) return;
    if (folder_watch_ != parent_watch_ && !link_watches_.contains(folder_watch_))
      inotify_.unwatch(folder_watch_);
    hints_.another_folder = folder_watch_ != -1;
    folder_watch_ = watch;
    hints_.trust_nothing = true;
    being_written_.clear();
  }

  void watch_links(const std::vector<std::string>& names) {
    links_ = names;
    std::set<int> watches;
    for (const auto& name : names) {
      const auto watch = inotify_.watch(options_.folder / name, kLinkTargetEvents);
      if (watch >= 0 && watch != folder_watch_ && watch != parent_watch_) watches.insert(watch);
    }
    for (const auto watch : link_watches_) {
      if (!watches.contains(watch)) inotify_.unwatch(watch);
    }
    link_watches_ = std::move(watches);
  }

  void report(const FolderLook& found) {
    // The callbacks may call stop(), which forgets them.
    const auto& health = found.health;
    const auto shown = std::tuple{health.readable, health.reason, health.message};
    if (shown_ != shown) {
      shown_ = shown;
      if (const auto on_health = on_health_) on_health(health);
    }
    if (!health.readable || (yielded_ && *yielded_ == found.files)) return;
    yielded_ = found.files;
    if (const auto on_change = on_change_) on_change(Replaced<InputFilePtr>{found.files});
  }

  FolderOptions options_;
  FolderReader reader_;
  Inotify inotify_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer timer_;
  OnChange on_change_;
  OnHealth on_health_;
  bool running_ = false;
  std::optional<TimePoint> due_;
  TimePoint rest_until_{};
  int folder_watch_ = -1;
  int parent_watch_ = -1;
  std::set<int> link_watches_;
  std::vector<std::string> links_;
  FolderReader::Hints hints_;
  std::map<std::string, TimePoint> being_written_;  // by their last change
  std::optional<std::tuple<bool, Reason, std::string>> shown_;
  std::optional<std::vector<InputFilePtr>> yielded_;
};

FolderSource::FolderSource(boost::asio::io_context& loop, FolderOptions options)
    : watcher_{std::make_shared<Watcher>(loop, std::move(options))} {}
FolderSource::~FolderSource() {
  watcher_->stop();
}
void FolderSource::start(OnChange on_change, OnHealth on_health) {
  watcher_->start(std::move(on_change), std::move(on_health));
}
void FolderSource::stop() {
  watcher_->stop();
}

}  // namespace vipra::source
