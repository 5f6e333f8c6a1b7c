// SPDX-License-Identifier: Apache-2.0
// The helper that other tests rely on: whatever goes wrong in a child is seen.
#include "in_child.h"

#include <csignal>
#include <stdexcept>

// SC_THREADs run on stacks of their own, which this check takes for frames that have returned.
extern "C" const char *__asan_default_options() {
    return "detect_stack_use_after_return=0";
}

namespace {

using ns_test::passes_in_child;

TEST(InChild, PassesWhenNothingFails) {
    std::string output;
    EXPECT_TRUE(passes_in_child([] { EXPECT_EQ(1, 1); }, &output)) << output;
}

TEST(InChild, ReportsAFailedExpectationWithItsText) {
    std::string output;
    EXPECT_FALSE(passes_in_child([] { EXPECT_EQ(1, 2) << "one is not two"; }, &output));
    EXPECT_NE(output.find("one is not two"), std::string::npos) << output;
}

TEST(InChild, ReportsAnException) {
    std::string output;
    EXPECT_FALSE(passes_in_child([] { throw std::runtime_error("thrown"); }, &output));
    EXPECT_NE(output.find("thrown"), std::string::npos) << output;
}

TEST(InChild, ReportsASignal) {
    std::string output;
    EXPECT_FALSE(passes_in_child([] { raise(SIGKILL); }, &output));
    EXPECT_NE(output.find("signal 9"), std::string::npos) << output;
}

TEST(InChild, LeavesTheParentUntouched) {
    int value = 1;
    std::string output;
    EXPECT_TRUE(passes_in_child([&] { value = 2; }, &output)) << output;
    EXPECT_EQ(value, 1);
}

} // namespace
