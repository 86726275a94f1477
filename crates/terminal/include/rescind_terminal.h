// Rescind in a terminal's firmware. Generated from crates/terminal/src/ffi; docs/firmware.md is the guide.
//
// Terminals. A terminal is a number. One thread at a time uses it: a second one is answered RESCIND_BUSY and nothing
// happens. Different terminals are independent. A number that was closed is answered RESCIND_HANDLE, for ever.
//
// Answers. Every call answers RESCIND_OK or another number below; unless its text says otherwise, nothing was changed then.
// What a call answers besides is written into the caller's buffer, all of it or nothing, as UTF-8 JSON without a zero byte at
// its end. `*needed` is always set to its length. With a buffer that is too small the call answers RESCIND_BUFFER although it
// did its work: rescind_terminal_answer gives the answer again. A buffer of capacity 0 may be NULL.
//
// Nothing of the caller is kept after a call, and nothing of the library is to be freed.

#ifndef RESCIND_TERMINAL_H
#define RESCIND_TERMINAL_H

#include <stddef.h>
#include <stdint.h>

// It is done.
#define RESCIND_OK 0

// What was given cannot be.
#define RESCIND_ARGUMENT 1

// The caller's buffer is too small; how much is needed was said. Nothing has to be done again: `rescind_terminal_answer` gives the answer.
#define RESCIND_BUFFER 2

// There is no such terminal: it was closed, or never opened.
#define RESCIND_HANDLE 3

// Another thread uses this terminal right now.
#define RESCIND_BUSY 4

// The journal is full: the server has to acknowledge first.
#define RESCIND_FULL 5

// There is no bundle to decide by.
#define RESCIND_NO_BUNDLE 6

// The bundle is not taken; whatever was active still is.
#define RESCIND_REFUSED 7

// The time is not known.
#define RESCIND_CLOCK_UNKNOWN 8

// There is no such sale.
#define RESCIND_UNKNOWN_SALE 9

// It contradicts what is stored.
#define RESCIND_CONFLICT 10

// The policy does not allow it; the answer says why.
#define RESCIND_NOT_ALLOWED 11

// The operator's proof does not hold.
#define RESCIND_PROOF 12

// The sale was cancelled here and must not be sent.
#define RESCIND_CANCELLED 13

// The server's answer does not fit.
#define RESCIND_ACKNOWLEDGEMENT 14

// The disk failed: close and open again.
#define RESCIND_DISK 15

// What is on the disk does not fit itself.
#define RESCIND_DAMAGED 16

// The component gave no answer.
#define RESCIND_DECIDER 17

// These facts decide nothing.
#define RESCIND_UNDECIDABLE 18

// A message or slip could not be written.
#define RESCIND_UNPRINTABLE 19

// The terminal's key could not sign.
#define RESCIND_SIGN 20

// A mistake in this library. The terminal was closed; open it again.
#define RESCIND_INTERNAL 21

// Too many terminals are open.
#define RESCIND_HANDLES 22

// What the device's clocks show at one moment. Read both together, directly before the call.
typedef struct {
  // The wall clock: milliseconds since 1970-01-01T00:00:00Z.
  int64_t wall_unix_ms;
  // Milliseconds of a clock that nobody can set, that also counts while the device sleeps, and that begins anew with every
  // run of the device: on Linux CLOCK_BOOTTIME.
  uint64_t monotonic_ms;
} rescind_reading;

// A terminal that was opened. 0 is none.
typedef uint64_t rescind_terminal;

// Signs a message: writes the signature to `signature`, at most `capacity` bytes, its length to `*length`, and answers 0;
// anything else is a failure. It must not call back into this library, and must not unwind.
typedef int32_t (*rescind_sign)(void *context,
                                const uint8_t *message,
                                size_t message_length,
                                uint8_t *signature,
                                size_t capacity,
                                size_t *length);

