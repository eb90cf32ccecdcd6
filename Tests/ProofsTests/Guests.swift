import Devices
import Emu
import Testing

func boards(named name: String) throws -> Board { try Boards.named(name) }

/// A program in assembly, linked for `m4-led` or `rv64-virt` by the toolchain.
func withGuest<T>(
  _ machine: Image.Machine, _ text: String, _ body: (Image) throws -> T
) throws -> T {
  try withFolder { folder in
    let isArm = machine == .arm
    let head =
      isArm
      ? """
      .syntax unified
      .cpu cortex-m4
      .fpu fpv4-sp-d16
      .thumb
      .section .vectors, "a"
      .word 0x20001000, reset, handler, handler, handler, handler, handler, 0, 0, 0, 0
      .word handler, handler, 0, handler, handler
      .text
      .type reset, %function
      .type handler, %function
      handler: b .

      """ : ".option norelax\n.text\n.globl _start\n"
    try write(Array((head + text + "\n").utf8), to: folder + "/a.s")
    let script =
      isArm
      ? """
      SECTIONS { .vectors 0 : { *(.vectors) } .text : { *(.text) }
        .data 0x20000000 : { *(.data) } }
      """ : "SECTIONS { .text 0x80000000 : { *(.text) *(.data) } }"
    try write(Array(script.utf8), to: folder + "/a.ld")
    let target = isArm ? ["-target", "armv7em-none-eabi"] : ["-target", "riscv64-none-elf"]
    let options = isArm ? [] : ["-march=rv64gc", "-mabi=lp64d"]
    _ = try Toolchain.run(
      "clang", target + options + ["-c", folder + "/a.s", "-o", folder + "/a.o"])
    _ = try Toolchain.run(
      "ld.lld",
      [
        "-T", folder + "/a.ld", "-e", isArm ? "reset" : "_start", folder + "/a.o", "-o",
        folder + "/a.elf",
      ])
    return try body(Image(path: folder + "/a.elf"))
  }
}
