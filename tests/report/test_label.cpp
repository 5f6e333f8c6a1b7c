// SPDX-License-Identifier: Apache-2.0
// What a report says about an earlier event is worded from the note's role and the event's fields, nothing else.
#include "sample_log.h"

#include "report/label.h"

#include <gtest/gtest.h>

namespace {

constexpr uint8_t CPU0 = SampleLog::CPU0, NIC = SampleLog::NIC;

std::string take(ns_buffer &buffer) {
    std::string text = buffer.data != nullptr ? std::string(buffer.data, buffer.length) : "";
    ns_buffer_release(&buffer);
    return text;
}

class Label : public ::testing::Test {
  protected:
    SampleLog log{{"x"}};

    ns_event event(ns_event_kind kind, uint8_t actor) { return SampleLog::event(kind, actor, NS_NO_SITE); }

    std::string note(ns_note_role role, const ns_event &event, const std::vector<uint8_t> &data = {}) {
        uint32_t number = log.append(event, data);
        ns_hazard hazard = SampleLog::hazard(NS_DC_REFETCH, NS_SYMPTOM_LOST, number, NS_NO_SITE, CPU0);
        ns_note note{number, role};
        ns_buffer out{};
        ns_label_note(log.get(), &hazard, &note, "here", &out);
        return take(out);
    }

