// What is executed, counted by hand: a loop that goes round three times, unless its load is refused or stopped at, once.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { ELSEWHERE = 0x3000, NEVER = 9, ROUNDS = 3 };
typedef enum { FAULTS, STOPS, COMES_BACK } Leaving;
static const char *const leavings[] = { "a fault", "a stop", "a fault and back" };

typedef struct { uint64_t at, size; int begun, taken, passed; } Line;
typedef struct { Line line[8]; int known; bool more; } Lines;

static void look(void *data, uint64_t pc, bool taken, bool passed)
{
    Lines *lines = data;
    for (int i = 0; i < lines->known; i++) {
        if (lines->line[i].at != pc)
            continue;
        lines->line[i].begun++;
        lines->line[i].taken += taken;
        lines->line[i].passed += passed;
        return;
    }
    lines->more = true;
}

static CoreAccessVerdict refuse_one(Rig *rig, CoreAccess *access)
{
    (void)access;
    return rig->accesses == (int)rig->parameter ? CORE_ACCESS_FAULT : CORE_ACCESS_DONE;
}

static CoreAccessVerdict stop_at_one(Rig *rig, CoreAccess *access)
{
    (void)access;
    if (rig->accesses == (int)rig->parameter)
        core_stop(rig->core);
    return CORE_ACCESS_DONE;
}

static void go(Rig *rig, uint64_t offset)
{
    if (rig->core->kind == CORE_RV64)
        rig_x(rig)[CORE_RV64_PC] = rig->base + offset;
    else
        rig_r(rig)[15] = (uint32_t)(rig->base + offset);
    core_moved(rig->core);
}

static CoreTrapVerdict go_elsewhere(Rig *rig, const CoreTrap *trap)
{
    (void)trap;
    go(rig, ELSEWHERE);
    return CORE_TRAP_RESUME;
}

static CoreExit run(Rig *rig, uint64_t step)
{
    CoreExit exit = CORE_BUDGET;
    for (int i = 0; i < 100 && exit == CORE_BUDGET; i++)
        exit = core_run(rig->core, step);
    return exit;
}

static CoreTrapVerdict come_back(Rig *rig, const CoreTrap *trap)         // to the instruction before
{
    go(rig, trap->pc - rig->base - (rig->core->kind == CORE_RV64 ? 4 : 2));
    return CORE_TRAP_RESUME;
}

void covered(int variant, ProofReport *report)
{
    bool m4 = variant % 2;
    uint64_t step = (uint64_t[]){ 1000, 1, 3 }[variant / 2 % 3], page = m4 ? 1024 : 4096, size = m4 ? 2 : 4;
    // In one page; the branch the last of its page; all but the first in the next one.
    for (int place = 0; place < 3; place++) {
        uint64_t at = place == 0 ? 0 : place == 1 ? page - 5 * size : page - size;
        Code *code = code_new(0);
        while (code->size < at)
            m4 ? put16(code, T_NOP) : put32(code, RV_NOP);
        int loop = code_here(code);
        if (m4) {
            put16(code, t_adds(0, 1)), put16(code, t_ldr(4, 1, 0)), put16(code, t_adds(2, 1)), put16(code, t_cmp(2, ROUNDS));
            put16(code, 0xd1fa), put16(code, T_WFI);            // bne loop
        } else {
            put32(code, rv_addi(A0, A0, 1)), put32(code, rv_load(3, A4, A1, 0)), put32(code, rv_addi(A2, A2, 1)), put32(code, rv_addi(A3, ZERO, ROUNDS));
            rv_branch(code, BNE, A2, A3, loop), put32(code, RV_WFI);
        }
        while (code->size < ELSEWHERE)
            m4 ? put16(code, T_NOP) : put32(code, RV_NOP);
        m4 ? put16(code, T_NOP) : put32(code, RV_NOP);
        m4 ? put16(code, T_WFI) : put32(code, RV_WFI);
        code_finish(code);
        Rig *rig = rig_new(m4 ? CORE_CORTEX_M4 : CORE_RV64, code);
        for (Leaving how = FAULTS; how <= COMES_BACK; how++) {
            for (int which = 0; which <= ROUNDS; which++) {
                bool left = which < ROUNDS, leaves = left && how != COMES_BACK;
                rig_reset(rig);
                rig->on_access = how == STOPS ? stop_at_one : refuse_one;
                rig->on_trap = how == COMES_BACK ? come_back : go_elsewhere;
                rig->parameter = left ? (uint64_t)which : NEVER;
                core_cover(rig->core, true);
                if (m4)
                    rig_r(rig)[0] = rig_r(rig)[2] = 0, rig_r(rig)[1] = (uint32_t)device_base(CORE_CORTEX_M4);
                else
                    rig_x(rig)[A2] = 0, rig_x(rig)[A1] = device_base(CORE_RV64);
                go(rig, at);
                CoreExit exit = run(rig, step);
                if (how == STOPS && leaves) {
                    EXPECT(report, exit == CORE_STOPPED, "exit %d", exit);
                    go(rig, ELSEWHERE);
                    exit = run(rig, step);
                }
                Lines lines = { .known = 8 };
                for (int i = 0; i < 8; i++)
                    lines.line[i].at = rig->base + (i < 6 ? at + (uint64_t)i * size : ELSEWHERE + (uint64_t)(i - 6) * size);
                core_each_covered(rig->core, look, &lines);
                bool round = !leaves || which;              // one was finished
                for (int i = 0; i < 8; i++) {
                    int begun = i < 2 ? 1 : i < 5 ? round : i == 5 ? !leaves : leaves;
                    EXPECT(report, lines.line[i].begun == begun, "%s in round %d of %d, place %d, slice %d: %d is %d", leavings[how], which, ROUNDS, place, (int)step, i, lines.line[i].begun);
                }
                EXPECT(report, exit == CORE_SLEEP && !lines.more, "exit %d%s", exit, lines.more ? ", and more" : "");
                EXPECT(report, lines.line[4].taken == round && lines.line[4].passed == !leaves, "%s in round %d, place %d, slice %d: taken %d, passed %d", leavings[how], which, place, (int)step,
                    lines.line[4].taken, lines.line[4].passed);
            }
        }
        // Off again: nothing is kept, and nothing more comes.
        core_cover(rig->core, false);
        rig_reset(rig);
        run(rig, step);
        Lines none = { .known = 0 };
        core_each_covered(rig->core, look, &none);
        EXPECT(report, !none.more, "kept");
        rig_free(rig);
        code_free(code);
    }
}
