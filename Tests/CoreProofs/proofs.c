// The list of proofs, and the ones that run a random guest under many policies.
#include "guest.h"
#include "proofs.h"
#include <stdio.h>
#include <string.h>

static void against_reference(Guest *guest, ProofReport *report)
{
    static const uint64_t slices[] = { 0, 1, 3, 7, 60, 3000 };
    Trace *trace = reference_run(guest);
    report->instructions += trace->attempts;
    for (int i = 0; i < 6 && !report->failed; i++)
        prove(guest, trace, (Policy){ .max_slice = slices[i], .seed = slices[i] + 1 }, report);
    for (int i = 0; i < 3 && !report->failed; i++)
        prove(guest, trace, (Policy){ .max_slice = i == 0 ? 0 : 300, .storm = true, .overflows = i == 2, .seed = (uint64_t)i + 100 }, report);
    trace_free(trace);
    guest_free(guest);
}

static void random_guest(int variant, unsigned with, uint64_t attempts, ProofReport *report)
{
    uint64_t seed = (uint64_t)variant / 2 + 1;
    against_reference(variant % 2 ? random_m4(seed, with, attempts) : random_rv64(seed, with, attempts), report);
}

static void events(int variant, ProofReport *report)
{
    random_guest(variant, 0, 30000, report);
}

static void device_faults(int variant, ProofReport *report)
{
    random_guest(variant, WITH_FAULTS, 30000, report);
}

static void interrupts(int variant, ProofReport *report)
{
    random_guest(variant, WITH_INTERRUPTS | WITH_FAULTS, 30000, report);
}

static void privileged(int variant, ProofReport *report)
{
    against_reference(random_privileged((uint64_t)variant + 1, 30000), report);
}

static void self_modifying(int variant, ProofReport *report)
{
    random_guest(variant, WITH_PATCHES, 12000, report);
}

static void everything(int variant, ProofReport *report)
{
    random_guest(variant, WITH_PATCHES | WITH_HOST_PATCHES | WITH_INTERRUPTS | WITH_FAULTS | WITH_DMA, 12000, report);
}

static void debugged(int variant, const Policy *policies, size_t count, ProofReport *report)      // one policy after the other
{
    enum { ATTEMPTS = 4000 };
    unsigned with = WITH_PATCHES | WITH_HOST_PATCHES | WITH_INTERRUPTS | WITH_FAULTS | WITH_DMA;
    uint64_t seed = (uint64_t)variant / 3 + 300;
    Guest *guest = variant % 3 == 0 ? random_rv64(seed, with, ATTEMPTS) : variant % 3 == 1 ? random_m4(seed, with, ATTEMPTS) : random_privileged(seed, ATTEMPTS);
    Trace *trace = reference_run(guest);
    report->instructions += trace->attempts;
    for (size_t i = 0; i < count && !report->failed; i++) {
        Policy policy = policies[i];
        policy.seed = seed + i;
        prove(guest, trace, policy, report);
    }
    if (!report->failed && report->halts < ATTEMPTS)
        wrong(report, "only %llu stops and looks", (unsigned long long)report->halts);
    trace_free(trace);
    guest_free(guest);
}

static void breakpoints(int variant, ProofReport *report)       // at every instruction, at some; with watchpoints, too
{
    static const Policy policies[] = { { .breakpoints = 1 }, { .breakpoints = 3, .max_slice = 60 }, { .breakpoints = 40, .watches = true }, { .watches = true, .max_slice = 7 },
        { .breakpoints = 10, .watches = true, .max_slice = 300, .storm = true }, { .breakpoints = 2, .watches = true, .storm = true, .overflows = true } };
    debugged(variant, policies, sizeof policies / sizeof *policies, report);
}

static void looks(int variant, ProofReport *report)             // likewise; beside breakpoints
{
    static const Policy policies[] = { { .looks = 1 }, { .looks = 3, .max_slice = 60 }, { .looks = 40 }, { .looks = 2, .max_slice = 7, .breakpoints = 3, .watches = true },
        { .looks = 10, .max_slice = 300, .storm = true }, { .looks = 2, .storm = true, .overflows = true, .breakpoints = 20, .watches = true } };
    debugged(variant, policies, sizeof policies / sizeof *policies, report);
}

