// Translation. Every block starts with
//     cmpl $0,-16(%rbp); jl stop; subq $N,-8(%rbp); jl expired        (rbp = env; env-8 is unused padding)
// and where a Core counts cycles (cycles.c) with the same for these; at a breakpoint (breakpoints.c) with jmp halt; where somebody looks
// with a call of look_here; where it keeps what is executed (coverage.c) with jmp first
// and where regions of the code are told apart with such a call behind a test whether another one runs
// so the budget is counted inline, at no measurable cost, and each block ends where exactness needs it to.
#define _GNU_SOURCE
#include "internal.h"
#include <string.h>

uint32_t helper_add_usaturate_arm(char *env, uint32_t a, uint32_t b);
uint32_t helper_sub_usaturate_arm(char *env, uint32_t a, uint32_t b);
void helper_exception_internal_arm(char *env, uint32_t number);
void helper_exception_with_syndrome_arm(char *env, uint32_t number, uint32_t syndrome, uint32_t level);
void tcg_gen_exit_tb_arm(char *tcg, char *tb, unsigned index);

// ---- which instruction of a block does a host address belong to? Reads the block's search data only: no side effects
int block_count(const Arch *a, const char *tb)                  // N as the block's own prologue subtracts it
{
    const uint8_t *sub = AT(uint8_t *, tb, a->tb_code) + 10;
    return sub[1] == 0x83 ? sub[4] : *(int32_t *)(sub + 4);
}

