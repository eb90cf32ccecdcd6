// The proofs of the engine seam: each runs guests on a Core and on a plain engine of the same library, stepped one instruction at a
// time with nothing cached, and compares everything that a guest or a device can see. One call is one variant (a seed, a core, a case).
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool failed, skipped;
    char text[1000];            // what differs, or why it was skipped
    uint64_t instructions;      // of the reference
    uint64_t compared_states, compared_events, runs;
    uint64_t precise_exits, repeats, overflows, interrupts, halts, ways;      // how often the rules under test were at work
} ProofReport;

typedef struct {
    const char *name;
    int variants;               // in `make test`; soaks ask for more
    void (*run)(int variant, ProofReport *report);
} CoreProof;

const CoreProof *core_proof_list(int *count);
const CoreProof *core_proof(const char *name);          // NULL: no such proof
ProofReport core_proof_run(const char *name, int variant);
