// A report in which every field of every message is set, made from the .proto file as it is at build time:
// whoever adds a field and forgets it elsewhere is told.
#pragma once

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "vipra/report/v1/report.pb.h"

namespace vipra::report {

class DynamicReport {
 public:
  explicit DynamicReport(const std::string& descriptor_file) {
    google::protobuf::FileDescriptorSet files;
    std::ifstream input{descriptor_file, std::ios::binary};
    if (!files.ParseFromIstream(&input)) throw std::runtime_error{descriptor_file + " does not parse"};
    const google::protobuf::FileDescriptor* file = nullptr;
    for (const auto& proto : files.file()) file = pool_.BuildFile(proto);
    if (file == nullptr) throw std::runtime_error{"report.proto does not build"};
    const auto* type = file->FindMessageTypeByName("NodeReport");
    message_.reset(factory_.GetPrototype(type)->New());
    fill(*message_);
  }

  [[nodiscard]] v1::NodeReport lite() const {
    v1::NodeReport report;
    if (!report.ParseFromString(message_->SerializeAsString())) throw std::runtime_error{"does not parse"};
    return report;
  }
  [[nodiscard]] const google::protobuf::Message& message() const { return *message_; }
  [[nodiscard]] int strings() const { return strings_; }

 private:
  void fill(google::protobuf::Message& message) {
    using google::protobuf::FieldDescriptor;
    const auto& reflection = *message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message.GetDescriptor()->field(i);
      ++next_;
      const bool many = field->is_repeated();
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE:
          fill(many ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field));
          break;
        case FieldDescriptor::CPPTYPE_STRING:
          ++strings_;
          many ? reflection.AddString(&message, field, "text" + std::to_string(next_))
               : reflection.SetString(&message, field, "text" + std::to_string(next_));
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          reflection.SetBool(&message, field, true);
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          reflection.SetEnumValue(&message, field,
                                  1 + next_ % 5);  // these numbers exist in every enumeration
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          reflection.SetInt32(&message, field, -next_);
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          reflection.SetInt64(&message, field, -next_ - (1LL << 60));
          break;
        case FieldDescriptor::CPPTYPE_UINT32:
          reflection.SetUInt32(&message, field, static_cast<std::uint32_t>(next_));
          break;
        case FieldDescriptor::CPPTYPE_UINT64:
          reflection.SetUInt64(&message, field, static_cast<std::uint64_t>(next_) + (1ULL << 63));
          break;
        case FieldDescriptor::CPPTYPE_FLOAT:
        case FieldDescriptor::CPPTYPE_DOUBLE:
          throw std::runtime_error{"a kind of field that this test does not know yet"};
      }
    }
  }

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  std::unique_ptr<google::protobuf::Message> message_;
  int next_ = 0;
  int strings_ = 0;
};

}  // namespace vipra::report
