// SPDX-License-Identifier: Apache-2.0
#include "model/hazard.h"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::vector<const ns_hazard_entry *> all_texts() {
    std::vector<const ns_hazard_entry *> texts;
    for (int id = NS_HAZARD_NONE + 1; id < NS_HAZARD_COUNT; ++id) {
        texts.push_back(ns_hazard_text(static_cast<ns_hazard_id>(id)));
    }
    return texts;
}

TEST(HazardTable, EveryIdHasAnEntryAndNothingElseHas) {
    for (const ns_hazard_entry *text : all_texts()) {
        ASSERT_NE(text, nullptr);
    }
    EXPECT_EQ(ns_hazard_text(NS_HAZARD_NONE), nullptr);
    EXPECT_EQ(ns_hazard_text(NS_HAZARD_COUNT), nullptr);
}

// The names are the enumerators' own, with '-' for '_': a table entry in the wrong row would be found here.
TEST(HazardTable, IdsAreThoseOfTheEnumeration) {
    const struct {
        ns_hazard_id id;
        const char *name;
    } names[] = {
#define ROW(prefix, rest, name) {NS_##prefix##_##rest, name}
        ROW(DC, CLEAN_MISSING, "DC-CLEAN-MISSING"),
        ROW(DC, INVAL_MISSING, "DC-INVAL-MISSING"),
        ROW(DC, REFETCH, "DC-REFETCH"),
        ROW(DC, EVICT_OVER_DMA, "DC-EVICT-OVER-DMA"),
        ROW(DC, EARLY_SYNC, "DC-EARLY-SYNC"),
        ROW(DC, WRONG_OP, "DC-WRONG-OP"),
        ROW(DC, WRONG_RANGE, "DC-WRONG-RANGE"),
        ROW(DC, WRONG_DIR, "DC-WRONG-DIR"),
        ROW(DC, WRONG_SCOPE, "DC-WRONG-SCOPE"),
        ROW(LS, INVAL_NEIGHBOUR, "LS-INVAL-NEIGHBOUR"),
        ROW(LS, WB_NEIGHBOUR, "LS-WB-NEIGHBOUR"),
        ROW(LS, DESC_SHARE, "LS-DESC-SHARE"),
        ROW(LS, ALIGN, "LS-ALIGN"),
        ROW(OW, CPU_ACCESS, "OW-CPU-ACCESS"),
        ROW(OW, DOUBLE_MAP, "OW-DOUBLE-MAP"),
        ROW(OW, UAF, "OW-UAF"),
        ROW(OW, UNMAP_MISMATCH, "OW-UNMAP-MISMATCH"),
        ROW(OR, DESC_PUBLISH, "OR-DESC-PUBLISH"),
        ROW(OR, DESC_CONSUME, "OR-DESC-CONSUME"),
        ROW(OR, DRAIN, "OR-DRAIN"),
        ROW(OR, IRQ_BEFORE_DATA, "OR-IRQ-BEFORE-DATA"),
        ROW(OR, TORN, "OR-TORN"),
        ROW(OR, NO_PROGRESS, "OR-NO-PROGRESS"),
        ROW(AT, ALIAS_DIRTY, "AT-ALIAS-DIRTY"),
        ROW(AT, ALIAS_STALE, "AT-ALIAS-STALE"),
        ROW(AT, WRONG_TYPE, "AT-WRONG-TYPE"),
        ROW(AT, COHERENCY_DECL, "AT-COHERENCY-DECL"),
        ROW(AT, COHERENCY_DECL_REV, "AT-COHERENCY-DECL-REV"),
        ROW(AT, PAGE_FAULT, "AT-PAGE-FAULT"),
        ROW(AD, MASK_TRUNC, "AD-MASK-TRUNC"),
        ROW(AD, OFFSET, "AD-OFFSET"),
        ROW(AD, DECODE_ERROR, "AD-DECODE-ERROR"),
        ROW(AD, NOT_ADDRESSABLE, "AD-NOT-ADDRESSABLE"),
        ROW(BB, LEAK, "BB-LEAK"),
        ROW(BB, OVERWRITE, "BB-OVERWRITE"),
        ROW(BB, OFFSET, "BB-OFFSET"),
        ROW(BB, MISSED, "BB-MISSED"),
        ROW(PL, POOL, "PL-POOL"),
        ROW(PL, REF, "PL-REF"),
        ROW(PL, EXHAUSTED, "PL-EXHAUSTED"),
        ROW(HW, CMO_ERRATUM, "HW-CMO-ERRATUM"),
        ROW(HW, SPEC_DIRTY, "HW-SPEC-DIRTY"),
#undef ROW
    };
    EXPECT_EQ(sizeof names / sizeof names[0], static_cast<size_t>(NS_HAZARD_COUNT - 1));
    for (const auto &row : names) {
        ASSERT_NE(ns_hazard_text(row.id), nullptr) << row.name;
        EXPECT_STREQ(ns_hazard_text(row.id)->id, row.name);
        EXPECT_EQ(ns_hazard_by_name(row.name), row.id);
    }
}