// Which records a batch holds.
typedef struct {
  // The number of its first record; 0 if there is nothing to export.
  uint64_t first;
  // The number of its last record: the next batch begins after it.
  uint64_t last;
  // How many records come after it.
  uint64_t remaining;
} rescind_batch_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Opens a terminal in its folder, or begins it.
//
// `setup` is JSON (docs/firmware.md); `key` is the text of the key that signs what it exports, as `rescind bundle keygen`
// writes it: it is copied, and overwritten when the terminal is closed. On success `*terminal` is what all other calls
// take. On failure rescind_terminal_last_error(0, …) says why, on the same thread.
//
// # Safety
// `setup` and `key` are readable for their lengths; `terminal` is writable.
int32_t rescind_terminal_open(const uint8_t *setup,
                              size_t setup_length,
                              const uint8_t *key,
                              size_t key_length,
                              rescind_reading now,
                              rescind_terminal *terminal);

// As rescind_terminal_open, with a key that stays in a security module. `public_key` is its public half as text
// (`ed25519:…`); `sign` is called, with `context`, by rescind_terminal_export and on the thread that calls that.
//
// # Safety
// As rescind_terminal_open; `sign` keeps what its type says, and `context` lives until the terminal is closed.
int32_t rescind_terminal_open_with_signer(const uint8_t *setup,
                                          size_t setup_length,
                                          const uint8_t *public_key,
                                          size_t public_key_length,
                                          rescind_sign sign,
                                          void *context,
                                          rescind_reading now,
                                          rescind_terminal *terminal);

// Ends a terminal. Everything that was answered is on the disk already. Its number is never used again.
int32_t rescind_terminal_close(rescind_terminal terminal);

// Whether a stored sale can be voided as a whole: nothing is written. `look` is JSON: the sale's id, the operator, and
// perhaps a reason code.
//
// # Safety
// `look` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_check_void(rescind_terminal terminal,
                                    rescind_reading now,
                                    const uint8_t *look,
                                    size_t look_length,
                                    uint8_t *answer,
                                    size_t capacity,
                                    size_t *needed);

// Decides without writing anything. `ask` is JSON.
//
// # Safety
// `ask` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_check(rescind_terminal terminal,
                               rescind_reading now,
                               const uint8_t *ask,
                               size_t ask_length,
                               uint8_t *answer,
                               size_t capacity,
                               size_t *needed);

// Looks at all ways back at once: a list of answers. `look` is JSON: the sale, and perhaps an amount and the operator.
//
// # Safety
// As rescind_terminal_check.
int32_t rescind_terminal_assess(rescind_terminal terminal,
                                rescind_reading now,
                                const uint8_t *look,
                                size_t look_length,
                                uint8_t *answer,
                                size_t capacity,
                                size_t *needed);

// Decides any operation and writes the decision down; nothing is begun. `ask` is JSON.
//
// # Safety
// As rescind_terminal_check.
int32_t rescind_terminal_decide(rescind_terminal terminal,
                                rescind_reading now,
                                const uint8_t *ask,
                                size_t ask_length,
                                uint8_t *answer,
                                size_t capacity,
                                size_t *needed);

// Stores a sale. `sale` is JSON: the sale, its outcome, and how far it went.
//
// # Safety
// `sale` is readable for its length.
int32_t rescind_terminal_record_sale(rescind_terminal terminal,
                                     rescind_reading now,
                                     const uint8_t *sale,
                                     size_t sale_length);

// Says that a stored sale is about to be sent (`arrived` is 0) or has arrived (1). Call it before the sale is sent to
// anybody, and send nothing unless it answers RESCIND_OK.
//
// # Safety
// `sale` is readable for its length.
int32_t rescind_terminal_forward(rescind_terminal terminal,
                                 rescind_reading now,
                                 const uint8_t *sale,
                                 size_t sale_length,
                                 int32_t arrived);

