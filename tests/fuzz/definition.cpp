// The whole way of a definition: text, objects, specs, plan. What was accepted must be acceptable again when
// it is written anew, and the plan must be one that the speaker may rely on.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "definitions/store.hpp"
#include "planning/build.hpp"
#include "source/labels.hpp"
#include "source/split.hpp"
#include "vrrp/packet.hpp"

namespace {

using vipra::definitions::DefinitionStore;
using vipra::definitions::InputFile;

void check_plan(const DefinitionStore& store) {
  const auto plan = vipra::plan::build(store.specs(), {"node-a", {{"zone", "a"}}, {}}, 1);
  const vipra::plan::VirtualRouter* previous = nullptr;
  for (const auto& router : plan.state.routers) {
    const bool is_v6 = router.family == vipra::Family::kIpv6;
    VIPRA_CHECK(previous == nullptr || previous->id < router.id);
    VIPRA_CHECK(!router.addresses.empty());
    VIPRA_CHECK(router.addresses.size() <=
                (is_v6 ? vipra::vrrp::kMaxIpv6AddressesInFrame - 1 : vipra::vrrp::kMaxAddresses));
    VIPRA_CHECK(router.link_local.has_value() == is_v6);
    VIPRA_CHECK(router.base_priority >= 1 && router.base_priority <= 255);
    const bool v2 = router.version == vipra::vrrp::Version::kV2;
    const vipra::Duration step = v2 ? std::chrono::milliseconds{1000} : std::chrono::milliseconds{10};
    const vipra::Duration most = v2 ? std::chrono::milliseconds{255'000} : std::chrono::milliseconds{40'950};
    VIPRA_CHECK(router.interval >= step && router.interval <= most);
    VIPRA_CHECK(router.interval % step == vipra::Duration::zero());
    VIPRA_CHECK(v2 || !router.password);
    for (const auto& address : router.addresses) VIPRA_CHECK(address.ip.family() == router.family);
    previous = &router;
  }
}

void judge(std::string_view name, std::string_view text) {
  const auto file = std::make_shared<const InputFile>(vipra::source::split(name, text));
  DefinitionStore store;
  store.replace({file});
  VIPRA_CHECK(store.specs().size() <= file->objects.size());
  check_plan(store);

  InputFile again{"again.json", {}, {}, true};
  for (const auto& object : store.accepted()) {
    auto documents = vipra::source::parse_json(object.json.dump());
    VIPRA_CHECK(!documents.error);
    again.objects.push_back({documents.all.at(0), again.name, object.origin});
  }
  DefinitionStore second;
  second.replace({std::make_shared<const InputFile>(std::move(again))});
  VIPRA_CHECK(second.specs() == store.specs());
  VIPRA_CHECK(second.problems().empty());

  // A file that ends as if it were still being written takes nothing away.
  auto cut = *file;
  cut.objects.clear();
  cut.complete = false;
  const auto before = store.specs();
  VIPRA_CHECK(!store.replace({std::make_shared<const InputFile>(std::move(cut))}));
  VIPRA_CHECK(store.specs() == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  judge("fuzz.yaml", text);
  if (text.starts_with('{') || text.starts_with('[')) judge("fuzz.json", text);
  if (const auto labels = vipra::source::parse_labels(text)) {
    for (const auto& [key, value] : *labels)
      VIPRA_CHECK(vipra::source::parse_label(key + '=' + value).has_value());
  }
  return 0;
}