static void coverage(int variant, ProofReport *report)          // exact, however it is sliced, disturbed and patched
{
    enum { ATTEMPTS = 6000 };
    static const Policy policies[] = { { .covers = true }, { .covers = true, .max_slice = 7 }, { .covers = true, .max_slice = 300, .storm = true },
        { .covers = true, .storm = true, .overflows = true }, { .covers = true, .breakpoints = 5, .watches = true, .max_slice = 60 } };
    unsigned with = WITH_INTERRUPTS | WITH_FAULTS | (variant >= 4 ? WITH_PATCHES | WITH_HOST_PATCHES | WITH_DMA : 0);
    uint64_t seed = (uint64_t)variant + 700;
    Guest *guest = variant % 2 ? random_m4(seed, with, ATTEMPTS) : random_rv64(seed, with, ATTEMPTS);
    Trace *trace = reference_run(guest);
    report->instructions += trace->attempts;
    for (size_t i = 0; i < sizeof policies / sizeof *policies && !report->failed; i++) {
        Policy policy = policies[i];
        policy.seed = seed + i;
        policy.patched = with & WITH_PATCHES;
        prove(guest, trace, policy, report);
    }
    if (!report->failed && !(with & WITH_PATCHES) && report->ways < 20)
        wrong(report, "only %llu branches went both ways", (unsigned long long)report->ways);
    trace_free(trace);
    guest_free(guest);
}

static void every_index(int variant, ProofReport *report)      // one run from the start to each index
{
    enum { ATTEMPTS = 1500 };
    unsigned with = WITH_PATCHES | WITH_HOST_PATCHES | WITH_INTERRUPTS | WITH_FAULTS | WITH_DMA;
    uint64_t seed = (uint64_t)variant / 2 + 50;
    Guest *guest = variant % 2 ? random_m4(seed, with, ATTEMPTS) : random_rv64(seed, with, ATTEMPTS);
    Trace *trace = reference_run(guest);
    CoreMemory *memory = core_memory_new(RAM_SIZE);
    Core *core = core_open(guest->kind, 0, &(CoreRegion){ memory, ram_base(guest->kind), true }, 1);
    report->instructions += trace->attempts;
    for (uint64_t i = 1; i <= ATTEMPTS && !report->failed; i++)
        subject_run(guest, trace, (Policy){ .stop_at = i }, core, memory, report);
    core_close(core);
    core_memory_free(memory);
    trace_free(trace);
    guest_free(guest);
}

static const CoreProof proofs[] = {
    { "every index", 4, every_index },
    { "events", 6, events },
    { "device faults", 6, device_faults },
    { "interrupts", 6, interrupts },
    { "interrupts in all modes", 6, privileged },
    { "self-modifying code", 6, self_modifying },
    { "everything at once", 8, everything },
    { "breakpoints", 6, breakpoints },
    { "looks", 6, looks },
    { "coverage", 8, coverage },
    { "covered by hand", 6, covered },
    { "edge cases", 3, edge_cases },
    { "unmapped everywhere", 2, unmapped_everywhere },
    { "torn and read-only accesses", 8, torn_and_read_only },
    { "fetch faults", 1, fetch_faults },
    { "trap verdicts", 3, trap_verdicts },
    { "trap loops", 3, trap_loops },
    { "patched illegal instruction", 2, patched_illegal },
    { "reset forgets pages", 1, reset_forgets_pages },
    { "watched memory", 5, watched_memory },
    { "breakpoints by hand", 1, halted },
    { "counters", 4, counters },
    { "far limits", 1, far_limits },
    { "reset", 4, reset_is_new },
    { "lazy FP", 13, lazy_fp },
    { "FP traps", 3, fp_traps },
    { "floating point", 1, floating_point },
    { "floating-point state", 3, floating_point_state },
    { "AMOs on words", 1, word_amos },
    { "compressed encodings", 1, compressed_encodings },
    { "misaligned accesses", 1, misaligned },
    { "fields of CSRs", 1, csr_fields },
    { "rights to CSRs", 1, csr_rights },
    { "privileged instructions", 1, privileged_instructions },
    { "inhibited counters", 3, inhibited_counters },
    { "memory protection", 4, memory_protection },
    { "page tables", 2, page_tables },
    { "changed page tables", 4, changed_tables },
    { "kept translations", 1, kept_translations },
    { "floats", 12, floats },
    { "floats in blocks", 3, floats_in_blocks },
    { "host arithmetic", 2, host_arithmetic },
    { "harts by hand", 1, harts_by_hand },
    { "harts patching each other", 6, harts_random },
    { "reservations", 6, reservations },
    { "Sv39", 4, sv39 },
    { "Sv39 by hand", 3, sv39_by_hand },
    { "threads", 2, threads },
    { "address space ends", 2, address_space_ends },
    { "memory stays flat", 2, memory_stays_flat },
};

const CoreProof *core_proof_list(int *count)
{
    *count = sizeof proofs / sizeof *proofs;
    return proofs;
}

const CoreProof *core_proof(const char *name)
{
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
        if (!strcmp(proofs[i].name, name))
            return &proofs[i];
    }
    return NULL;
}

ProofReport core_proof_run(const char *name, int variant)
{
    ProofReport report = { 0 };
    const CoreProof *proof = core_proof(name);
    if (proof)
        proof->run(variant, &report);
    else
        wrong(&report, "no such proof");
    return report;
}