static int64_t read_sleb(const uint8_t **p)
{
    int64_t value = 0;
    int shift = 0;
    uint8_t byte;
    do {
        byte = *(*p)++;
        value |= (int64_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return shift < 64 && (byte & 64) ? value | (int64_t)(~0ull << shift) : value;
}

int block_index(const Arch *a, const char *tb, uintptr_t host_pc, uint64_t *pc)
{
    uint64_t host = AT(uint64_t, tb, a->tb_code);
    const uint8_t *data = (const uint8_t *)host + AT(size_t, tb, a->tb_code_size);
    uint64_t word[3] = { a->pc_bytes == 8 ? AT(uint64_t, tb, 0) : AT(uint32_t, tb, 0) };
    for (int i = 0, n = AT(uint16_t, tb, a->tb_icount); i < n; i++) {
        for (int j = 0; j < a->words; j++)
            word[j] += read_sleb(&data);
        host += read_sleb(&data);
        if (host > host_pc - 2) {
            *pc = a->pc_bytes == 8 ? word[0] : (uint32_t)word[0];
            return i;
        }
    }
    return NOT_CODE;
}

int block_addresses(const Arch *a, const char *tb, uint64_t *pc, int most)
{
    const uint8_t *data = AT(const uint8_t *, tb, a->tb_code) + AT(size_t, tb, a->tb_code_size);
    uint64_t word = a->pc_bytes == 8 ? AT(uint64_t, tb, 0) : AT(uint32_t, tb, 0);
    int n = block_count(a, tb) < most ? block_count(a, tb) : most;
    for (int i = 0; i < n; i++) {
        word += read_sleb(&data);
        pc[i] = a->pc_bytes == 8 ? word : (uint32_t)word;
        for (int j = 0; j < a->words; j++)                      // the other words, and the host's code
            read_sleb(&data);
    }
    return n;
}

int find_index(const Arch *a, char *cpu, uintptr_t host_pc, char **tb, uint64_t *pc)
{
    char *tcg = AT(char *, AT(char *, cpu, CPU_UC), UC_TCG);
    if (host_pc - AT(uintptr_t, tcg, TCG_BUFFER) >= AT(size_t, tcg, TCG_BUFFER_SIZE))
        return NOT_CODE;
    *tb = a->lookup(tcg, host_pc);
    return *tb ? block_index(a, *tb, host_pc, pc) : NOT_CODE;
}

// ---- SP<1:0> are always zero (ARM DDI 0403E.e, B1.4.1); the library's stack pointer is a register like any other
static size_t stack_pointer;                                    // r13 of the translator: an offset in its context, the same in each
void tcg_gen_andi_i32_arm(void *tcg, void *result, void *value, int32_t with);

void *tcg_global_mem_new_internal_arm(char *tcg, int type, void *base, intptr_t offset, const char *name)
{
    char *global = real.arm_global(tcg, type, base, offset, name);
    if (!stack_pointer && name && !strcmp(name, "r13"))
        stack_pointer = (size_t)(global - tcg);
    return global;
}

bool knows_stack_pointer(void)
{
    return stack_pointer;
}

static void align_stack_pointer(char *tcg)
{
    tcg_gen_andi_i32_arm(tcg, (void *)stack_pointer, (void *)stack_pointer, ~3);
}

// ---- one instruction at a time through the library's own translator
static __thread struct {
    const Arch *arch;
    void (*insn)(char *, char *);
    int pseudo, count;
    uint64_t pc;
    bool active, skips, in_it;                                  // skips: its condition is still to be tested
    bool passed;                                                // RV64: the way on behind a branch is made
    uint32_t word, given;
    uint32_t flags, parcel, second, it;                         // Arm: both halves of the instruction; ITSTATE
    M4Cost costs[512];
} translating;

static void note_cost(void)
{
    uint32_t first = translating.parcel, it = translating.it;
    bool starts_it = (first & 0xff00) == 0xbf00 && first & 15;
    if (translating.count < 512)
        translating.costs[translating.count++] = m4_cost(first, translating.second, translating.in_it, translating.flags & HFLAG_FP_TRAPS);
    translating.it = starts_it ? first & 0xff : it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
}

static void translate_insn(char *db, char *cpu)
{
    const Arch *a = translating.arch;
    uint32_t pc = AT(uint32_t, db, a->next_pc);
    translating.pc = a->pc_bytes == 8 ? AT(uint64_t, db, a->next_pc) : pc;
    translating.active = true;
    translating.word = 0;
    translating.passed = false;
    if (a == &rv64 && AT(uint32_t, db, DB_INSNS) == 1)
        rv64_begin_block(db);
    translating.parcel = translating.second = 0;
    translating.in_it = translating.it & 15 && translating.it >> 5 != 7;
    translating.skips = a == &arm && translating.flags & HFLAG_CYCLES;
    translating.insn(db, cpu);
    translating.active = false;
    if (a == &arm)
        note_cost();
    uint32_t *jump = &AT(uint32_t, db, a->is_jmp);
    int32_t length = AT(uint32_t, db, a->next_pc) - pc;
    if (*jump > JUMP_NORETURN && !length)
        translating.pseudo++;                                   // the "until" address: no instruction was translated
    Core *c = core_of_cpu(cpu);
    if (*jump == JUMP_NEXT && c && (ends_block(c, translating.pc) || begins_block(c, translating.pc + (uint32_t)length)))
        *jump = JUMP_TOO_MANY;
    if (a == &arm && c && *jump != JUMP_NORETURN && thumb_moves_sp(translating.parcel, translating.second))
        align_stack_pointer(AT(char *, AT(char *, cpu, CPU_UC), UC_TCG));
    if (a != &rv64)
        return;
    if (*jump == JUMP_NORETURN && length <= 0)
        AT(uint64_t, db, a->next_pc) += length ? 8 : 2;         // illegal: repair the block's size, or a store over its tail would not drop it
    if (*jump > JUMP_TOO_MANY)
        return;
    if (rv64_correct(AT(char *, AT(char *, cpu, CPU_UC), UC_TCG), translating.word))
        *jump = JUMP_TOO_MANY;
    if (AT(uint32_t, AT(char *, db, 0), a->tb_cflags) & CF_NOCACHE)
        *jump = JUMP_TOO_MANY;                                  // the PMP tells parts of the page apart: each instruction is looked up by itself
    if ((AT(uint32_t, db, a->next_pc) & 4095) == 4094)
        *jump = JUMP_TOO_MANY;                                  // what may cross into the next page is a block of its own: a fetch fault has the right pc
}

static void translate_block(const Arch *a, void **ops, char *db, char *cpu, char *tb, int max)
{
    void *own[6];
    if (!usable) {
        a->loop(ops, db, cpu, tb, max);
        return;
    }
    memcpy(own, ops, sizeof own);
    *(void **)&translating.insn = own[4];
    own[4] = (void *)translate_insn;
    translating.arch = a;
    translating.pseudo = 0;
    translating.parcel = 0;                                     // of a Core's instructions only
    translating.flags = AT(uint32_t, tb, a->tb_flags);
    translating.count = 0;
    translating.it = translating.flags & 0xff;
    a->loop(own, db, cpu, tb, max);
}

uint32_t cpu_lduw_code_arm(char *env, uint64_t va)
{
    uint32_t parcel = arm.fetch(env, va);
    uint32_t offset = (uint32_t)va - (uint32_t)translating.pc;
    if (!usable || !translating.active || offset > 2 || !core_of_cpu(env - arm.env))
        return parcel;
    if (offset == 0)
        translating.parcel = parcel & 0xffff;
    else if (offset == 2)
        translating.second = parcel & 0xffff;
    return thumb_parcel(env, (uint32_t)translating.pc, offset, parcel);
}

// ---- Cortex-M: what must be aligned (ARM DDI 0403E.e, A3.2.1), and SDIV and UDIV that trap (A7.7.127). The library knows neither; what its
// translator asks the code generator for passes here.
static uint32_t aligned(uint32_t operation)
{
    enum { SIZE = 3, ALIGN = 7 << 4, ALIGN_4 = 2 << 4 };
    uint32_t parcel = translating.parcel;
    bool always = (parcel & 0xf000) == 0xc000 || (parcel & 0xf600) == 0xb400    // LDM, STM, PUSH, POP
        || ((parcel & 0xfe00) == 0xe800 && (parcel & 0xfff0) != 0xe8d0)         // LDM, STM, LDRD, STRD, LDREX; not TBB, TBH
        || (parcel & 0xfe00) == 0xec00;                                         // VLDR, VSTR, VLDM, VSTM
    bool all = translating.flags & HFLAG_ALIGN;
    if (!usable || !translating.active || translating.arch != &arm || !(always || all) || operation & ALIGN || !(operation & SIZE))
        return operation;
    return operation | ((operation & SIZE) == 3 ? ALIGN_4 : ALIGN);
}

void tcg_gen_qemu_ld_i32_arm(void *tcg, void *value, void *address, uint64_t mmu, uint32_t operation)
{
    real.arm_gen_load(tcg, value, address, mmu, aligned(operation));
}

void tcg_gen_qemu_st_i32_arm(void *tcg, void *value, void *address, uint64_t mmu, uint32_t operation)
{
    real.arm_gen_store(tcg, value, address, mmu, aligned(operation));
}

void tcg_gen_qemu_ld_i64_arm(void *tcg, void *value, void *address, uint64_t mmu, uint32_t operation)
{
    real.arm_gen_load64(tcg, value, address, mmu, aligned(operation));
}

void tcg_gen_qemu_st_i64_arm(void *tcg, void *value, void *address, uint64_t mmu, uint32_t operation)
{
    real.arm_gen_store64(tcg, value, address, mmu, aligned(operation));
}

// The helpers of SDIV and UDIV get no env and may not trap. Two that nothing else uses take env and the same operands, and may. Those of
// SVC and of an exception return come back (cortexm.c), to the end of their block.
void tcg_gen_callN_arm(char *tcg, void *function, void *result, int count, void **arguments)
{
    bool divides = function == (void *)real.arm_sdiv || function == (void *)real.arm_udiv;
    bool traps = function == (void *)helper_exception_internal_arm || function == (void *)helper_exception_with_syndrome_arm;
    if (!divides || !usable || !translating.active || !(translating.flags & (HFLAG_DIVIDE | HFLAG_CYCLES))) {
        real.arm_gen_call(tcg, function, result, count, arguments);
        if (traps && usable)
            tcg_gen_exit_tb_arm(tcg, NULL, 0);
        return;
    }
    char *first = AT(char *, tcg, TCG_OPS);                     // the block's stop test: it loads from env
    void *with_env[] = { AT(void *, first, OP_ARGS + 8), arguments[0], arguments[1] };
    void *trapping = function == (void *)real.arm_sdiv ? (void *)helper_add_usaturate_arm : (void *)helper_sub_usaturate_arm;
    real.arm_gen_call(tcg, trapping, result, 3, with_env);
}

static uint32_t fetch_rv64(char *env, uint64_t va)
{
    Core *c = core_of_cpu(env - rv64.env);
    if (c) {
        c->access_va = va;
        if (paging(c, (unsigned)AT(uint64_t, env, RV_PRIV) & 3))
            paged_fetch(c, va);
    }
    uint32_t parcel = rv64.fetch(env, va);
    if (c)
        c->paged_lookup = false;
    return parcel & 0xffff;
}

enum { OP_LD_I64 = 73, OP_ST8_I64 = 74, OP_ST_I64 = 77 };      // of the code generator

// ---- cycles: what an instruction takes where its condition passes is counted there, behind the test that skips it
void *tcg_temp_new_internal_arm(void *tcg, int type, bool local);
void tcg_temp_free_internal_arm(void *tcg, void *temp);
void tcg_gen_op3_arm(void *tcg, int operation, void *a, void *b, uintptr_t c);
void tcg_gen_subi_i64_arm(void *tcg, void *result, void *value, int64_t by);

// ---- coverage.c: ways of conditional branches that leave their page and so do not come by the main loop
char *tcg_const_i64_arm(void *tcg, int64_t value);
char *tcg_const_i64_riscv64(void *tcg, int64_t value);
void tcg_temp_free_internal_riscv64(void *tcg, void *temp);
void tcg_gen_op3_riscv64(void *tcg, int operation, void *a, void *b, uintptr_t c);

static bool is_thumb_branch(uint32_t first, uint32_t second)    // B with a condition, CBZ, CBNZ
{
    bool narrow = (first & 0xf000) == 0xd000 && (first & 0x0e00) != 0x0e00;
    bool compares = (first & 0xf500) == 0xb100;
    bool wide = (first & 0xf800) == 0xf000 && (second & 0xd000) == 0x8000 && (first & 0x0380) != 0x0380;
    return narrow || compares || wide;
}

static bool is_rv64_branch(uint32_t word)
{
    return (word & 0x7f) == 0x63 || (word & 0xc003) == 0xc001;  // B...; C.BEQZ, C.BNEZ
}

static bool ends_in_branch(const Arch *a)                      // what was translated last
{
    return a == &rv64 ? is_rv64_branch(translating.word) : is_thumb_branch(translating.parcel, translating.second) && !translating.in_it;
}

static void note_way(const Arch *a, char *tcg, int way)
{
    Core *c = core_of_uc(AT(char *, tcg, a->tcg_return - 0x258));
    uint8_t *flag = covered_way(c, translating.pc, way);
    if (!flag)
        return;
    bool m4 = a == &arm;
    void (*operate)(void *, int, void *, void *, uintptr_t) = m4 ? tcg_gen_op3_arm : tcg_gen_op3_riscv64;
    void (*release)(void *, void *) = m4 ? tcg_temp_free_internal_arm : tcg_temp_free_internal_riscv64;
    char *(*constant)(void *, int64_t) = m4 ? tcg_const_i64_arm : tcg_const_i64_riscv64;
    char *address = tcg + (uintptr_t)constant(tcg, (int64_t)flag), *one = tcg + (uintptr_t)constant(tcg, 1);
    operate(tcg, OP_ST8_I64, one, address, 0);
    release(tcg, one);
    release(tcg, address);
}

void tcg_gen_lookup_and_goto_ptr_arm(char *tcg)                 // behind the instruction: where its condition fails
{
    if (usable && translating.arch == &arm && ends_in_branch(&arm))
        note_way(&arm, tcg, translating.active ? 0 : 1);
    real.arm_gen_jump(tcg);
}

void tcg_gen_lookup_and_goto_ptr_riscv64(char *tcg)
{
    if (usable && translating.active && ends_in_branch(&rv64)) {
        bool passes = !translating.passed && (translating.pc ^ (translating.pc + ((translating.word & 3) == 3 ? 4 : 2))) >> 12;
        translating.passed = true;
        note_way(&rv64, tcg, passes ? 1 : 0);
    }
    real.rv64_gen_jump(tcg);
}

void tcg_gen_brcondi_i32_arm(void *tcg, int condition, void *value, int32_t with, void *label)
{
    enum { I64 = 1 };
    real.arm_gen_skip(tcg, condition, value, with, label);
    if (!usable || !translating.active || !translating.skips)
        return;
    translating.skips = false;                                  // one test an instruction
    unsigned more = m4_cost(translating.parcel, translating.second, translating.in_it, translating.flags & HFLAG_FP_TRAPS).more;
    bool divides = (translating.parcel & 0xffd0) == 0xfb90;
    if (!more || divides)
        return;
    char *env = AT(char *, AT(char *, tcg, TCG_OPS), OP_ARGS + 8);
    char *temp = tcg_temp_new_internal_arm(tcg, I64, false);
    void *value64 = (void *)(temp - (char *)tcg);               // a TCGv is an offset, an operand of an operation the temporary itself
    tcg_gen_op3_arm(tcg, OP_LD_I64, temp, env, ENV_CYCLES);
    tcg_gen_subi_i64_arm(tcg, value64, value64, more);
    tcg_gen_op3_arm(tcg, OP_ST_I64, temp, env, ENV_CYCLES);
    tcg_temp_free_internal_arm(tcg, temp);
}

uint32_t cpu_lduw_code_riscv64(char *env, uint64_t va)          // the library translates what rv64_decode.c makes of each instruction
{
    if (!usable || !translating.active || (va != translating.pc && va != translating.pc + 2))
        return fetch_rv64(env, va);
    if (va == translating.pc) {
        uint32_t parcel = fetch_rv64(env, va);
        translating.word = (parcel & 3) == 3 ? parcel | fetch_rv64(env, va + 2) << 16 : parcel;
        translating.given = rv64_substitute(translating.word, !(AT(uint64_t, env, RV_MSTATUS) >> 13 & 3));
        Core *c = core_of_cpu(env - rv64.env);
        if (c)
            c->only_word = translating.word;
        rv64_precede(AT(char *, AT(char *, env - rv64.env, CPU_UC), UC_TCG), translating.word);
    }
    return va == translating.pc ? translating.given & 0xffff : translating.given >> 16;
}

// ---- the code of a block
enum { EXPIRED = 1, ARM = 2, BREAKS = 4, COVERS = 8, AT_JUMP = 8 };     // AT_JUMP: above this bit, where the jump is that has led there

void *core_cold(char *env, uintptr_t tagged, int what)          // reached from a block's stub
{
    const Arch *a = what & ARM ? &arm : &rv64;
    char *tb = (char *)(tagged & ~3ul);
    char *cpu = env - a->env;
    char *uc = AT(char *, cpu, CPU_UC);
    if (what & COVERS) {
        uint8_t *jump = AT(uint8_t *, tb, a->tb_code) + (what >> AT_JUMP);
        cover_block(AT(Core *, cpu, CPU_CORE), tb, jump);
        return jump + 5;
    }
    if (what & (EXPIRED | BREAKS))
        AT(int64_t, env, ENV_BUDGET) += block_count(a, tb);
    if (what & EXPIRED) {
        AT(Core *, cpu, CPU_CORE)->expired = true;
        AT(Core *, cpu, CPU_CORE)->running = tb;
    }
    if (!AT(uint8_t, uc, UC_QUIT))                              // quit: a hook wrote the pc
        what & ARM ? (AT(uint32_t, env, 60) = AT(uint32_t, tb, 0)) : (AT(uint64_t, env, RV_PC) = AT(uint64_t, tb, 0));
    return AT(void *, AT(char *, uc, UC_TCG), a->tcg_return);
}
void core_cold_entry(void);
__asm__(".text\n.globl core_cold_entry\ncore_cold_entry: movq %rsi,%rbx\n movq %rbp,%rdi\n call core_cold\n movq %rax,%rcx\n movq %rbx,%rax\n jmp *%rcx\n");

static uint8_t *emit(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static uint8_t *emit_stub(uint8_t *p, uint8_t *jump, int what, uintptr_t tagged)
{
    int32_t distance = (int32_t)(p - (jump + 4));
    void *entry = (void *)core_cold_entry;
    memcpy(jump, &distance, 4);
    p = emit(emit(p, "\xba", 1), &what, 4);                     // mov $what,%edx
    p = emit(emit(p, "\x48\xbe", 2), &tagged, 8);               // mov $tb|3,%rsi
    p = emit(emit(p, "\x48\xb8", 2), &entry, 8);                // mov $entry,%rax
    return emit(p, "\xff\xe0", 2);                              // jmp *%rax
}

static uint8_t *emit_look(uint8_t *p, Core *c, uint64_t pc, uint32_t place, uint32_t region, int32_t n, int32_t cycles)
{
    void (*look)(Core *, uint64_t, uint32_t, uint32_t, uint32_t, uint32_t) = look_here;
    p = emit(emit(p, "\x48\xbf", 2), &c, 8);                    // mov $c,%rdi
    p = emit(emit(p, "\x48\xbe", 2), &pc, 8);                   // mov $pc,%rsi
    p = emit(emit(p, "\xba", 1), &place, 4);                    // mov $place,%edx
    p = emit(emit(p, "\xb9", 1), &region, 4);                   // mov $region,%ecx
    p = emit(emit(p, "\x41\xb8", 2), &n, 4);                    // mov $n,%r8d
    p = emit(emit(p, "\x41\xb9", 2), &cycles, 4);               // mov $cycles,%r9d
    p = emit(emit(p, "\x48\xb8", 2), &look, 8);                 // mov $look,%rax
    return emit(p, "\xff\xd0", 2);                              // call *%rax
}

// Wherever somebody looks, and where another region than that of the block before begins to run.
static uint8_t *emit_looks(uint8_t *p, Core *c, uint64_t pc, int32_t n, int32_t cycles)
{
    int look = look_at(c, pc);
    uint32_t region = c->region_count ? region_of(c, pc) : NO_REGION;
    if (look != NO_LOOK)
        return emit_look(p, c, pc, (uint32_t)look, region, n, cycles);
    if (!c->region_count)
        return p;
    uint32_t *running = &c->region;
    p = emit(emit(p, "\x48\xb8", 2), &running, 8);              // mov $running,%rax
    p = emit(emit(p, "\x81\x38", 2), &region, 4);               // cmpl $region,(%rax)
    uint8_t *known = emit(p, "\x74", 1);                        // je known
    p = emit_look(known + 1, c, pc, (uint32_t)c->look_count + region, region, n, cycles);
    *known = (uint8_t)(p - (known + 1));
    return p;
}

static int generate(const Arch *a, char *tcg, char *tb)
{
    if (!usable)
        return a->gen_code(tcg, tb);
    Core *c = core_of_uc(AT(char *, tcg, a->tcg_return - 0x258));
    int icount = AT(uint16_t, tb, a->tb_icount);
    int32_t n = icount - translating.pseudo;
    uint64_t pc = a->pc_bytes == 8 ? AT(uint64_t, tb, 0) : AT(uint32_t, tb, 0);
    bool breaks = c && c->breakpoint_count && !(AT(uint32_t, tb, a->tb_cflags) & CF_COUNT) && is_breakpoint(c, pc);
    char *load = AT(char *, tcg, TCG_OPS);                      // the block's own stop test: ld_i32, movi_i32, brcond_i32
    char *move = load ? AT(char *, load, OP_NEXT) : NULL;
    char *branch = move ? AT(char *, move, OP_NEXT) : NULL;
    if (c) {
        c->epoch++;
        c->figures.translations++;
    }
    if (branch && AT(uint64_t, branch, OP_ARGS + 24) == AT(uint64_t, tcg, TCG_EXIT_LABEL) && AT(int64_t, load, OP_ARGS + 16) == ENV_STOP) {
        a->op_remove(tcg, load);
        a->op_remove(tcg, move);
        a->op_remove(tcg, branch);
    }
    uint8_t *start = AT(uint8_t *, tb, a->tb_code);
    uint8_t *stop = emit(start, "\x83\x7d\xf0\0\x0f\x8c", 6);
    uint8_t *p = emit(stop + 4, n < 128 ? "\x48\x83\x6d\xf8" : "\x48\x81\x6d\xf8", 4);
    p = emit(p, &n, n < 128 ? 1 : 4);
    uint8_t *expired = emit(p, "\x0f\x8c", 2);
    p = expired + 4;
    uint8_t *late = NULL;
    bool cycles = a == &arm && AT(uint32_t, tb, a->tb_flags) & HFLAG_CYCLES && c;
    int32_t all = 0;
    if (cycles) {
        int32_t needed = cycles_needed(translating.costs, n, &all);
        p = emit(emit(p, "\x48\x81\x7d\x40", 4), &needed, 4);       // cmpq $needed,64(%rbp)
        late = emit(p, "\x0f\x8e", 2);                              // jle late
        p = late + 4;
        if (!breaks)
            p = emit(emit(p, "\x48\x81\x6d\x40", 4), &all, 4);      // subq $all,64(%rbp)
    }
    uint8_t *halt = breaks ? emit(p, "\xe9", 1) : NULL;             // jmp halt
    if (breaks)
        p = halt + 4;
    if (c)
        p = emit_looks(p, c, pc, n, all);
    uint8_t *first = c && c->coverage ? emit(p, "\xe9", 1) : NULL;  // jmp first
    if (first) {
        p = first + 4;
        bool wide = a == &rv64 ? (translating.word & 3) == 3 : (translating.parcel & 0xf800) == 0xf000;        // of branches
        AT(uint32_t, tb, a->tb_cflags) |= ends_in_branch(a) ? CF_BRANCH | (wide ? CF_WIDE : 0) : 0;
    }
    int prologue = (int)(p - start);
    AT(uint8_t *, tb, a->tb_code) = p;
    int size = a->gen_code(tcg, tb);
    AT(uint8_t *, tb, a->tb_code) = start;
    if (size < 0)
        return size;
    if (prologue + size + 128 + (cycles ? 2 * n : 0) > 65535)
        return -2;                                              // the library tries again with half the instructions
    for (int i = 0; i < 2; i++) {
        uint16_t *reset = &AT(uint16_t, tb, a->tb_jump_reset + 2 * i);
        if (*reset != 0xffff) {
            *reset = (uint16_t)(*reset + prologue);
            AT(uint64_t, tb, a->tb_jump_arg + 8 * i) += (uint64_t)prologue;
        }
    }
    for (int i = 0; i < icount; i++) {
        uint16_t *end = &AT(uint16_t, tcg, TCG_INSN_END + 2 * i);
        *end = (uint16_t)(*end + prologue);
    }
    if (AT(uint32_t, tb, a->tb_cflags) & CF_NOCACHE)
        AT(uint32_t, tb, a->tb_cflags) |= CF_INVALID;           // it runs once: nothing jumps to it, nobody finds it again
    int tag = a == &arm ? ARM : 0;
    uint8_t *end = emit_stub(p + size, expired, tag | EXPIRED, (uintptr_t)tb | 3);
    end = emit_stub(end, stop, tag, (uintptr_t)tb | 3);
    if (breaks)
        end = emit_stub(end, halt, tag | BREAKS, (uintptr_t)tb | 3);
    if (first)
        end = emit_stub(end, first, tag | COVERS | (int)(first - 1 - start) << AT_JUMP, (uintptr_t)tb | 3);
    if (a == &arm)
        end = inline_floats(p, end, AT(uint8_t *, tcg, TCG_HIGHWATER));
    if (cycles)
        end = emit(emit_stub(end, late, tag | EXPIRED, (uintptr_t)tb | 3), translating.costs, (size_t)n * sizeof *translating.costs);
    return (int)(end - start);
}

#define EXPORT(name, target) \
    int tcg_gen_code_##name(char *tcg, char *tb) { return generate(&target, tcg, tb); } \
    void translator_loop_##name(void **ops, char *db, char *cpu, char *tb, int max) { translate_block(&target, ops, db, cpu, tb, max); }
EXPORT(riscv64, rv64)
EXPORT(arm, arm)
