/* SPDX-License-Identifier: Apache-2.0 */
/* Caches on the command line: `32K,8,64,lru,wb,wa`, and ranges of them for a sweep. */
#ifndef NS_CLI_REPLAY_GEOMETRY_H
#define NS_CLI_REPLAY_GEOMETRY_H

#include "cache/cache.h"
#include "cli/options.h"

#define NS_GEOMETRY_TEXT 96

/* SIZE,WAYS,LINE[,lru|fifo|plru|random][,wb|wt][,wa|nwa]. `option` is for the message that comes before false. Whether
 * the numbers fit each other is for ns_replay_config_check. */
bool ns_geometry_parse(const char *option, const char *text, struct ns_cache_level_config *config);

/* SIZES,WAYS,LINES[,...]: each of the first three is one number or FIRST..LAST, in powers of two; the others apply to
 * all. Combinations that are no cache (more ways than lines) are left out. *configs is malloc'd. */
bool ns_geometry_parse_sweep(const char *text, struct ns_cache_level_config **configs, size_t *count);

/* "32K" */
const char *ns_geometry_size(uint32_t size, char text[16]);
/* "32K, 8 ways, lines of 64 bytes, lru, write-back, write-allocate" */
const char *ns_geometry_text(const struct ns_cache_level_config *config, char text[NS_GEOMETRY_TEXT]);
/* "lru", "fifo", "plru", "random" */
const char *ns_geometry_policy(enum ns_replacement replacement);

#endif
