// A driver for virtio-blk on virtio-mmio, both versions, with one request at a time: what a guest of a test or a benchmark needs.
#pragma once
#include <stdint.h>

enum { BLOCK_READ = 0, BLOCK_WRITE = 1, QUEUE_SIZE = 8, PAGE = 4096 };

struct descriptor { uint64_t address; uint32_t length; uint16_t flags, next; };
struct block_request { uint32_t type, reserved; uint64_t sector; };

static struct {
    struct descriptor descriptors[QUEUE_SIZE];
    uint16_t available_flags, available_index, available[QUEUE_SIZE];
    uint8_t padding[PAGE - QUEUE_SIZE * (sizeof(struct descriptor) + 2) - 4];
    uint16_t used_flags;
    volatile uint16_t used_index;
    struct { uint32_t id, length; } used[QUEUE_SIZE];
} block_queue __attribute__((aligned(PAGE)));
static struct block_request block_request;
static volatile uint8_t block_status;
static volatile uint32_t *block_registers;

static inline uint32_t block_register(uint32_t offset) { return block_registers[offset / 4]; }
static inline void block_set(uint32_t offset, uint64_t value) { block_registers[offset / 4] = (uint32_t)value; }
static inline void block_set_address(uint32_t offset, const volatile void *place)
{
    block_set(offset, (uint64_t)place);
    block_set(offset + 4, (uint64_t)place >> 32);
}

// 0: there is no disk at that address.
static int block_start(uint64_t base)
{
    block_registers = (volatile uint32_t *)base;
    if (block_register(0) != 0x74726976 || block_register(8) != 2)
        return 0;
    int legacy = block_register(4) == 1;
    block_set(0x70, 0);
    block_set(0x70, 3);                                         // ACKNOWLEDGE, DRIVER
    block_set(0x24, 0);
    block_set(0x20, 0);
    if (!legacy) {
        block_set(0x24, 1);
        block_set(0x20, 1);                                     // VERSION_1
        block_set(0x70, 11);                                    // FEATURES_OK
    } else {
        block_set(0x28, PAGE);
    }
    block_set(0x30, 0);
    block_set(0x38, QUEUE_SIZE);
    if (legacy) {
        block_set(0x3c, PAGE);
        block_set(0x40, (uint64_t)&block_queue / PAGE);
    } else {
        block_set_address(0x80, block_queue.descriptors);
        block_set_address(0x90, &block_queue.available_flags);
        block_set_address(0xa0, &block_queue.used_flags);
        block_set(0x44, 1);
    }
    block_set(0x70, legacy ? 7 : 15);                           // DRIVER_OK
    return 1;
}

static void block_submit(uint32_t type, uint64_t sector, volatile void *bytes, uint32_t count)
{
    block_request = (struct block_request){ type, 0, sector };
    block_status = 0xff;
    block_queue.descriptors[0] = (struct descriptor){ (uint64_t)&block_request, sizeof block_request, 1, 1 };
    block_queue.descriptors[1] = (struct descriptor){ (uint64_t)bytes, count, type == BLOCK_READ ? 3 : 1, 2 };
    block_queue.descriptors[2] = (struct descriptor){ (uint64_t)&block_status, 1, 2, 0 };
    block_queue.available[block_queue.available_index % QUEUE_SIZE] = 0;
    __asm__ volatile("fence" ::: "memory");
    block_queue.available_index++;
    __asm__ volatile("fence" ::: "memory");
    block_set(0x50, 0);
}

static inline int block_is_done(void) { return block_queue.used_index == block_queue.available_index; }
