// A terminal's firmware in small: goes through everything that rescind_terminal.h has.
//
//     terminal SETUP KEY BUNDLE SALE ASK BEGIN SERVER
//
// Each is a file. The clocks are given on the command line of a real device by nobody: here RESCIND_WALL_MS and
// RESCIND_MONOTONIC_MS say what they show, so that a run can be repeated. The server is the program named last: it is
// given a batch's file and prints its acknowledgement.

#include "rescind_terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES (256 * 1024)
#define BATCH_BYTES (600 * 1024)

struct text {
    uint8_t *bytes;
    size_t length;
};

static uint8_t answer[ANSWER_BYTES];
static uint8_t batch[BATCH_BYTES];

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static struct text read_file(const char *path)
{
    struct text text = {NULL, 0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) fail(path);
    long length = ftell(file);
    if (length < 0 || fseek(file, 0, SEEK_SET) != 0) fail(path);
    text.length = (size_t)length;
    text.bytes = malloc(text.length == 0 ? 1 : text.length);
    if (text.bytes == NULL || fread(text.bytes, 1, text.length, file) != text.length) fail(path);
    fclose(file);
    return text;
}

static void expect(rescind_terminal terminal, const char *call, int32_t expected, int32_t found)
{
    uint8_t why[512];
    size_t needed = 0;
    if (expected == found) return;
    if (rescind_terminal_last_error(terminal, why, sizeof why, &needed) != RESCIND_OK) needed = 0;
    fprintf(stderr, "%s: expected \"%s\", found \"%s\": %.*s\n", call, rescind_error_text(expected),
            rescind_error_text(found), (int)needed, (const char *)why);
    exit(1);
}

static void show(const char *what, size_t length)
{
    printf("%s %.*s\n", what, (int)length, (const char *)answer);
}

// A security module would sign; this one is broken.
static int32_t broken_module(void *context, const uint8_t *message, size_t message_length, uint8_t *signature,
                             size_t capacity, size_t *length)
{
    (void)message, (void)message_length, (void)signature, (void)capacity;
    *length = 0;
    ++*(int *)context;
    return 5;
}

static rescind_reading clocks(void)
{
    const char *wall = getenv("RESCIND_WALL_MS");
    const char *monotonic = getenv("RESCIND_MONOTONIC_MS");
    if (wall == NULL || monotonic == NULL) fail("the clocks show nothing");
    rescind_reading now = {strtoll(wall, NULL, 10), strtoull(monotonic, NULL, 10)};
    return now;
}

