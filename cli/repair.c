/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/output.h"

enum ns_exit ns_repair_main(const struct ns_options *options) {
    (void)options;
    return NS_EXIT_INTERNAL;
}
enum ns_exit ns_mutate(const struct ns_scenario *scenario, const struct ns_options *options, bool color,
                       struct ns_buffer *text, struct ns_buffer *json) {
    (void)scenario;
    (void)options;
    (void)color;
    (void)text;
    (void)json;
    return NS_EXIT_INTERNAL;
}
