/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes a file holds: no crash, no long wait, and a message or a scenario. */
#include "parsed.h"

#include <chrono>
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>

namespace {

const char *const good =
    "version 1\nscenario \"every kind of line\"\nuse machine \"mine\"\norder free\nseed 7\nrequires run\n"
    "machine \"mine\" from \"one-core-wb64\"\n  harts 2\n  clock 1500 MHz\n  cache L2 size 512K\n"
    "  cache L3 shared size 1M ways 16 line 128 hit 30 cycles\n  no-caches-below L2\n  maintenance late 8 lines\n"
    "  pma at 0x1000_0000 size 64K nc\n  store-buffer 4 entries after 100 ns\n  may evict, drain\n"
    "  ram low at 0x8000_0000 size 1G\n  ram high at 0x1_0000_0000 size 1G\n"
    "  dma-window bus 0 to 0x8000_0000 size 1G for nic\n  memory-latency 80 ns\nend\n"
    "device nic dma-bits 36 irq irq1 snoops yes declared non-coherent\ndevice dma0 burst 64\n"
    "buffer rx size 64 align 64 fill 0x00\nbuffer tx size 4K zone normal type nc\n"
    "struct desc count 4 align 16\n  u64 addr\n  u16 flags[2]\n  pad 3\n  u8 own\nend\n"
    "pool net buffers 64 size 2048 limit 4G\npool descs dma-pool boundary 4K for dma0 of desc\nalias rx2 of rx type "
    "nc\n"
    "cpu0: load rx[0..4] -> got   expect DC-REFETCH, LS-ALIGN # comment\ncpu1: store desc[2].addr = 0x1234\n"
    "cpu0: copy rx[0..32] to tx[0..32]\ncpu0: clean rx[-16..80] by page scope l1\ncpu0: dcache.cval1 @0x8000_0000\n"
    "cpu0: map rx for nic from-device skip-cpu-sync -> h\ncpu0: unmap h for nic size 64\ncpu0: alloc descs -> d\n"
    "cpu0: store d.addr = h\ncpu0: alloc-coherent for nic of desc skip-flush -> ring\ncpu0: free ring\n"
    "nic: write h[0..4] = 1 using physical\nnic: poll desc[0].own == 1\nnic: raise irq1\ncpu0: wait irq1\n"
    "hw: prefetch cpu1 rx\nhw: drain nic rx\nrepeat 3\n  repeat 2\n    cpu0: fence\n  end\nend\n"
    "final got == 0x1\nfinal cache L1D cpu1 rx absent\nverify never memory rx fill 3\n";

unsigned test_seed() {
    const char *text = std::getenv("NS_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 0)) : 20240u;
}

/* Parses and formats all messages, as the command does. Returns the time. */
std::chrono::steady_clock::duration exercise(const std::string &text) {
    auto start = std::chrono::steady_clock::now();
    Parsed parsed(text);
    EXPECT_NE(nullptr, parsed.get());
    for (size_t i = 0; i < parsed.diagnostics().count; i++) {
        const ns_diagnostic &entry = parsed.diagnostics().entry[i];
        EXPECT_GE(entry.width, 1u);
        EXPECT_GE(entry.column, 1u);
        std::string shown = parsed.formatted(i);
        for (unsigned char byte : shown) {
            EXPECT_TRUE(byte == '\n' || (byte >= 0x20 && byte != 0x7F)) << "a control character reaches the terminal";
        }
        if (i > 0 && entry.line != 0) {
            const ns_diagnostic &before = parsed.diagnostics().entry[i - 1];
            EXPECT_TRUE(before.line < entry.line || (before.line == entry.line && before.column < entry.column));
        }
    }
    return std::chrono::steady_clock::now() - start;
}

TEST(Hostile, TheGoodFileIsGood) {
    EXPECT_EQ("", Parsed(good).errors());
}

TEST(Hostile, TruncationAtEveryByte) {
    std::string text = good;
    for (size_t length = 0; length <= text.size(); length++) {
        SCOPED_TRACE(length);
        exercise(text.substr(0, length));
    }
}

TEST(Hostile, RandomMutationsOfBytes) {
    unsigned seed = test_seed();
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    static const char frequent[] = "\n\n #[]..->=!:,@\"-_0123456789xKMG\t\r\\\0\x7f\x80\xff\xc2\xe2";
    for (int round = 0; round < 6000; round++) {
        std::string text = good;
        for (unsigned change = random() % 8 + 1; change > 0; change--) {
            size_t at = random() % text.size();
            char byte = random() % 4 == 0 ? static_cast<char>(random()) : frequent[random() % (sizeof frequent - 1)];
            switch (random() % 4) {
            case 0:
                text[at] = byte;
                break;
            case 1:
                text.insert(at, 1, byte);
                break;
            case 2:
                text.erase(at, random() % 20);
                break;
            default:
                text.insert(at, text.substr(random() % text.size(), random() % 60));
                break;
            }
        }
        exercise(text);
        if (HasFailure()) {
            FAIL() << "round " << round;
        }
    }
}

TEST(Hostile, LinesInAnyOrder) {
    unsigned seed = test_seed();
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<std::string> lines;
    std::istringstream stream(good);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line + "\n");
    }
    for (int round = 0; round < 1000; round++) {
        std::shuffle(lines.begin(), lines.end(), random);
        std::string text;
        for (const std::string &line : lines) {
            text += line;
        }
        exercise(text);
    }
}

