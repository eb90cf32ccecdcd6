// Is this the library that the offsets were taken from? Resolves what the shim wraps; if anything is missing, every wrapped name only passes on.
#define _GNU_SOURCE
#include "internal.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Arch rv64 = { RV64_LAYOUT };
Arch arm = { ARM_LAYOUT };
struct Real real;
bool usable;
static char missing[64];

static const char *const tested_builds[] = {
    "f439d3d09a3fefbcc7d4014bd3f67c12d55957e6",         // Debian 12, libunicorn2 2.0.1.post1-1+b1, amd64
};

void *real_symbol(const char *name, const char *suffix)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    void *found = dlsym(RTLD_NEXT, full);
    if (!found && !missing[0])
        memcpy(missing, full, sizeof missing);
    return found;
}

static void resolve(Arch *a)
{
    struct { void *slot; const char *name; } wanted[] = {
        { &a->gen_code, "tcg_gen_code" }, { &a->restore, "cpu_restore_state" }, { &a->exec, "cpu_exec" }, { &a->loop, "translator_loop" },
        { &a->check_exit, "check_exit_request" }, { &a->op_remove, "tcg_op_remove" }, { &a->lookup, "tcg_tb_lookup" }, { &a->flush, "tb_flush" },
        { &a->leave, "cpu_loop_exit_noexc" }, { &a->leave_restore, "cpu_loop_exit_restore" }, { &a->invalidate_fast, "tb_invalidate_phys_page_fast" },
        { &a->invalidate_range, "tb_invalidate_phys_range" }, { &a->lookup_ptr, "helper_lookup_tb_ptr" },
        { &a->ram_address, "memory_region_get_ram_addr" }, { &a->protect, "tlb_protect_code" }, { &a->unprotect, "tlb_unprotect_code" },
        { &a->pages_lock, "page_collection_lock" }, { &a->pages_unlock, "page_collection_unlock" }, { &a->tlb_flush, "tlb_flush" },
        { &a->fetch, "cpu_lduw_code" }, { &a->drop_block, "tb_phys_invalidate" },
        { &a->each_block, "tcg_tb_foreach" },
        { &a->find_block, "tb_htable_lookup" }, { &a->make_block, "tb_gen_code" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        *(void **)wanted[i].slot = real_symbol(wanted[i].name, a->suffix);
}

__attribute__((constructor)) static void resolve_all(void)
{
    struct { void *slot; const char *name; } wanted[] = {
        { &real.memory_mapping, "memory_mapping" }, { &real.qht_remove, "qht_remove" },
        { &real.rv64_fill, "riscv_cpu_tlb_fill_riscv64" }, { &real.arm_fill, "arm_cpu_tlb_fill_arm" }, { &real.rv64_raise, "riscv_raise_exception_riscv64" },
        { &real.rv64_raise_here, "helper_raise_exception_riscv64" },
        { &real.rv64_wfi, "helper_wfi_riscv64" }, { &real.rv64_mret, "helper_mret_riscv64" },
        { &real.rv64_sret, "helper_sret_riscv64" }, { &real.rv64_csr, "riscv_csrrw_riscv64" },
        { &real.rv64_set_page, "tlb_set_page_riscv64" }, { &real.arm_rebuild_hflags, "arm_rebuild_hflags_arm" },
        { &real.arm_rebuild_m32, "helper_rebuild_hflags_m32_arm" },
        { &real.arm_rebuild_m32_newel, "helper_rebuild_hflags_m32_newel_arm" }, { &real.arm_set_page, "tlb_set_page_with_attrs_arm" },
        { &real.arm_gen_call, "tcg_gen_callN_arm" }, { &real.arm_global, "tcg_global_mem_new_internal_arm" }, { &real.arm_gen_jump, "tcg_gen_lookup_and_goto_ptr_arm" }, { &real.rv64_gen_jump, "tcg_gen_lookup_and_goto_ptr_riscv64" },
        { &real.arm_gen_skip, "tcg_gen_brcondi_i32_arm" }, { &real.arm_gen_load, "tcg_gen_qemu_ld_i32_arm" }, { &real.arm_gen_store, "tcg_gen_qemu_st_i32_arm" },
        { &real.arm_gen_load64, "tcg_gen_qemu_ld_i64_arm" }, { &real.arm_gen_store64, "tcg_gen_qemu_st_i64_arm" }, { &real.arm_sdiv, "helper_sdiv_arm" },
        { &real.arm_udiv, "helper_udiv_arm" }, { &real.arm_add_usaturate, "helper_add_usaturate_arm" }, { &real.arm_sub_usaturate, "helper_sub_usaturate_arm" },
        { &real.arm_exit, "cpu_loop_exit_arm" }, { &real.arm_raise, "helper_exception_internal_arm" },
        { &real.arm_raise_with, "helper_exception_with_syndrome_arm" }, { &real.arm_fp_exception, "fp_exception_el_arm" },
        { &real.arm_wfi, "helper_wfi_arm" }, { &real.arm_wfe, "helper_wfe_arm" }, { &real.arm_msr, "helper_v7m_msr_arm" },
        { &real.arm_yield, "helper_yield_arm" },
        { &real.f32_add, "helper_vfp_adds_arm" }, { &real.f32_sub, "helper_vfp_subs_arm" }, { &real.f32_mul, "helper_vfp_muls_arm" },
        { &real.f32_div, "helper_vfp_divs_arm" }, { &real.f32_sqrt, "helper_vfp_sqrts_arm" }, { &real.f32_muladd, "helper_vfp_muladds_arm" },
        { &real.f32_sito, "helper_vfp_sitos_arm" }, { &real.f32_uito, "helper_vfp_uitos_arm" }, { &real.f32_slto, "helper_vfp_sltos_arm" },
        { &real.f32_ulto, "helper_vfp_ultos_arm" }, { &real.f32_tosiz, "helper_vfp_tosizs_arm" },
        { &real.f32_touiz, "helper_vfp_touizs_arm" }, { &real.f32_cmp, "helper_vfp_cmps_arm" }, { &real.f32_cmpe, "helper_vfp_cmpes_arm" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        *(void **)wanted[i].slot = real_symbol(wanted[i].name, "");
    rv64_fp_set_up();
    rv64_decode_set_up();
    resolve(&rv64);
    resolve(&arm);
    CoreLibrary library;
    core_library(&library);
    usable = !missing[0] && library.major == 2 && library.minor == 0;
}

static int read_build_id(struct dl_phdr_info *info, size_t size, void *data)
{
    CoreLibrary *library = data;
    (void)size;
    if (strcmp(info->dlpi_name, library->path))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        const char *note = (const char *)info->dlpi_addr + header->p_vaddr;
        const char *end = note + header->p_memsz;
        while (header->p_type == PT_NOTE && note + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *n = (const void *)note;
            const unsigned char *id = (const unsigned char *)(n + 1) + ((n->n_namesz + 3) & ~3u);
            for (unsigned j = 0; n->n_type == NT_GNU_BUILD_ID && j < n->n_descsz && 2 * j + 2 < sizeof library->build_id; j++)
                snprintf(library->build_id + 2 * j, 3, "%02x", id[j]);
            note = (const char *)id + ((n->n_descsz + 3) & ~3u);
        }
    }
    return 1;
}

void core_library(CoreLibrary *library)
{
    Dl_info where;
    memset(library, 0, sizeof *library);
    uc_version(&library->major, &library->minor);
    if (dladdr((void *)uc_version, &where) && where.dli_fname) {
        // An executable that takes a function's address may get its own PLT entry; the library's is behind RTLD_NEXT.
        void *inside = dlsym(RTLD_NEXT, "uc_version");
        if (inside)
            dladdr(inside, &where);
        snprintf(library->path, sizeof library->path, "%s", where.dli_fname);
    }
    dl_iterate_phdr(read_build_id, library);
    for (size_t i = 0; i < sizeof tested_builds / sizeof *tested_builds; i++)
        library->tested |= !strcmp(library->build_id, tested_builds[i]);
}

static char verdict[128];
static void check_once(void)
{
    CoreLibrary library;
    core_library(&library);
    const char *wrong = NULL;
    if (missing[0])
        snprintf(verdict, sizeof verdict, "it has no symbol %s", missing);
    else if (!usable)
        snprintf(verdict, sizeof verdict, "it is version %u.%u", library.major, library.minor);
    else if ((wrong = check_offsets()))
        snprintf(verdict, sizeof verdict, "%s", wrong);
    else if (!library.tested) {
        int pipe_ends[2];
        if (pipe(pipe_ends))
            return;
        pid_t child = fork();
        if (child == 0) {
            const char *found = core_self_test();
            if (found && write(pipe_ends[1], found, strlen(found)) < 0)
                _exit(2);
            _exit(found ? 1 : 0);
        }
        close(pipe_ends[1]);
        ssize_t n = read(pipe_ends[0], verdict, sizeof verdict - 1);
        close(pipe_ends[0]);
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0 || (n <= 0 && status))
            snprintf(verdict, sizeof verdict, "its self-test crashes");
    }
    if (verdict[0])
        usable = false;
}

const char *core_check(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, check_once);
    return verdict[0] ? verdict : NULL;
}
