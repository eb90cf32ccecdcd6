// Every proof that is not in proofs.c; see the comment at each.
#pragma once
#include "CoreProofs.h"

void edge_cases(int variant, ProofReport *report);
void unmapped_everywhere(int variant, ProofReport *report);
void torn_and_read_only(int variant, ProofReport *report);
void fetch_faults(int variant, ProofReport *report);
void trap_verdicts(int variant, ProofReport *report);
void trap_loops(int variant, ProofReport *report);
void counters(int variant, ProofReport *report);
void far_limits(int variant, ProofReport *report);
void reset_is_new(int variant, ProofReport *report);
