#include "kube/health_log.hpp"

#include "base/reason.hpp"

namespace vipra::kube {

void log_health(const log::Logger& log, std::string_view resource, const std::string& server,
                const source::Health& health) {
  if (health.readable) {
    log.info("api.readable", {{"resource", resource}, {"server", server}});
  } else {
    log.warning("api.unreadable", {{"resource", resource},
                                   {"reason", to_string(health.reason)},
                                   {"detail", health.message},
                                   {"consequence", "what was known stays; trying again"}});
  }
}

}  // namespace vipra::kube