int main(int count, char **given)
{
    if (count != 8) fail("usage: terminal SETUP KEY BUNDLE SALE ASK BEGIN SERVER");
    struct text setup = read_file(given[1]), key = read_file(given[2]), bundle = read_file(given[3]);
    struct text sale = read_file(given[4]), ask = read_file(given[5]), begin = read_file(given[6]);
    const uint8_t *id = (const uint8_t *)"S-1";
    rescind_reading now = clocks();
    rescind_terminal terminal = 0;
    size_t needed = 0;
    printf("version %s\n", rescind_version());

    // What cannot be is refused, and says why.
    int32_t code = rescind_terminal_open(NULL, 3, key.bytes, key.length, now, &terminal);
    if (code != RESCIND_ARGUMENT || terminal != 0) fail("a setup of nothing");
    if (rescind_terminal_last_error(0, answer, sizeof answer, &needed) != RESCIND_OK) fail("last error of an opening");
    show("refused:", needed);
    code = rescind_terminal_open(setup.bytes, setup.length, key.bytes, key.length, now, NULL);
    if (code != RESCIND_ARGUMENT) fail("a terminal for nobody");

    code = rescind_terminal_open(setup.bytes, setup.length, key.bytes, key.length, now, &terminal);
    expect(0, "open", RESCIND_OK, code);
    expect(terminal, "no bundle", RESCIND_NO_BUNDLE,
           rescind_terminal_check(terminal, now, ask.bytes, ask.length, answer, sizeof answer, &needed) == RESCIND_UNKNOWN_SALE
               ? RESCIND_NO_BUNDLE
               : RESCIND_INTERNAL);

    // The server tells the time, then sends a bundle.
    expect(terminal, "clock unknown", RESCIND_CLOCK_UNKNOWN,
           rescind_terminal_apply_bundle(terminal, now, bundle.bytes, bundle.length, answer, sizeof answer, &needed));
    expect(terminal, "hear", RESCIND_OK, rescind_terminal_hear(terminal, now, now, now.wall_unix_ms));
    bundle.bytes[bundle.length / 2] ^= 1;
    expect(terminal, "an altered bundle", RESCIND_REFUSED,
           rescind_terminal_apply_bundle(terminal, now, bundle.bytes, bundle.length, answer, sizeof answer, &needed));
    bundle.bytes[bundle.length / 2] ^= 1;
    expect(terminal, "apply bundle", RESCIND_OK,
           rescind_terminal_apply_bundle(terminal, now, bundle.bytes, bundle.length, answer, sizeof answer, &needed));
    show("bundle", needed);

    // A sale is made without the network, and looked at.
    expect(terminal, "record sale", RESCIND_OK, rescind_terminal_record_sale(terminal, now, sale.bytes, sale.length));
    const char *look = "{\"sale\":\"S-1\",\"reason\":\"wrong-amount\",\"operator\":{\"person\":\"li\",\"roles\":[\"cashier\"]}}";
    expect(terminal, "check void", RESCIND_OK,
           rescind_terminal_check_void(terminal, now, (const uint8_t *)look, strlen(look), answer, sizeof answer,
                                       &needed));
    show("void", needed);
    expect(terminal, "check", RESCIND_OK,
           rescind_terminal_check(terminal, now, ask.bytes, ask.length, answer, sizeof answer, &needed));
    look = "{\"sale\":{\"stored\":\"S-1\"}}";
    expect(terminal, "assess", RESCIND_OK,
           rescind_terminal_assess(terminal, now, (const uint8_t *)look, strlen(look), answer, sizeof answer, &needed));
    show("ways", needed);
    expect(terminal, "decide", RESCIND_OK,
           rescind_terminal_decide(terminal, now, ask.bytes, ask.length, answer, sizeof answer, &needed));

    // It is voided. The buffer is too small at first: nothing is lost, and nothing happens twice.
    expect(terminal, "a small buffer", RESCIND_BUFFER,
           rescind_terminal_record_operation(terminal, now, begin.bytes, begin.length, answer, 10, &needed));
    size_t whole = needed;
    expect(terminal, "answer", RESCIND_OK, rescind_terminal_answer(terminal, answer, sizeof answer, &needed));
    if (needed != whole) fail("another answer");
    show("done", needed);
    expect(terminal, "the same again", RESCIND_OK,
           rescind_terminal_record_operation(terminal, now, begin.bytes, begin.length, answer, sizeof answer, &needed));
    expect(terminal, "reprint", RESCIND_OK,
           rescind_terminal_reprint(terminal, now, (const uint8_t *)"V-1", 3, answer, sizeof answer, &needed));
    show("reprint", needed);
    expect(terminal, "a cancelled sale", RESCIND_CANCELLED, rescind_terminal_forward(terminal, now, id, 3, 0));
    const char *outcome = "{\"operation\":\"V-1\",\"result\":\"failed\"}";
    expect(terminal, "what is done is done", RESCIND_CONFLICT,
           rescind_terminal_record_outcome(terminal, now, (const uint8_t *)outcome, strlen(outcome)));

    // The network is back.
    uint64_t from = 1;
    rescind_batch_info info = {0, 0, 0};
    do {
        expect(terminal, "export", RESCIND_OK,
               rescind_terminal_export(terminal, now, from, 4, batch, sizeof batch, &needed, &info));
        FILE *file = fopen("batch.bin", "wb");
        if (file == NULL || fwrite(batch, 1, needed, file) != needed || fclose(file) != 0) fail("batch.bin");
        char command[4096];
        if (snprintf(command, sizeof command, "%s batch.bin", given[7]) >= (int)sizeof command) fail("too long");
        FILE *server = popen(command, "r");
        if (server == NULL) fail("no server");
        size_t length = fread(batch, 1, sizeof batch, server);
        if (pclose(server) != 0) fail("the server failed");
        expect(terminal, "acknowledge", RESCIND_OK,
               rescind_terminal_acknowledge(terminal, now, now, batch, length, answer, sizeof answer, &needed));
        show("synced", needed);
        from = info.last + 1;
    } while (info.remaining > 0);

    expect(terminal, "status", RESCIND_OK, rescind_terminal_status(terminal, now, answer, sizeof answer, &needed));
    show("status", needed);
    expect(terminal, "close", RESCIND_OK, rescind_terminal_close(terminal));
    if (rescind_terminal_close(terminal) != RESCIND_HANDLE) fail("closed twice");
    if (rescind_terminal_status(terminal, now, answer, sizeof answer, &needed) != RESCIND_HANDLE) fail("used after");

    // A key in a security module, which fails: that is said, and nothing is exported.
    int signatures = 0;
    const char *public_key = getenv("RESCIND_PUBLIC_KEY");
    if (public_key == NULL) fail("no public key");
    code = rescind_terminal_open_with_signer(setup.bytes, setup.length, (const uint8_t *)public_key, strlen(public_key),
                                             broken_module, &signatures, now, &terminal);
    expect(0, "open with a module", RESCIND_OK, code);
    expect(terminal, "a broken module", RESCIND_SIGN,
           rescind_terminal_export(terminal, now, 1, 4, batch, sizeof batch, &needed, &info));
    if (signatures != 1 || needed != 0 || info.first != 0) fail("the module");
    expect(terminal, "close", RESCIND_OK, rescind_terminal_close(terminal));

    free(setup.bytes), free(key.bytes), free(bundle.bytes), free(sale.bytes), free(ask.bytes), free(begin.bytes);
    puts("all of it");
    return 0;
}
