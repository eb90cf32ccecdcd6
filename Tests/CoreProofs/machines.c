// Many Cores at once, and one for a long time.
#include "proofs.h"
#include "rig.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- threads: the same guest, sliced differently in each
typedef struct { const Guest *guest; const Trace *trace; Policy policy; ProofReport report; } Job;

static void *work(void *argument)
{
    Job *job = argument;
    prove(job->guest, job->trace, job->policy, &job->report);
    return NULL;
}

void threads(int variant, ProofReport *report)
{
    enum { THREADS = 6 };
    unsigned with = WITH_PATCHES | WITH_HOST_PATCHES | WITH_INTERRUPTS | WITH_FAULTS | WITH_DMA;
    uint64_t seed = (uint64_t)variant / 2 + 700;
    Guest *guest = variant % 2 ? random_m4(seed, with, 10000) : random_rv64(seed, with, 10000);
    Trace *trace = reference_run(guest);
    pthread_t thread[THREADS];
    Job job[THREADS];
    for (int i = 0; i < THREADS; i++) {
        job[i] = (Job){ guest, trace, { .max_slice = (uint64_t)i * 50, .storm = i > 2, .overflows = i > 4, .seed = (uint64_t)i }, { 0 } };
        pthread_create(&thread[i], NULL, work, &job[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        report->runs++;
        report->compared_states += job[i].report.compared_states;
        report->compared_events += job[i].report.compared_events;
        EXPECT(report, !job[i].report.failed, "thread %d: %s", i, job[i].report.text);
    }
    report->instructions += trace->attempts;
    trace_free(trace);
    guest_free(guest);
}

// ---- as many Cores as the host has address space for, and then a refusal: in a process of its own, which has only 4 GiB more
void address_space_ends(int variant, ProofReport *report)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        char line[64] = "";
        FILE *file = fopen("/proc/self/statm", "r");
        if (!file || !fgets(line, sizeof line, file))
            _exit(10);
        limit.rlim_cur = limit.rlim_max = strtoul(line, NULL, 10) * 4096 + (4ul << 30);
        setrlimit(RLIMIT_AS, &limit);
        int count = 0;
        while (count < 9 && core_open(variant ? CORE_CORTEX_M4 : CORE_RV64, 0, NULL, 0))
            count++;
        _exit(count == 9);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT(report, status == 0, "the process ended with %x", status);
}

// ---- memory: exact stops, overflows of the code buffer, Cores opened and closed
static long resident_kib(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void run_for_long(int variant, ProofReport *report)     // variants: the core, half a million stops each
{
    enum { STOPS = 500000, LIMIT_KIB = 3000 };
    bool rv = variant % 2 == 0;
    CoreKind kind = rv ? CORE_RV64 : CORE_CORTEX_M4;
    Code *code = code_new(ram_base(kind));
    int loop = code_here(code);
    if (rv) {
        rv_la(code, S0, loop, 0x1000);
        put32(code, rv_store(3, A0, S0, 0));
        put32(code, rv_addi(A0, A0, 1));
        put32(code, rv_load(3, A1, S0, 0));
        put32(code, rv_xor(A2, A2, A1));
        rv_jal(code, ZERO, loop);
    } else {
        t_la(code, 6, loop, 0x1000);
        put16(code, t_str(0, 6, 0));
        put16(code, t_adds(0, 1));
        put16(code, t_ldr(1, 6, 0));
        t_branch_w(code, loop);
    }
    code_finish(code);
    Rig *rig = rig_new(kind, code);
    Random random = { (uint64_t)variant };
    long first = 0;
    uint64_t asked = 0;
    for (int i = 0; i < STOPS; i++) {
        uint64_t n = 1 + below(&random, 100);
        asked += n;
        if (i % 100 == 0)
            core_memory_written(rig->memory, 0, 4096);          // translated again
        if (i % 5000 == 0)
            fill_code_buffer(rig->core);
        core_run(rig->core, n);
        if (core_index(rig->core) != asked)
            break;
        if (i == STOPS / 5)
            first = resident_kib();
    }
    EXPECT(report, core_index(rig->core) == asked, "index %llu, not %llu", (unsigned long long)core_index(rig->core), (unsigned long long)asked);
    EXPECT(report, core_figures(rig->core).overflows > 40, "%d overflows", (int)core_figures(rig->core).overflows);
    report->overflows += core_figures(rig->core).overflows;
    report->instructions += asked;
    report->runs += STOPS;
    rig_free(rig);
    for (int i = 0; i < 100; i++)
        rig_free(rig_new(kind, code));
    long last = resident_kib();
    EXPECT(report, last - first < LIMIT_KIB, "%ld KiB became %ld", first, last);
    code_free(code);
}

void memory_stays_flat(int variant, ProofReport *report)        // in a process of its own: other tests need memory too
{
    int ends[2];
    if (pipe(ends))
        abort();
    pid_t child = fork();
    if (child == 0) {
        run_for_long(variant, report);
        _exit(write(ends[1], report, sizeof *report) != sizeof *report);
    }
    close(ends[1]);
    bool answered = read(ends[0], report, sizeof *report) == sizeof *report;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT(report, answered && status == 0, "the process died");
}
