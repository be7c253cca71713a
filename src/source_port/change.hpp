// A stream of objects of one kind, from a folder of files or from a Kubernetes API server: both look the
// same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/reason.hpp"

namespace vipra::source {

template <class T>
struct Replaced {  // after each (re)list: the whole truth
  std::vector<T> all;
};
template <class T>
struct Upserted {
  T object;
};
struct Removed {
  std::string key;
};
template <class T>
using Change = std::variant<Replaced<T>, Upserted<T>, Removed>;

// A source that cannot be read takes nothing away: it reports its trouble and keeps quiet about objects.
struct Health {
  bool readable = true;
  Reason reason = Reason::kNone;
  std::string message;
};

// Runs on the event loop of control; callbacks come on that loop's thread, never from inside start().
template <class T>
class Source {
 public:
  using OnChange = std::function<void(Change<T>)>;
  using OnHealth = std::function<void(const Health&)>;

  virtual ~Source() = default;
  virtual void start(OnChange on_change, OnHealth on_health) = 0;
  virtual void stop() = 0;
};

}  // namespace vipra::source
