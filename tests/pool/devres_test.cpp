/* SPDX-License-Identifier: Apache-2.0 */
/* dmam_alloc_coherent and dmam_free_coherent; the order of the two steps of the free. */
#include "fake_direct.h"
#include "pool/devres.h"

namespace {

ns_pool_device device() {
    ns_pool_device result{};
    result.coherent_dma_mask = result.dma_mask = 0xffff'ffff;
    result.coherent = true; /* so that the same page gives the same address again */
    return result;
}

TEST(Devres, ReleasesWhatTheDriverLeftNewestFirst) {
    fake::Kernel machine;
    const ns_pool_device nic = device();
    const uint64_t before = machine.free_frames();
    ns_devres *devres = nullptr;
    const ns_devres_config config = {NS_DEVRES_RECORD_FIRST, nullptr, nullptr};
    ASSERT_EQ(ns_devres_create(machine.direct, &nic, &config, &devres), NS_POOL_OK);
    uint64_t address[3], bus[3];
    for (int i = 0; i < 3; i++)
        ASSERT_EQ(ns_dmam_alloc_coherent(devres, 4096, NS_GFP_KERNEL, &address[i], &bus[i]), NS_POOL_OK);
    uint64_t cookie = 0, cookie_bus = 0;
    ASSERT_EQ(ns_dmam_alloc_attrs(devres, 4096, NS_GFP_KERNEL, NS_DMA_NO_KERNEL_MAPPING, &cookie, &cookie_bus),
              NS_POOL_OK);
    EXPECT_EQ(ns_dmam_free_coherent(devres, 4096, address[1], bus[1]), NS_POOL_OK);
    EXPECT_EQ(ns_devres_count(devres), 3u);
    EXPECT_EQ(ns_devres_release_all(devres), NS_POOL_OK);
    EXPECT_EQ(machine.free_frames(), before);
    EXPECT_TRUE(machine.port.misuses.empty());
    EXPECT_EQ(ns_devres_release_all(nullptr), NS_POOL_OK);
}

/* Another hart takes memory between the two steps. In the historic order the page is free by then, the other gets it,
 * and the record that is removed is the other's: the newest with that address. */
struct Race {
    ns_devres *devres = nullptr;
    uint64_t size = 4096, address = 0, bus = 0;
    bool done = false;
    static void run(void *self) {
        Race &race = *static_cast<Race *>(self);
        if (!race.done) {
            race.done = true;
            EXPECT_EQ(ns_dmam_alloc_coherent(race.devres, race.size, NS_GFP_KERNEL, &race.address, &race.bus),
                      NS_POOL_OK);
        }
    }
};

TEST(Devres, TheHistoricOrderRemovesAnotherAllocationsRecord) {
    for (ns_devres_order order : {NS_DEVRES_MEMORY_FIRST, NS_DEVRES_RECORD_FIRST}) {
        SCOPED_TRACE(order);
        const bool historic = order == NS_DEVRES_MEMORY_FIRST;
        fake::Kernel machine;
        const ns_pool_device nic = device();
        const uint64_t before = machine.free_frames();
        Race race;
        race.size = 100; /* another size than the record's, but one page as well */
        const ns_devres_config config = {order, Race::run, &race};
        ASSERT_EQ(ns_devres_create(machine.direct, &nic, &config, &race.devres), NS_POOL_OK);
        uint64_t address = 0, bus = 0;
        ASSERT_EQ(ns_dmam_alloc_coherent(race.devres, 4096, NS_GFP_KERNEL, &address, &bus), NS_POOL_OK);
        EXPECT_EQ(ns_dmam_free_coherent(race.devres, 4096, address, bus), historic ? NS_POOL_ERROR_MISUSE : NS_POOL_OK);
        EXPECT_EQ(race.address == address, historic);
        EXPECT_EQ(machine.port.misuses.size(), historic ? 1u : 0u) << "WARN: its size is not the one freed";
        EXPECT_EQ(ns_devres_count(race.devres), 1u);
        /* The owner of the second allocation frees it: the record that is left is the first one's. */
        machine.port.misuses.clear();
        EXPECT_EQ(ns_dmam_free_coherent(race.devres, race.size, race.address, race.bus),
                  historic ? NS_POOL_ERROR_MISUSE : NS_POOL_OK);
        EXPECT_EQ(machine.port.misuses.size(), historic ? 1u : 0u);
        EXPECT_EQ(ns_devres_release_all(race.devres), NS_POOL_OK);
        EXPECT_EQ(machine.free_frames(), before);
    }
}

TEST(Devres, AFreeWithoutARecordIsWarnedAboutAndDoneAllTheSame) {
    fake::Kernel machine;
    const ns_pool_device nic = device();
    const uint64_t before = machine.free_frames();
    ns_devres *devres = nullptr;
    const ns_devres_config config = {NS_DEVRES_RECORD_FIRST, nullptr, nullptr};
    ASSERT_EQ(ns_devres_create(machine.direct, &nic, &config, &devres), NS_POOL_OK);
    uint64_t address = 0, bus = 0;
    ASSERT_EQ(ns_dma_alloc_coherent(machine.direct, &nic, 4096, NS_GFP_KERNEL, &address, &bus), NS_POOL_OK);
    EXPECT_EQ(ns_dmam_free_coherent(devres, 4096, address, bus), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(machine.port.misuses.back().what, NS_MISUSE_FOREIGN_FREE);
    EXPECT_EQ(machine.free_frames(), before);
    EXPECT_EQ(ns_devres_release_all(devres), NS_POOL_OK);
}

/* The driver frees managed memory with the plain function: the record stays, and the unbind frees a second time. */
TEST(Devres, PlainFreeOfManagedMemoryIsFoundAtUnbind) {
    fake::Kernel machine;
    const ns_pool_device nic = device();
    ns_devres *devres = nullptr;
    const ns_devres_config config = {NS_DEVRES_RECORD_FIRST, nullptr, nullptr};
    ASSERT_EQ(ns_devres_create(machine.direct, &nic, &config, &devres), NS_POOL_OK);
    uint64_t address = 0, bus = 0;
    ASSERT_EQ(ns_dmam_alloc_coherent(devres, 4096, NS_GFP_KERNEL, &address, &bus), NS_POOL_OK);
    EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 4096, address, bus), NS_POOL_OK);
    EXPECT_EQ(ns_devres_release_all(devres), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(machine.port.misuses.back().what, NS_MISUSE_DOUBLE_FREE);
}

TEST(Devres, FailuresAtAnyCallLeakNothing) {
    int failures = 0;
    for (int n = 0;; n++) {
        fake::Kernel machine;
        const ns_pool_device nic = device();
        const uint64_t before = machine.free_frames();
        const size_t metadata = machine.port.metadata_blocks();
        machine.port.fail_metadata_at = n;
        ns_devres *devres = nullptr;
        const ns_devres_config config = {NS_DEVRES_RECORD_FIRST, nullptr, nullptr};
        uint64_t address = 0, bus = 0;
        ns_pool_status status = ns_devres_create(machine.direct, &nic, &config, &devres);
        if (status == NS_POOL_OK)
            status = ns_dmam_alloc_coherent(devres, 4096, NS_GFP_KERNEL, &address, &bus);
        EXPECT_EQ(ns_devres_release_all(devres), NS_POOL_OK);
        EXPECT_EQ(machine.free_frames(), before);
        EXPECT_EQ(machine.port.metadata_blocks(), metadata);
        if (status == NS_POOL_OK)
            break;
        EXPECT_EQ(status, NS_POOL_ERROR_METADATA);
        failures++;
    }
    EXPECT_EQ(failures, 3); /* the devres, its record, the coherent path's record */
    fake::Kernel machine;
    ns_devres *devres = nullptr;
    const ns_devres_config config = {NS_DEVRES_RECORD_FIRST, nullptr, nullptr};
    EXPECT_EQ(ns_devres_create(machine.direct, nullptr, &config, &devres), NS_POOL_ERROR_ARGUMENT);
}

} // namespace
