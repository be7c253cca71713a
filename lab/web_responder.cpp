#include "lab/web_responder.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <new>

#include "lab/clock.hpp"
#include "lab/web_process.hpp"

namespace vipra::lab {

Result<std::unique_ptr<WebResponder>> WebResponder::start(Spawner& spawner, const NetNamespace& net,
                                                          const std::string& node, std::uint16_t port) {
  std::unique_ptr<WebResponder> made{new WebResponder};
  void* memory = ::mmap(nullptr, sizeof(WebPage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("map the web responder's page", errno);
  made->page_ = new (memory) WebPage;
  made->wake_ = UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!made->wake_) return fail_errno("make an eventfd", errno);
  WebPage* page = made->page_;
  const int wake = made->wake_.get();
  auto child =
      spawner.fork_into(net, "lab-web", [&] { return serve_web(*page, wake, node.c_str(), port); }, {wake});
  if (!child) return tl::unexpected{child.error()};
  made->child_ = std::move(*child);
  return made;
}

WebResponder::~WebResponder() {
  child_.kill_and_reap();
  if (page_ != nullptr) ::munmap(page_, sizeof(WebPage));
}

Status WebResponder::command(WebMode mode, int http_status) {
  page_->mode.store(mode, std::memory_order_relaxed);
  page_->http_status.store(http_status, std::memory_order_relaxed);
  const auto order = page_->ordered.fetch_add(1, std::memory_order_release) + 1;
  ::eventfd_write(wake_.get(), 1);
  const auto obeyed = [&] { return page_->obeyed.load(std::memory_order_acquire) == order; };
  if (!wait_until([&] { return obeyed() || !child_.running(); }, std::chrono::seconds{5}))
    return fail(Errc::kTimeout, "the web responder does not obey");
  if (!obeyed()) return fail(Errc::kNotFound, "the web responder is dead");
  return {};
}

Status WebResponder::serve(int http_status) {
  return command(WebMode::kServe, http_status);
}
Status WebResponder::refuse() {
  return command(WebMode::kRefuse, 0);
}
Status WebResponder::hang() {
  return command(WebMode::kHang, 0);
}

std::uint64_t WebResponder::requests() const {
  return page_->requests.load(std::memory_order_acquire);
}

std::string WebResponder::last_request() const {
  // The process writes size last and never while a reader could care: tests look between two requests.
  return {page_->last_request.data(), page_->last_size.load(std::memory_order_acquire)};
}

}  // namespace vipra::lab
