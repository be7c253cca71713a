#include "agent/control/definition_files.hpp"

#include <gtest/gtest.h>

#include "kube/kubernetes_source.hpp"

namespace vipra::control {
namespace {

definitions::InputFilePtr file(const std::string& name) {
  definitions::InputFile out;
  out.name = name;
  return std::make_shared<const definitions::InputFile>(std::move(out));
}

std::vector<std::pair<std::string, bool>> shown(const DefinitionFiles& files) {
  std::vector<std::pair<std::string, bool>> out;
  for (const auto& one : files.all()) out.emplace_back(one->name, one->complete);
  return out;
}

using Shown = std::vector<std::pair<std::string, bool>>;

TEST(DefinitionFiles, AFolderAloneIsWhatItSays) {
  DefinitionFiles files{true, false};
  files.set_folder({file("a.yaml")});
  EXPECT_EQ(shown(files), (Shown{{"a.yaml", true}}));
  EXPECT_TRUE(files.folder_read());
  EXPECT_TRUE(files.cluster_read()) << "there is none";
}

TEST(DefinitionFiles, WhatWasNotReadYetStandsThereIncomplete) {
  DefinitionFiles files{true, true};
  files.seed(
      {{{}, "a.yaml", "a.yaml:1"}, {{}, "a.yaml", "a.yaml:2"}, {{}, kube::kDefinitionsFile, "kubernetes/x"}});
  EXPECT_EQ(shown(files), (Shown{{"a.yaml", false}, {kube::kDefinitionsFile, false}}));
  files.set_cluster(file(kube::kDefinitionsFile));
  EXPECT_EQ(shown(files), (Shown{{"a.yaml", false}, {kube::kDefinitionsFile, true}}));
  EXPECT_TRUE(files.cluster_read());
  EXPECT_FALSE(files.folder_read());
  files.set_folder({file("b.yaml")});
  EXPECT_EQ(shown(files), (Shown{{"b.yaml", true}, {kube::kDefinitionsFile, true}}));
  EXPECT_TRUE(files.folder_read());
}

TEST(DefinitionFiles, AClusterAloneForgetsTheFolderOfAnEarlierRun) {
  DefinitionFiles files{false, true};
  files.seed({{{}, "a.yaml", "a.yaml:1"}});
  EXPECT_EQ(shown(files), (Shown{{kube::kDefinitionsFile, false}}));
}

}  // namespace
}  // namespace vipra::control
