// Which instructions were begun, and which ways conditional branches went, at no cost but once: a block begins with a jump to here, which
// its first execution makes a no-op. A way out of a block comes by the main loop until it is linked, and by a store where it leaves the page
// (blocks.c). A Core that does not keep this has no such code.
#include "internal.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, BUCKETS = 1024, MOST = 512 };

typedef struct Page {
    uint64_t number;
    struct Page *next;
    uint8_t begun[PAGE / 2], ways[2][PAGE / 2];         // by half a word of the code; ways: as the library numbers a block's exits
} Page;

struct Coverage {
    Page *pages[BUCKETS], *last;
    // The block that came here last. What it has added is taken back where it is left before its end.
    struct {
        const char *block;
        uint64_t end;                                   // the index at which it is through
        uint8_t *jump;
        int32_t distance;
        int count;
        struct { uint8_t *flag; int index; } added[MOST];
    } fresh;
};

static Page *page_of(Coverage *coverage, uint64_t pc)
{
    uint64_t number = pc / PAGE;
    if (coverage->last && coverage->last->number == number)
        return coverage->last;
    Page **place = &coverage->pages[number % BUCKETS];
    while (*place && (*place)->number != number)
        place = &(*place)->next;
    if (!*place && (*place = calloc(1, sizeof **place)))
        (*place)->number = number;
    return coverage->last = *place;
}

static void forget(Coverage *coverage)
{
    for (int i = 0; coverage && i < BUCKETS; i++) {
        for (Page *page = coverage->pages[i], *next; page; page = next) {
            next = page->next;
            free(page);
        }
    }
    free(coverage);
}

void core_cover(Core *c, bool covers)
{
    if (!c->coverage && !covers)
        return;
    core_drop_code(c);
    memset(c->parts, 0, sizeof c->parts);
    forget(c->coverage);
    c->coverage = covers ? calloc(1, sizeof *c->coverage) : NULL;
}

void core_each_covered(const Core *c, void (*each)(void *data, uint64_t pc, bool taken, bool passed), void *data)
{
    for (int i = 0; c->coverage && i < BUCKETS; i++) {
        for (const Page *page = c->coverage->pages[i]; page; page = page->next) {
            for (int j = 0; j < PAGE / 2; j++) {
                if (page->begun[j])
                    each(data, page->number * PAGE + 2 * (uint64_t)j, page->ways[0][j], page->ways[1][j]);
            }
        }
    }
}

// ---- blocks
void coverage_begin_run(Core *c)
{
    if (c->coverage)
        c->coverage->fresh.block = NULL;
}

void cover_block(Core *c, const char *block, uint8_t *jump)     // which begins now; jump: what has led here
{
    Coverage *v = c->coverage;
    uint64_t pc[MOST];
    int n = block_addresses(c->arch, block, pc, MOST);
    v->fresh.block = block;
    v->fresh.end = core_index(c);
    v->fresh.count = 0;
    v->fresh.jump = jump;
    memcpy(&v->fresh.distance, jump + 1, 4);
    memcpy(jump, "\x0f\x1f\x44\0", 5);                          // nopl 0(%rax,%rax)
    for (int i = 0; i < n; i++) {
        Page *page = page_of(v, pc[i]);
        uint8_t *flag = page ? &page->begun[pc[i] % PAGE / 2] : NULL;
        if (!flag || *flag)
            continue;
        *flag = 1;
        v->fresh.added[v->fresh.count].flag = flag;
        v->fresh.added[v->fresh.count++].index = i;
    }
}

// The running block is left, and its instructions from that one on are not begun. Before the budget gets back what they took.
void uncover(Core *c, const char *block, int index)
{
    Coverage *v = c->coverage;
    if (!v || v->fresh.block != block || v->fresh.end != core_index(c))
        return;
    v->fresh.block = NULL;
    *v->fresh.jump = 0xe9;
    memcpy(v->fresh.jump + 1, &v->fresh.distance, 4);
    while (v->fresh.count && v->fresh.added[v->fresh.count - 1].index >= index)
        *v->fresh.added[--v->fresh.count].flag = 0;
}

// ---- ways
uint8_t *covered_way(Core *c, uint64_t pc, int way)             // NULL: nobody asks
{
    Page *page = c && c->coverage ? page_of(c->coverage, pc) : NULL;
    return page ? &page->ways[way][pc % PAGE / 2] : NULL;
}

void cover_exit(Core *c, const char *block, int exit)
{
    const Arch *a = c->arch;
    uint32_t flags = AT(uint32_t, block, a->tb_cflags);
    if (!(flags & CF_BRANCH))
        return;
    uint64_t pc = (a->pc_bytes == 8 ? AT(uint64_t, block, 0) : AT(uint32_t, block, 0)) + AT(uint16_t, block, a->tb_icount - 2);     // its size
    uint8_t *way = covered_way(c, pc - (flags & CF_WIDE ? 4 : 2), exit);
    if (way)
        *way = 1;
}
