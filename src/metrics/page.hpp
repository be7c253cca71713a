// A page of Prometheus metrics while it is being written. Nothing is kept from one page to the next; the
// library stays in the source. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "metrics/snapshot.hpp"

namespace vipra::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

// The families come in the order of their first use. A family is one block of the page, whatever the order of
// the calls. Names and help are literals.
class Page {
 public:
  Page();
  ~Page();
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  void gauge(const char* name, const char* help, const Labels& labels, double value);
  void counter(const char* name, const char* help, const Labels& labels, std::uint64_t value);
  void histogram(const char* name, const char* help, const Labels& labels, const Histogram& values);

  // The text format 0.0.4.
  [[nodiscard]] std::string serialize() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace vipra::metrics
