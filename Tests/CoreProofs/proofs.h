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
void lazy_fp(int variant, ProofReport *report);
void floats(int variant, ProofReport *report);
void floats_in_blocks(int variant, ProofReport *report);
void fp_traps(int variant, ProofReport *report);
void harts_by_hand(int variant, ProofReport *report);
void harts_random(int variant, ProofReport *report);
void reservations(int variant, ProofReport *report);
void threads(int variant, ProofReport *report);
void memory_stays_flat(int variant, ProofReport *report);
void address_space_ends(int variant, ProofReport *report);
void sv39(int variant, ProofReport *report);
void sv39_by_hand(int variant, ProofReport *report);
void patched_illegal(int variant, ProofReport *report);
void watched_memory(int variant, ProofReport *report);
void covered(int variant, ProofReport *report);
void halted(int variant, ProofReport *report);
void reset_forgets_pages(int variant, ProofReport *report);
void floating_point(int variant, ProofReport *report);
void floating_point_state(int variant, ProofReport *report);
void word_amos(int variant, ProofReport *report);
void compressed_encodings(int variant, ProofReport *report);
void misaligned(int variant, ProofReport *report);
void csr_fields(int variant, ProofReport *report);
void csr_rights(int variant, ProofReport *report);
void privileged_instructions(int variant, ProofReport *report);
void inhibited_counters(int variant, ProofReport *report);
void memory_protection(int variant, ProofReport *report);
void page_tables(int variant, ProofReport *report);
void changed_tables(int variant, ProofReport *report);
void kept_translations(int variant, ProofReport *report);
void host_arithmetic(int variant, ProofReport *report);