TEST(HazardTable, NamesAreFoundInAnyCase) {
    EXPECT_EQ(ns_hazard_by_name("dc-refetch"), NS_DC_REFETCH);
    EXPECT_EQ(ns_hazard_by_name("Ow-Uaf"), NS_OW_UAF);
}

TEST(HazardTable, OtherNamesAreUnknown) {
    for (const char *name : {"", "-", "DC", "DC-REFETC", "DC-REFETCHH", "DC_REFETCH", " DC-REFETCH", "NONE"}) {
        EXPECT_EQ(ns_hazard_by_name(name), NS_HAZARD_NONE) << name;
    }
    EXPECT_EQ(ns_hazard_by_name(nullptr), NS_HAZARD_NONE);
}

TEST(HazardTable, EveryTextIsThere) {
    for (const ns_hazard_entry *text : all_texts()) {
        SCOPED_TRACE(text->id);
        for (const char *field :
             {text->title, text->happens, text->picture, text->fix, text->help, text->linux_name, text->published}) {
            ASSERT_NE(field, nullptr);
            EXPECT_GT(std::string(field).size(), 10u);
        }
        ASSERT_NE(text->other_names, nullptr);
    }
}

TEST(HazardTable, NoTwoHazardsShareAText) {
    std::map<std::string, std::string> seen;
    for (const ns_hazard_entry *text : all_texts()) {
        for (const char *field : {text->title, text->happens, text->picture, text->fix, text->help, text->published}) {
            auto [place, is_new] = seen.emplace(field, text->id);
            EXPECT_TRUE(is_new) << text->id << " and " << place->second << ": " << field;
        }
    }
}

// Reports and `explain` print these beside source lines on 80 columns, on any terminal.
TEST(HazardTable, TextsArePlainAsciiAndFitTheirPlace) {
    for (const ns_hazard_entry *text : all_texts()) {
        SCOPED_TRACE(text->id);
        for (const char *field : {text->title, text->happens, text->fix, text->help, text->linux_name,
                                  text->other_names, text->published}) {
            for (const char *c = field; *c != '\0'; ++c) {
                EXPECT_TRUE(*c >= ' ' && *c < 0x7f) << field;
            }
            EXPECT_EQ(std::string(field).find("  "), std::string::npos) << field;
        }
        EXPECT_LE(std::string(text->title).size(), 100u);
        EXPECT_LE(std::string(text->help).size(), 110u);
        std::string picture = text->picture;
        ASSERT_FALSE(picture.empty());
        EXPECT_EQ(picture.back(), '\n');
        std::istringstream lines(picture);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 76u) << line;
            for (char c : line) {
                EXPECT_TRUE(c >= ' ' && c < 0x7f) << line;
            }
        }
    }
}

// One-liners go into sentences and lists; paragraphs are sentences.
TEST(HazardTable, TitlesAndHelpAreNotSentencesButParagraphsAre) {
    for (const ns_hazard_entry *text : all_texts()) {
        SCOPED_TRACE(text->id);
        for (const char *line : {text->title, text->help}) {
            EXPECT_NE(std::string(line).back(), '.');
        }
        EXPECT_FALSE(std::isupper(static_cast<unsigned char>(text->help[0])));
        for (const char *paragraph : {text->happens, text->fix}) {
            std::string all = paragraph;
            EXPECT_TRUE(all.back() == '.' || all.substr(all.size() - 2) == ".)") << all;
        }
    }
}

TEST(HazardTable, EverySymptomHasItsOwnWord) {
    std::set<std::string> words;
    for (int symptom = NS_SYMPTOM_STALE; symptom <= NS_SYMPTOM_HANG; ++symptom) {
        std::string word = ns_symptom_text(static_cast<ns_symptom>(symptom));
        EXPECT_EQ(word.find(' '), std::string::npos);
        EXPECT_NE(word, "unknown");
        EXPECT_TRUE(words.insert(word).second) << word;
    }
    EXPECT_STREQ(ns_symptom_text(NS_SYMPTOM_STALE), "stale");
    EXPECT_STREQ(ns_symptom_text(NS_SYMPTOM_LOST), "lost");
}

} // namespace
