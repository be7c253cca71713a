// A vector of fixed capacity without a heap: what a step of the election returns. Overflow is a broken
// promise of ours (the capacity is the proven maximum), so it is a VIPRA_CHECK.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/check.hpp"

namespace vipra {

template <class T, std::size_t Capacity>
class InlineVector {
 public:
  constexpr InlineVector() = default;

  void push_back(T value) {
    VIPRA_CHECK(size_ < Capacity);
    items_[size_++] = std::move(value);
  }
  template <std::size_t Other>
  void append(const InlineVector<T, Other>& other) {
    for (const auto& item : other) push_back(item);
  }
  void clear() noexcept { size_ = 0; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] static constexpr std::size_t capacity() noexcept { return Capacity; }
  [[nodiscard]] T& operator[](std::size_t i) {
    VIPRA_CHECK(i < size_);
    return items_[i];
  }
  [[nodiscard]] const T& operator[](std::size_t i) const {
    VIPRA_CHECK(i < size_);
    return items_[i];
  }
  [[nodiscard]] T* begin() noexcept { return items_.data(); }
  [[nodiscard]] T* end() noexcept { return items_.data() + size_; }
  [[nodiscard]] friend bool operator==(const InlineVector& a, const InlineVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  [[nodiscard]] const T* begin() const noexcept { return items_.data(); }
  [[nodiscard]] const T* end() const noexcept { return items_.data() + size_; }

 private:
  std::array<T, Capacity> items_{};
  std::size_t size_ = 0;
};

}  // namespace vipra