// Begins an operation if it is allowed now. `begin` is JSON: the operation's name and what is asked. The answer has the
// slip. RESCIND_NOT_ALLOWED: nothing was begun, and the answer says why. The same name never begins twice: after a
// restart or RESCIND_BUFFER the same call gives the same answer.
//
// # Safety
// As rescind_terminal_check.
int32_t rescind_terminal_record_operation(rescind_terminal terminal,
                                          rescind_reading now,
                                          const uint8_t *begin,
                                          size_t begin_length,
                                          uint8_t *answer,
                                          size_t capacity,
                                          size_t *needed);

// Says what became of an operation that the terminal itself carried out after it was queued. `outcome` is JSON.
//
// # Safety
// `outcome` is readable for its length.
int32_t rescind_terminal_record_outcome(rescind_terminal terminal,
                                        rescind_reading now,
                                        const uint8_t *outcome,
                                        size_t outcome_length);

// The slip of an operation again, marked as a reprint.
//
// # Safety
// `operation` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_reprint(rescind_terminal terminal,
                                 rescind_reading now,
                                 const uint8_t *operation,
                                 size_t operation_length,
                                 uint8_t *answer,
                                 size_t capacity,
                                 size_t *needed);

// Records from the number `from` on, at most `most`, as a signed batch to be sent to the server as it is. `*info` says
// which; with nothing to export, `*needed` and `info->first` are 0.
//
// # Safety
// `batch` is writable for `capacity`, `needed` and `info` are writable.
int32_t rescind_terminal_export(rescind_terminal terminal,
                                rescind_reading now,
                                uint64_t from,
                                size_t most,
                                uint8_t *batch,
                                size_t capacity,
                                size_t *needed,
                                rescind_batch_info *info);

// Takes the server's answer to a batch. `asked` was read when the batch was sent, `heard` when the answer had come;
// `acknowledgement` is the answer's body, JSON.
//
// # Safety
// `acknowledgement` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_acknowledge(rescind_terminal terminal,
                                     rescind_reading asked,
                                     rescind_reading heard,
                                     const uint8_t *acknowledgement,
                                     size_t acknowledgement_length,
                                     uint8_t *answer,
                                     size_t capacity,
                                     size_t *needed);

// Takes over the server's time, in milliseconds since 1970, which it said between `asked` and `heard`.
int32_t rescind_terminal_hear(rescind_terminal terminal,
                              rescind_reading asked,
                              rescind_reading heard,
                              int64_t server_unix_ms);

// Takes a bundle, if it is genuine, newer, for this terminal, and holds now. Otherwise what was active still is.
//
// # Safety
// `bundle` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_apply_bundle(rescind_terminal terminal,
                                      rescind_reading now,
                                      const uint8_t *bundle,
                                      size_t bundle_length,
                                      uint8_t *answer,
                                      size_t capacity,
                                      size_t *needed);

// How the terminal is, as JSON.
//
// # Safety
// `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_status(rescind_terminal terminal,
                                rescind_reading now,
                                uint8_t *answer,
                                size_t capacity,
                                size_t *needed);

// The answer of the last call that had one, again: after RESCIND_BUFFER, with a larger buffer.
//
// # Safety
// `answer` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_answer(rescind_terminal terminal,
                                uint8_t *answer,
                                size_t capacity,
                                size_t *needed);

// What the last call that failed said, as UTF-8 for the log of an engineer; empty if the last call did not fail. For
// terminal 0: what the last rescind_terminal_open on this thread said.
//
// # Safety
// `text` is writable for `capacity`, `needed` is writable.
int32_t rescind_terminal_last_error(rescind_terminal terminal,
                                    uint8_t *text,
                                    size_t capacity,
                                    size_t *needed);

// What an error's number means, as a text that ends with a zero byte and lives for ever.
const char *rescind_error_text(int32_t number);

// The version of this library, as a text that ends with a zero byte and lives for ever.
const char *rescind_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RESCIND_TERMINAL_H */
