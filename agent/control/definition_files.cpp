#include "agent/control/definition_files.hpp"

#include <set>
#include <string>
#include <utility>

#include "kube/kubernetes_source.hpp"

namespace vipra::control {

DefinitionFiles::DefinitionFiles(bool folder, bool cluster)
    : folder_read_{!folder},
      cluster_read_{!cluster},
      cluster_{cluster ? kube::VirtualIpSource::unread() : nullptr} {}

void DefinitionFiles::seed(const std::vector<definitions::RawObject>& last_good) {
  if (folder_read_) return;
  std::set<std::string> names;
  for (const auto& object : last_good) {
    if (object.file != kube::kDefinitionsFile) names.insert(object.file);
  }
  for (const auto& name : names) {
    definitions::InputFile unread;
    unread.name = name;
    unread.complete = false;
    folder_.push_back(std::make_shared<const definitions::InputFile>(std::move(unread)));
  }
}

void DefinitionFiles::set_folder(std::vector<definitions::InputFilePtr> files) {
  folder_ = std::move(files);
  folder_read_ = true;
}

void DefinitionFiles::set_cluster(definitions::InputFilePtr file) {
  cluster_ = std::move(file);
  cluster_read_ = true;
}

std::vector<definitions::InputFilePtr> DefinitionFiles::all() const {
  auto out = folder_;
  if (cluster_) out.push_back(cluster_);
  return out;
}

}  // namespace vipra::control
