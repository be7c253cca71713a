#include "cli/report_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/reason.hpp"
#include "cli/names.hpp"
#include "tests/cli/sample_reports.hpp"
#include "tests/report/dynamic_report.hpp"

namespace vipra::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Json = nlohmann::ordered_json;

std::string enum_name(const FieldDescriptor& field, int number) {
  const auto& kind = field.enum_type()->name();
  if (kind == "State") return name(static_cast<wire::State>(number));
  if (kind == "Reason") return name(static_cast<wire::Reason>(number));
  return name(static_cast<wire::DropReason>(number));
}

Json expected_scalar(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return enum_name(field, reflection.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      break;
  }
  return {};
}

void expect_same(const Message& message, const Json& json, const std::string& where) {
  const auto& descriptor = *message.GetDescriptor();
  EXPECT_EQ(json.size(), static_cast<std::size_t>(descriptor.field_count())) << where;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto& field = *descriptor.field(i);
    const auto& reflection = *message.GetReflection();
    const std::string path = where + "." + field.json_name();
    ASSERT_TRUE(json.contains(field.json_name())) << path;
    const Json& value = json[field.json_name()];
    if (!field.is_repeated()) {
      EXPECT_EQ(value, expected_scalar(message, field)) << path;
      continue;
    }
    ASSERT_EQ(value.size(), 1u) << path;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      expect_same(reflection.GetRepeatedMessage(message, &field, 0), value[0], path);
    } else {
      EXPECT_EQ(value[0], reflection.GetRepeatedString(message, &field, 0)) << path;
    }
  }
}

TEST(ReportJson, HasEveryFieldOfThePackageUnderItsJsonName) {
  const report::DynamicReport dynamic{VIPRA_REPORT_DESCRIPTORS};
  expect_same(dynamic.message(), to_json(dynamic.lite()), "report");
}

TEST(ReportJson, EmptyFieldsAreThereToo) {
  const auto json = to_json(v1::NodeReport{});
  EXPECT_EQ(json["virtualIps"], Json::array());
  EXPECT_EQ(json["agentConnected"], false);
  EXPECT_EQ(json["sequence"], "0");
}

TEST(ReportJson, SpeaksTheSharedNames) {
  const auto json = to_json(busy_node());
  EXPECT_EQ(json["routers"][0]["state"], "Backup");
  EXPECT_EQ(json["routers"][0]["reason"], "LowerPriority");
  EXPECT_EQ(json["problems"][0]["reason"], "OutOfRange");
}

}  // namespace
}  // namespace vipra::cli
