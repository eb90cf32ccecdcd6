// The proofs without Swift: for soaks and for mutants of the shim.     proofs [NAME [FIRST [COUNT]]]
#include "CoreProofs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int count, char **arguments)
{
    int failed = 0, proofs;
    const CoreProof *list = core_proof_list(&proofs);
    for (int i = 0; i < proofs; i++) {
        const CoreProof *proof = &list[i];
        if (count > 1 && strcmp(proof->name, arguments[1]))
            continue;
        int first = count > 2 ? atoi(arguments[2]) : 0;
        int variants = count > 3 ? atoi(arguments[3]) : proof->variants;
        for (int v = first; v < first + variants; v++) {
            struct timespec start, end;
            clock_gettime(CLOCK_MONOTONIC, &start);
            ProofReport r = core_proof_run(proof->name, v);
            clock_gettime(CLOCK_MONOTONIC, &end);
            printf("%s %s %d: %llu instructions, %llu runs, %llu states and %llu events compared, %llu interrupts, %llu precise exits, %llu repeats, %llu overflows, %llu halts, %.2f s %s\n",
                r.failed ? "FAIL" : r.skipped ? "skip" : "pass", proof->name, v, (unsigned long long)r.instructions, (unsigned long long)r.runs,
                (unsigned long long)r.compared_states, (unsigned long long)r.compared_events, (unsigned long long)r.interrupts, (unsigned long long)r.precise_exits,
                (unsigned long long)r.repeats, (unsigned long long)r.overflows, (unsigned long long)r.halts, (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9, r.text);
            fflush(stdout);
            failed += r.failed;
        }
    }
    return failed != 0;
}
