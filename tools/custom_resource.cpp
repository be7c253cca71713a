#include "tools/custom_resource.hpp"

#include <nlohmann/json.hpp>

#include "tools/yaml_text.hpp"

namespace vipra::tools {
namespace {

using nlohmann::json;

json column(const char* name, const char* type, const char* path, const char* description, int priority = 0) {
  json out{{"name", name}, {"type", type}, {"jsonPath", path}, {"description", description}};
  if (priority != 0) out["priority"] = priority;
  return out;
}

// The first five answer "who owns it, since when and why"; those with a priority are shown by `-o wide` only.
json printer_columns() {
  return {
      column("Addresses", "string", ".spec.addresses", "The addresses that the owner holds."),
      column("Owner", "string", ".status.owner", "The node that owns the addresses of all families."),
      column("State", "string", ".status.state", "How it stands: Owned, when all is well."),
      column("Since", "date", ".status.ownerSince", "For how long the owner has owned them."),
      column("Reason", "string", ".status.reason", "Why; with an owner, why it became the owner."),
      column("VRID", "integer", ".spec.vrrp.virtualRouterID", "The virtual router id.", 1),
      column("Accepted", "string", R"(.status.conditions[?(@.type=="Accepted")].status)",
             "Whether the definition is served.", 1),
      column("Age", "date", ".metadata.creationTimestamp", "When the object was created.", 1),
  };
}

json names() {
  return {{"kind", "VirtualIP"},     {"listKind", "VirtualIPList"}, {"plural", "virtualips"},
          {"singular", "virtualip"}, {"shortNames", {"vip"}},       {"categories", {"vipra"}}};
}

}  // namespace

std::string custom_resource_definition(const json& schema) {
  const json version{
      {"name", "v1alpha1"},
      {"served", true},
      {"storage", true},
      {"subresources", {{"status", json::object()}}},
      {"additionalPrinterColumns", printer_columns()},
      {"selectableFields",
       {{{"jsonPath", ".spec.vrrp.virtualRouterID"}},
        {{"jsonPath", ".status.owner"}},
        {{"jsonPath", ".status.state"}}}},
      {"schema", {{"openAPIV3Schema", schema}}},
  };
  const json definition{
      {"apiVersion", "apiextensions.k8s.io/v1"},
      {"kind", "CustomResourceDefinition"},
      {"metadata", {{"name", "virtualips.vipra.dev"}}},
      {"spec", {{"group", "vipra.dev"}, {"scope", "Cluster"}, {"names", names()}, {"versions", {version}}}},
  };
  return "# Generated from api/crd/virtualip.schema.yaml by the build. Do not edit; see CONTRIBUTING.md.\n" +
         yaml_text(definition);
}

}  // namespace vipra::tools
