/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/status.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

TEST(PoolStatus, EveryValueHasATextOfItsOwn) {
    std::set<std::string> texts;
    for (int status = NS_POOL_OK; status <= NS_POOL_ERROR_METADATA; status++)
        texts.insert(ns_pool_status_text(static_cast<ns_pool_status>(status)));
    EXPECT_EQ(texts.size(), 7u);
    EXPECT_EQ(texts.count(ns_pool_status_text(static_cast<ns_pool_status>(7))), 0u);
}
