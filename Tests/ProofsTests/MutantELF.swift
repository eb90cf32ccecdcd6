import Emu
import Foundation

/// The same numbers everywhere (Knuth's multiplier).
struct SmallRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed &+ 1 }

  mutating func next(below bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}

/// ELF files that something has happened to.
enum MutantELF {
  /// Of both cores, with all that compilers write: ours, and C with either version of DWARF.
  static func seeds() throws -> [[UInt8]] {
    var seeds = try [
      "zero-trap-rv64", "zero-trap-m4", "led-heartbeat", "traps-output-rv64", "panic-trace-m4",
    ].map { try Images.bytes($0 + ".elf") }
    for core in [Image.Machine.arm, .riscv64] {
      for version in [4, 5] {
        seeds.append(try compiled(for: core, dwarf: version) { try Images.bytes(at: $0) })
      }
    }
    return seeds
  }

  /// A program that calls, switches, and stops at a check, compiled and linked.
  static func compiled<T>(
    for core: Image.Machine, dwarf: Int, _ body: (String) throws -> T
  ) throws -> T {
    let source = """
      static volatile int table[4];
      struct shape { int kind; long size[3]; };
      __attribute__((noinline)) int check(int i) {
        if (i > 100) __builtin_trap();
        return table[i & 3];
      }
      __attribute__((noinline)) int area(struct shape s) {
        switch (s.kind) {
        case 0: return check((int)s.size[0]);
        case 1: return check((int)s.size[1]) * 2;
        case 2: return check((int)(s.size[0] * s.size[1])) + 7;
        case 3: return (int)s.size[2] + check(1);
        default: return 0;
        }
      }
      __attribute__((noreturn)) void start(void) {
        for (int i = 0;; i++) table[i & 3] = area((struct shape){ i & 7, { i, i + 1, 3 } });
      }

      """
    let start =
      core == .arm
      ? "__attribute__((section(\".vectors\"), used)) void *vectors[16] = { (void *)0x20001000, start };\n"
      : "__attribute__((naked)) void entry(void) { asm(\"la sp, 0x80010000\\n j start\"); }\n"
    return try withFolder { folder in
      try write(Array((source + start).utf8), to: folder + "/a.c")
      let script =
        core == .arm
        ? """
        SECTIONS { .vectors 0 : { KEEP(*(.vectors)) } .text : { *(.text*) }
          .bss 0x20000000 (NOLOAD) : { *(.bss*) } }
        """
        : "SECTIONS { .text 0x80000000 : { *(.text*) } .bss : { *(.bss*) } }"
      try write(Array(script.utf8), to: folder + "/a.ld")
      let target =
        core == .arm
        ? ["-target", "armv7em-none-eabi", "-mcpu=cortex-m4", "-mfloat-abi=soft"]
        : ["-target", "riscv64-none-elf", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany"]
      _ = try Toolchain.run(
        "clang",
        target + [
          "-O1", "-gdwarf-\(dwarf)", "-ffreestanding", "-fdebug-prefix-map=\(folder)=.",
          "-c", folder + "/a.c", "-o", folder + "/a.o",
        ])
      _ = try Toolchain.run(
        "ld.lld",
        [
          "-T", folder + "/a.ld", "-e", core == .arm ? "start" : "entry", folder + "/a.o", "-o",
          folder + "/a.elf",
        ])
      return try body(folder + "/a.elf")
    }
  }

  // MARK: Changes

  /// The file without its section headers: what is left is what is loaded.
  static func stripped(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    let headers = Headers(bytes)
    for place in headers.sectionFields { bytes[place] = 0 }
    return bytes
  }

  /// The same one for a number, each time.
  static func make(_ number: Int, of seeds: [[UInt8]]) -> [UInt8] {
    var random = SmallRandom(seed: UInt64(number) &* 0x9E37_79B9)
    var bytes = seeds[number % seeds.count]
    let pieces = Headers(bytes).pieces
    for _ in 0...random.next(below: 5) {
      // A header is as likely as a section, and code as DWARF: sizes say nothing.
      let piece = pieces[random.next(below: pieces.count)]
      let place = piece.lowerBound + random.next(below: piece.count)
      if random.next(below: 2) == 0 {
        bytes[place] = UInt8(random.next(below: 256))
      } else {
        bytes.overwrite(place & ~3, extremes[random.next(below: extremes.count)])
      }
    }
    if random.next(below: 12) == 0 { bytes.removeLast(random.next(below: bytes.count - 1)) }
    return bytes
  }

  private static let extremes: [UInt32] = [
    0, 1, 4, 8, 0x1000, 0x20_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF,
  ]

  /// Where things are in a file that is whole.
  private struct Headers {
    var pieces: [Range<Int>] = []
    var sectionFields: [Int] = []

    init(_ bytes: [UInt8]) {
      let isWide = bytes[4] == 2
      let size = isWide ? 8 : 4
      let tail = isWide ? 52 : 40
      let programs = bytes.number(isWide ? 32 : 28, size)
      let sections = bytes.number(isWide ? 40 : 32, size)
      let programSize = bytes.number(tail + 2, 2) * bytes.number(tail + 4, 2)
      let entry = bytes.number(tail + 6, 2)
      let count = bytes.number(tail + 8, 2)
      sectionFields =
        Array((isWide ? 40 : 32)..<(isWide ? 48 : 36)) + Array(tail + 6..<tail + 12)
      pieces = [
        0..<bytes.count, 0..<tail + 12, programs..<programs + programSize,
        sections..<sections + entry * count,
      ]
      for index in 1..<count {
        let header = sections + entry * index
        let isEmpty = bytes.number(header + 4, 4) == 8  // SHT_NOBITS
        let offset = bytes.number(header + (isWide ? 24 : 16), size)
        let length = bytes.number(header + (isWide ? 32 : 20), size)
        if !isEmpty && length > 0 { pieces.append(offset..<offset + length) }
      }
    }
  }
}

extension [UInt8] {
  fileprivate func number(_ place: Int, _ size: Int) -> Int {
    self[place..<place + size].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  fileprivate mutating func overwrite(_ place: Int, _ word: UInt32) {
    for byte in 0..<4 where place + byte < count {
      self[place + byte] = UInt8(truncatingIfNeeded: word >> UInt32(8 * byte))
    }
  }
}
