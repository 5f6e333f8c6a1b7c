// SPDX-License-Identifier: Apache-2.0
//
// Runs a part of a test in a forked child: SystemC allows one elaboration per process. Failures, exceptions, signals
// and hangs of the child become one failure of the parent that shows what the child printed.
#ifndef NS_TESTS_MODEL_IN_CHILD_H
#define NS_TESTS_MODEL_IN_CHILD_H

#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace ns_test {

inline int parts_so_far() {
    return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
}

// The child ends with _exit: threads of the simulation never end, and what they hold is no leak.
template <typename Body> [[noreturn]] void run_child(Body body, int output) {
    const int parts_before = parts_so_far();
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    alarm(200); // seconds: a child that hangs ends by SIGALRM
    try {
        body();
    } catch (const std::exception &problem) {
        ADD_FAILURE() << "exception: " << problem.what();
    }
    const auto *result = ::testing::UnitTest::GetInstance()->current_test_info()->result();
    bool failed = false;
    for (int i = parts_before; i < result->total_part_count(); i++)
        failed = failed || result->GetTestPartResult(i).failed();
    std::cout.flush();
    std::fflush(nullptr);
    _exit(failed ? 1 : 0);
}

// True when the body passed.
template <typename Body> bool passes_in_child(Body body, std::string *output) {
    int ends[2];
    std::cout.flush();
    std::fflush(nullptr);
    if (pipe(ends) != 0) {
        *output = "no pipe";
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_child(body, ends[1]);
    }
    close(ends[1]);
    char buffer[4096];
    for (ssize_t count; (count = read(ends[0], buffer, sizeof buffer)) > 0;)
        output->append(buffer, static_cast<size_t>(count));
    close(ends[0]);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        *output += "no child";
        return false;
    }
    if (WIFSIGNALED(status))
        *output += "signal " + std::to_string(WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <typename Body> void in_child(Body body) {
    std::string output;
    if (!passes_in_child(body, &output))
        ADD_FAILURE() << output;
}

} // namespace ns_test

#endif