    std::string headline(ns_hazard_id id, ns_symptom symptom, ns_event_kind found, uint8_t actor, uint8_t writer) {
        uint32_t wrote = log.append(event(NS_EVENT_STORE, writer));
        ns_hazard hazard = SampleLog::hazard(id, symptom, log.append(event(found, actor)), NS_NO_SITE, actor);
        SampleLog::note(hazard, NS_NOTE_WROTE, wrote);
        ns_buffer out{};
        ns_label_headline(log.get(), &hazard, &out);
        return take(out);
    }
};

TEST_F(Label, FillNamesTheLineAndTheLevelBelowTheFirst) {
    ns_event fill = event(NS_EVENT_FILL, CPU0);
    EXPECT_EQ(note(NS_NOTE_FILLED, fill, {1, 2}), "line 0x8000_0000 filled here: 01 02 ..");
    log->levels = 2;
    std::strcpy(log->level_name[1], "L2");
    fill.level = 1;
    EXPECT_EQ(note(NS_NOTE_FILLED, fill), "line 0x8000_0000 filled into L2 here");
}

// A line of 64 bytes begins with bytes that the hazard is not about.
TEST_F(Label, DataAreTheHazardsOwnBytes) {
    ns_event fill = event(NS_EVENT_FILL, CPU0);
    fill.address = 0x80000000 - 2;
    fill.length = 64;
    EXPECT_EQ(note(NS_NOTE_FILLED, fill, {1, 2, 3, 4, 5, 6, 7, 8}), "line 0x7fff_fffe filled here: 03 04 05 06");
    EXPECT_EQ(note(NS_NOTE_FILLED, fill, {1, 2, 3, 4}), "line 0x7fff_fffe filled here: 03 04 ..");
    EXPECT_EQ(note(NS_NOTE_WROTE, event(NS_EVENT_DMA_WRITE, NIC), {1, 2, 3, 4, 5}),
              "nic wrote these bytes to memory here: 01 02 03 04");
    fill.address = 0x80000000 - 8;
    EXPECT_EQ(note(NS_NOTE_FILLED, fill, {1, 2, 3, 4, 5, 6, 7, 8}), "line 0x7fff_fff8 filled here");
    fill.address = 0x80000004;
    EXPECT_EQ(note(NS_NOTE_FILLED, fill, {1, 2, 3, 4}), "line 0x8000_0004 filled here");
}

TEST_F(Label, AtMostFourBytesAreShown) {
    ns_event write = event(NS_EVENT_DMA_WRITE, NIC);
    write.length = 64;
    uint32_t number = log.append(write, {1, 2, 3, 4, 5, 6, 7, 8});
    ns_hazard hazard = SampleLog::hazard(NS_DC_EVICT_OVER_DMA, NS_SYMPTOM_LOST, number, NS_NO_SITE, CPU0);
    hazard.last = hazard.first + 63;
    ns_note note{number, NS_NOTE_WROTE};
    ns_buffer out{};
    ns_label_note(log.get(), &hazard, &note, "here", &out);
    EXPECT_EQ(take(out), "nic wrote these bytes to memory here: 01 02 03 04 ..");
}

TEST_F(Label, FillNamesTheHartWhereThereAreSeveral) {
    log->actor_count = 4;
    log.set_actor(3, "cpu1", NS_ACTOR_CLASS_HART);
    EXPECT_EQ(note(NS_NOTE_FILLED, event(NS_EVENT_FILL, 3)), "line 0x8000_0000 filled into cpu1's L1D here");
}

TEST_F(Label, WritesNameTheirWriterAndBytes) {
    EXPECT_EQ(note(NS_NOTE_WROTE, event(NS_EVENT_DMA_WRITE, NIC), {0xab, 0xab, 0xab, 0xab}),
              "nic wrote these bytes to memory here: ab ab ab ab");
    EXPECT_EQ(note(NS_NOTE_WROTE, event(NS_EVENT_STORE, CPU0), {1, 0, 0, 0}),
              "cpu0 stored these bytes here: 01 00 00 00");
    ns_event bypassing = event(NS_EVENT_STORE, CPU0);
    bypassing.type = NS_TYPE_NC;
    EXPECT_EQ(note(NS_NOTE_WROTE, bypassing, {1, 0, 0, 0}), "cpu0 stored these bytes here (nc): 01 00 00 00");
}

TEST_F(Label, DirtyLinesNameTheirCause) {
    EXPECT_EQ(note(NS_NOTE_DIRTIED, event(NS_EVENT_STORE, CPU0)), "this store makes the line dirty here");
    EXPECT_EQ(note(NS_NOTE_DIRTIED, event(NS_EVENT_SPECULATIVE_STORE, CPU0)),
              "a squashed speculative store makes the line dirty here");
}

TEST_F(Label, HandOversNameTheDeviceAndTheDirection) {
    ns_event map = event(NS_EVENT_MAP, CPU0);
    map.peer = NIC;
    map.direction = 2;
    EXPECT_EQ(note(NS_NOTE_MAPPED, map), "handed to nic here, from-device");
    map.peer = 0xff;
    map.direction = 0;
    EXPECT_EQ(note(NS_NOTE_MAPPED, map), "handed to the device here");
    EXPECT_EQ(note(NS_NOTE_UNMAPPED, event(NS_EVENT_UNMAP, CPU0)), "handed back to the CPU here");
}

TEST_F(Label, MaintenanceNamesOperationRangeScopeAndTheCallItIsIn) {
    ns_event clean = event(NS_EVENT_MAINTENANCE, CPU0);
    clean.op = NS_CACHE_CLEAN;
    clean.scope = NS_SCOPE_POC;
    clean.length = 64;
    EXPECT_EQ(note(NS_NOTE_MAINTAINED, clean), "clean of 0x8000_0000..0x8000_003f here");
    clean.inside = 1;
    clean.link = log.append(event(NS_EVENT_MAP, CPU0));
    EXPECT_EQ(note(NS_NOTE_MAINTAINED, clean), "map: clean of 0x8000_0000..0x8000_003f here");
    clean.inside = 0;
    clean.scope = NS_SCOPE_L1;
    EXPECT_EQ(note(NS_NOTE_MAINTAINED, clean), "clean of 0x8000_0000..0x8000_003f here") << "there is only one level";
    log->levels = 2;
    EXPECT_EQ(note(NS_NOTE_MAINTAINED, clean), "clean of 0x8000_0000..0x8000_003f here, in L1D only");
    clean.address = 0;
    clean.length = UINT32_MAX;
    clean.scope = NS_SCOPE_POC;
    clean.op = NS_CACHE_FLUSH;
    EXPECT_EQ(note(NS_NOTE_MAINTAINED, clean), "flush of the whole cache here");
}

TEST_F(Label, DropsAndWriteBacksNameTheLine) {
    ns_event drop = event(NS_EVENT_DROP, CPU0);
    EXPECT_EQ(note(NS_NOTE_DISCARDED, drop), "line 0x8000_0000 dropped from L1D here");
    drop.dirty = 1;
    EXPECT_EQ(note(NS_NOTE_DISCARDED, drop), "dirty line 0x8000_0000 dropped from L1D here");
    ns_event invalidate = event(NS_EVENT_MAINTENANCE, CPU0);
    invalidate.op = NS_CACHE_INVALIDATE;
    invalidate.scope = NS_SCOPE_POC;
    EXPECT_EQ(note(NS_NOTE_DISCARDED, invalidate), "invalidate of 0x8000_0000..0x8000_0003 here");
    EXPECT_EQ(note(NS_NOTE_WRITTEN_BACK, event(NS_EVENT_WRITE_BACK, CPU0)),
              "line 0x8000_0000 written back to memory here");
}

TEST_F(Label, SignalsSayWhoToldWhom) {
    ns_event doorbell = event(NS_EVENT_DOORBELL, CPU0);
    doorbell.peer = NIC;
    EXPECT_EQ(note(NS_NOTE_SIGNALLED, doorbell), "cpu0 told nic to start here");
    EXPECT_EQ(note(NS_NOTE_SIGNALLED, event(NS_EVENT_START, NIC)), "nic started here");
    EXPECT_EQ(note(NS_NOTE_SIGNALLED, event(NS_EVENT_RAISE, NIC)), "nic raised its interrupt here");
    EXPECT_EQ(note(NS_NOTE_SIGNALLED, event(NS_EVENT_WAIT, CPU0)), "cpu0 saw the interrupt here");
    EXPECT_EQ(note(NS_NOTE_SIGNALLED, event(NS_EVENT_POLL, CPU0)), "cpu0 saw the signal here");
}

TEST_F(Label, TheRestIsSaidPlainly) {
    ns_event type = event(NS_EVENT_SET_TYPE, CPU0);
    type.type = NS_TYPE_NC;
    EXPECT_EQ(note(NS_NOTE_TYPE_CHANGED, type), "memory type changed to nc here");
    EXPECT_EQ(note(NS_NOTE_ALLOCATED, event(NS_EVENT_ALLOC, CPU0)), "allocated here");
    EXPECT_EQ(note(NS_NOTE_FREED, event(NS_EVENT_FREE, CPU0)), "freed here");
    EXPECT_EQ(note(NS_NOTE_READ, event(NS_EVENT_DMA_READ, NIC), {7, 7, 7, 7}), "nic read here: 07 07 07 07");
    EXPECT_EQ(note(NS_NOTE_OTHER, event(NS_EVENT_SFENCE, CPU0)), "cpu0: sfence of 0x8000_0000..0x8000_0003 here");
}

TEST_F(Label, HeadlinesNameReaderAndWriter) {
    EXPECT_EQ(headline(NS_DC_CLEAN_MISSING, NS_SYMPTOM_STALE, NS_EVENT_DMA_READ, NIC, CPU0),
              "stale read: nic reads bytes that cpu0 has already replaced");
    EXPECT_EQ(headline(NS_DC_WRONG_OP, NS_SYMPTOM_STALE, NS_EVENT_LOAD, CPU0, CPU0),
              "stale read: cpu0 reads bytes that it has already replaced");
}

TEST_F(Label, HeadlinesOfLostBytesSayHowTheyWereLost) {
    EXPECT_EQ(headline(NS_DC_EVICT_OVER_DMA, NS_SYMPTOM_LOST, NS_EVENT_WRITE_BACK, CPU0, NIC),
              "lost write: a write-back overwrites bytes that nic has written");
    EXPECT_EQ(headline(NS_LS_INVAL_NEIGHBOUR, NS_SYMPTOM_LOST, NS_EVENT_DROP, CPU0, CPU0),
              "lost write: cpu0 discards bytes that it has written");
    EXPECT_EQ(headline(NS_OR_DRAIN, NS_SYMPTOM_LOST, NS_EVENT_DRAIN, CPU0, NIC),
              "lost write: an older write arrives late, over bytes that nic has written");
}

// Rules without a symptom of their own speak for themselves.
TEST_F(Label, OtherHeadlinesAreTheRule) {
    EXPECT_EQ(headline(NS_OW_CPU_ACCESS, NS_SYMPTOM_OWNERSHIP, NS_EVENT_LOAD, CPU0, NIC),
              std::string("ownership: ") + ns_hazard_text(NS_OW_CPU_ACCESS)->title);
}

} // namespace