TEST(Hostile, RandomBytes) {
    unsigned seed = test_seed();
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 300; round++) {
        std::string text(random() % 2000, '\0');
        for (char &byte : text) {
            byte = static_cast<char>(random());
        }
        exercise(text);
    }
}

TEST(Hostile, FullSizeFilesOfAnythingEndSoon) {
    const std::string patterns[] = {"\n",
                                    "x\n",
                                    "cpu0: load x\n",
                                    std::string(1, '\0'),
                                    "\xff",
                                    "[",
                                    "\"",
                                    "buffer b size 1\n",
                                    "repeat 100000\n",
                                    "end\n",
                                    "machine \"m\"\n",
                                    "machine \"a\" from \"b\"\nend\n",
                                    "struct s\n",
                                    "u8 a\n",
                                    "use machine \"y\"\n",
                                    "a: b -> c\n",
                                    "final a == 1\n",
                                    "0x",
                                    "1_",
                                    "@",
                                    "final cache L1D a absent\n"};
    for (const std::string &pattern : patterns) {
        SCOPED_TRACE(pattern);
        std::string text;
        while (text.size() + pattern.size() <= NS_LIMIT_FILE_BYTES) {
            text += pattern;
        }
        EXPECT_LT(exercise(text), std::chrono::seconds(10));
    }
    /* 20,000 different unknown names against as many bad ones. */
    std::string text;
    for (int i = 0; i < 10000; i++) {
        text += "bufer name" + std::to_string(i) + "\n";
    }
    for (int i = 0; i < 10000; i++) {
        text += "cpu0: load nome" + std::to_string(i) + "\n";
    }
    EXPECT_LT(exercise(text), std::chrono::seconds(10));
}

TEST(Hostile, CarriageReturnsByteOrderMarkAndAMissingLastNewlineAreFine) {
    std::string windows = "\xEF\xBB\xBF", text = good;
    for (char byte : text) {
        windows += byte == '\n' ? "\r\n" : std::string(1, byte);
    }
    Parsed parsed(windows);
    ASSERT_EQ("", parsed.errors());
    EXPECT_STREQ(good, parsed->text) << "lines show without '\\r' and without the mark";
    EXPECT_EQ("", Parsed(windows.substr(0, windows.size() - 1)).errors());
    EXPECT_EQ("", Parsed(text.substr(0, text.size() - 1)).errors());
    /* The mark does not move the columns of the first line. */
    EXPECT_EQ("1:1 `foo` starts no statement\n", Parsed("\xEF\xBB\xBF"
                                                        "foo\r\nuse machine \"one-core-wb64\"\r\n")
                                                     .errors());
}

TEST(Hostile, BytesThatAreNoTextAreNamedWhereTheyStand) {
    const struct {
        std::string text;
        const char *error;
    } rows[] = {
        {std::string("order free\0", 11), "2:11 a scenario is text; this is a NUL byte\n"},
        {"order free # \x1b[31m", "2:14 a scenario is text; this is a control character\n"},
        {"order free # \xc2\x9b", "2:14 a scenario is text; this is a control character\n"},
        {"order\rfree", "2:6 a carriage return stands only at the end of a line\n"},
        {"order free # \xff", "2:14 this is not valid UTF-8\n"},
        {"order free # \xc3\xbc \xe2\x82", "2:17 this is not valid UTF-8\n"},
        {"order free # \xed\xa0\x80", "2:14 this is not valid UTF-8\n"},
        {"order free # \xc0\xaf", "2:14 this is not valid UTF-8\n"},
        {"order free # \xf4\x90\x80\x80", "2:14 this is not valid UTF-8\n"},
        {"order free # \xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", ""},
        {"scenario \"\xc3\xbc\"", ""},
    };
    for (const auto &row : rows) {
        EXPECT_EQ(row.error, Parsed("use machine \"one-core-wb64\"\n" + row.text + "\n").errors());
    }
}

} // namespace
