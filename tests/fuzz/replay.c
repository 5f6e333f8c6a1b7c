/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzz targets without libFuzzer: replay FILE... gives each file to the target once. A target says that something
 * is wrong by ending the process, after this has said which file it was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *name) {
    FILE *stream = fopen(name, "rb");
    uint8_t *data = NULL;
    long size = -1;
    if (stream != NULL && fseek(stream, 0, SEEK_END) == 0) {
        size = ftell(stream);
        rewind(stream);
    }
    if (size >= 0) {
        data = malloc(size > 0 ? (size_t)size : 1); /* exactly as long as the file, for the sanitizer */
    }
    const int good = data != NULL && fread(data, 1, (size_t)size, stream) == (size_t)size;
    if (good) {
        printf("%s\n", name);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, (size_t)size);
    } else {
        fprintf(stderr, "cannot read %s\n", name);
    }
    free(data);
    if (stream != NULL) {
        fclose(stream);
    }
    return good;
}

int main(int argc, char **argv) {
    int good = argc > 1; /* a folder without seeds would be a test that cannot fail */
    for (int i = 1; i < argc; i++) {
        good = replay(argv[i]) && good;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
