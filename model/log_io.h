/* SPDX-License-Identifier: Apache-2.0 */
/* A log, or a recording, through a pipe between two processes of the same program: a run needs a process of its own. */
#ifndef NS_MODEL_LOG_IO_H
#define NS_MODEL_LOG_IO_H

#include "model/log.h"
#include "model/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whole writes and reads; false on an error or an early end. */
bool ns_pipe_write(int pipe, const void *bytes, size_t length);
bool ns_pipe_read(int pipe, void *bytes, size_t length);

bool ns_log_send(int pipe, const struct ns_log *log);
/* Into an empty log (ns_log_create). `lines` is not sent: who owns them sets it. */
bool ns_log_receive(int pipe, struct ns_log *log);

bool ns_recording_send(int pipe, const struct ns_recording *recording);
/* Into a zero-initialised recording. */
bool ns_recording_receive(int pipe, struct ns_recording *recording);

#ifdef __cplusplus
}
#endif
#endif
