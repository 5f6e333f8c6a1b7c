/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the pages of a trace lie in a machine's RAM: in the order of their first use, one behind the other, from the
 * first RAM's beginning on; what the machine keeps for its page tables is left out. Offsets within pages stay.
 */
#ifndef NS_CLI_REPLAY_PAGES_H
#define NS_CLI_REPLAY_PAGES_H

#include "model/config.h"

struct ns_page_map;

/* NULL without host memory. The configuration must outlive the map. */
struct ns_page_map *ns_page_map_create(const struct ns_machine_config *machine);
void ns_page_map_destroy(struct ns_page_map *map); /* NULL is ok */

/* A device or maintenance will touch these bytes of the trace: the pages are watched. False without host memory. */
bool ns_page_map_watch(struct ns_page_map *map, uint64_t address, uint64_t length);

enum ns_page_place { NS_PAGE_PLACED, NS_PAGE_RAM_FULL, NS_PAGE_NO_MEMORY };
struct ns_placed_page {
    uint64_t number;   /* of the trace: address / NS_PAGE_SIZE */
    uint64_t physical; /* of its first byte */
    bool watched;
    bool fresh; /* this is its first use */
};
enum ns_page_place ns_page_map_place(struct ns_page_map *map, uint64_t address, struct ns_placed_page *page);

/* The address in the trace of a physical byte; false when no page of it lies there. */
bool ns_page_map_back(const struct ns_page_map *map, uint64_t physical, uint64_t *address);
size_t ns_page_map_used(const struct ns_page_map *map); /* pages */
uint64_t ns_page_map_room(const struct ns_page_map *map);

#endif
