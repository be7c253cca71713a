#include "metrics/page.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <map>
#include <string_view>

namespace vipra::metrics {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Page::Families {
  ClientMetric& add(MetricType type, const char* name, const char* help, const Labels& labels) {
    const auto [found, added] = index.try_emplace(name, all.size());
    if (added) all.push_back({name, help, type, {}});
    auto& metric = all[found->second].metric.emplace_back();
    for (const auto& [key, value] : labels) metric.label.push_back({key, value});
    return metric;
  }
  std::vector<MetricFamily> all;
  std::map<std::string_view, std::size_t> index;
};

Page::Page() : families_{std::make_unique<Families>()} {}
Page::~Page() = default;

void Page::gauge(const char* name, const char* help, const Labels& labels, double value) {
  families_->add(MetricType::Gauge, name, help, labels).gauge.value = value;
}

void Page::counter(const char* name, const char* help, const Labels& labels, std::uint64_t value) {
  families_->add(MetricType::Counter, name, help, labels).counter.value = static_cast<double>(value);
}

void Page::histogram(const char* name, const char* help, const Labels& labels, const Histogram& values) {
  auto& out = families_->add(MetricType::Histogram, name, help, labels).histogram;
  for (std::size_t i = 0; i < values.bounds_seconds.size(); ++i) {
    out.sample_count += i < values.counts.size() ? values.counts[i] : 0;
    out.bucket.push_back({out.sample_count, values.bounds_seconds[i]});
  }
  for (std::size_t i = values.bounds_seconds.size(); i < values.counts.size(); ++i)
    out.sample_count += values.counts[i];
  out.bucket.push_back({out.sample_count, std::numeric_limits<double>::infinity()});
  out.sample_sum = values.sum_seconds;
}

std::string Page::serialize() const {
  return prometheus::TextSerializer{}.Serialize(families_->all);
}

}  // namespace vipra::metrics
