#include "checks/verdict.hpp"

#include <gtest/gtest.h>

namespace vipra::checks {
namespace {

// "+" a success, "-" a failure.
int changes(Verdict& verdict, const char* results) {
  int count = 0;
  for (const char* at = results; *at != '\0'; ++at) count += verdict.step(*at == '+') ? 1 : 0;
  return count;
}

TEST(Verdict, HasNoOpinionBeforeTheFirstResult) {
  const Verdict verdict{2, 3};
  EXPECT_FALSE(verdict.decided());
  EXPECT_EQ(verdict.known(), std::nullopt);
}

TEST(Verdict, TheFirstResultDecidesWhenNothingIsKnown) {
  Verdict good{2, 3};
  EXPECT_TRUE(good.step(true));
  EXPECT_TRUE(good.decided() && good.passing());
  Verdict bad{2, 3};
  EXPECT_TRUE(bad.step(false));
  EXPECT_TRUE(bad.decided());
  EXPECT_FALSE(bad.passing());
}

TEST(Verdict, APassingCheckFailsAfterFallFailuresInARowAndNotBefore) {
  Verdict verdict{2, 3, true};
  EXPECT_EQ(changes(verdict, "--+--"), 0);
  EXPECT_TRUE(verdict.passing());
  EXPECT_TRUE(verdict.step(false));
  EXPECT_FALSE(verdict.passing());
}

TEST(Verdict, AFailingCheckPassesAfterRiseSuccessesInARowAndNotBefore) {
  Verdict verdict{2, 3, false};
  EXPECT_EQ(changes(verdict, "+-+-+"), 0);
  EXPECT_FALSE(verdict.passing());
  EXPECT_TRUE(verdict.step(true));
  EXPECT_TRUE(verdict.passing());
}

TEST(Verdict, APriorIsNotOverthrownByOneResult) {
  Verdict verdict{2, 3, true};
  EXPECT_TRUE(verdict.decided());
  EXPECT_FALSE(verdict.step(false));
  EXPECT_TRUE(verdict.passing());
}

TEST(Verdict, AVerdictThatStaysIsNoChange) {
  Verdict verdict{2, 3};
  EXPECT_EQ(changes(verdict, "+++++"), 1);
  EXPECT_EQ(changes(verdict, "------"), 1);
}

TEST(Verdict, CountsSaturateSoThatASteadyCheckLooksSteady) {
  Verdict verdict{2, 3};
  changes(verdict, "++++++");
  EXPECT_EQ(verdict.successes(), 2);
  EXPECT_EQ(verdict.failures(), 0);
  changes(verdict, "------");
  EXPECT_EQ(verdict.successes(), 0);
  EXPECT_EQ(verdict.failures(), 3);
}

TEST(Verdict, RiseAndFallOfOneReactAtOnce) {
  Verdict verdict{1, 1};
  EXPECT_EQ(changes(verdict, "+-+-"), 4);
}

}  // namespace
}  // namespace vipra::checks
