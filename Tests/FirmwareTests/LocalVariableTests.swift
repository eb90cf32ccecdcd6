import EmuTesting
import Foundation
import Testing

/// The variables and parameters of C functions, as clang describes them: in memory, in registers, by rules, or not at all.
@Suite struct LocalVariableTests {
  private static let source = """
    struct point { short tag; int x, y; };
    volatile int seen;
    __attribute__((noinline)) void here(int value) { seen = value; __asm__ volatile("" :: "r"(value)); }
    static inline __attribute__((always_inline)) int twice(int inner) {
      int result = inner * 2;
      here(result + 1000);
      return result;
    }
    __attribute__((noinline)) int sum(int count, const struct point *points, signed char bias) {
      struct point box = {-7, count, bias};
      int total = bias, unused = count * 3;
      for (int i = 0; i < count; i++) {
        int part = points[i].x + points[i].y;
        total += part;
        here(total);
      }
      total += twice(count);
      __asm__ volatile("" :: "r"(&box), "m"(box));
      return total;
    }
    __attribute__((noinline)) float scale(float factor) { here((int)factor); return factor * 2; }
    __attribute__((noinline)) int depth(int left) {
      if (left == 0) { here(77); return 0; }
      return depth(left - 1) + left;
    }
    const struct point points[3] = {{1, 10, 1}, {2, 20, 2}, {3, 30, 3}};
    volatile float half = 8.5f;
    volatile int many = 3;
    void run(void) { seen = sum(many, points, -5); seen = (int)scale(half); seen = depth(many); for (;;) {} }
    #ifdef __arm__
    void reset(void) { *(volatile int *)0xE000ED88 = 0xF << 20; __asm__ volatile("dsb\\nisb"); run(); }
    __attribute__((section(".vectors"), used)) void *const vectors[2] = {(void *)0x20008000, reset};
    #else
    __asm__(".section .start,\\"ax\\"\\n.globl _start\\n_start: li t0, 0x6000\\ncsrs mstatus, t0\\nla sp, _start + 0x8000\\ncall run");
    #endif
    """

  @Test(arguments: [
    ("armv7em-none-none-eabi", ["-mcpu=cortex-m4", "-mfloat-abi=softfp"]),
    ("armv7em-none-none-eabihf", ["-mcpu=cortex-m4", "-mfloat-abi=hard"]),
    ("riscv64-none-none-elf", ["-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany"]),
  ])
  func ofC(triple: String, flags: [String]) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-locals-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("locals.c").path
    try Self.source.write(toFile: path, atomically: true, encoding: .utf8)
    let places =
      triple.hasPrefix("arm")
      ? ["-e,reset", "--section-start=.vectors=0", "-Ttext=0x100", "-Tdata=0x20000000"]
      : ["--section-start=.start=0x80000000", "-Ttext=0x80000100", "-Tdata=0x80010000"]
    for (version, level) in [("4", "-O0"), ("5", "-O0"), ("5", "-O1"), ("4", "-O2"), ("5", "-O2")] {
      let (text, status) = try Firmware.run(
        Firmware.tool("clang"),
        ["-target", triple] + flags + [
          "-g", "-gdwarf-\(version)", level, "-ffreestanding", "-nostdlib", "-fuse-ld=lld",
          "-fno-omit-frame-pointer", "-Wl,--image-base=0,-n",
        ] + places.map { "-Wl,\($0)" } + [path, "-o", path + ".elf"])
      try #require(status == 0, "\(text)")
      try check(path + ".elf", isKept: level == "-O0", "\(triple) DWARF \(version) \(level)")
    }
  }

  /// - Parameter isKept: the compiler optimises nothing away.
  private func check(_ path: String, isKept: Bool, _ what: String) throws {
    let image = try Image(path: path)
    let machine = try Machine(image.machine == .arm ? .m4LED : .rv64Virt, image: image)
    var known = 0
    func expect(_ values: [(String, Int)], _ place: SourceLocation = #_sourceLocation) {
      for (name, value) in values {
        do {
          let found = try machine.value(of: name)
          #expect(found == value, "\(what): \(name)", sourceLocation: place)
          known += 1
        } catch {
          // Or its debug information does not tell of it at all.
          let words = "\(error)"
          let isLost =
            words.contains(" is optimised out there: ") || words.hasPrefix("there is no \(name) ")
          #expect(!isKept && isLost, "\(what): \(error)", sourceLocation: place)
        }
      }
    }
    /// Directly behind the store of `here`.
    func next(_ value: Int) throws {
      try machine.advance(until: .write(to: "seen"), limit: .seconds(1))
      #expect(try machine.value(of: "seen") == value, "\(what)")
      expect([("value", value), ("here::value", value)])
    }
    var total = -5
    for (i, part) in [11, 22, 33].enumerated() {
      total += part
      try next(total)
      expect([
        ("sum::count", 3), ("sum::bias", -5), ("sum::total", total), ("sum::unused", 9),
        ("sum::i", i), ("sum::part", part), ("sum::box.tag", -7), ("sum::box.x", 3),
        ("sum::box.y", -5),
      ])
      #expect(throws: VariableError.self) { try machine.value(of: "total") }
      #expect(throws: VariableError.self) { try machine.value(of: "sum::nobody") }
      #expect(throws: VariableError.self) { try machine.value(of: "run::count") }
    }
    if isKept {
      #expect(try machine.bytes(of: "sum::box").count == 12)
      // It is in the past of the machine, like any other value.
      let failure = #expect(throws: RunFailure.self) {
        try machine.check(valueOf: "sum::total", is: 1)
      }
      let why = "  sum::total = 0x3d\n    by index "
      #expect(failure?.description.contains(why) == true, "\(what)")
    }
    try next(1006)
    expect([("twice::inner", 3), ("twice::result", 6), ("sum::total", total)])
    try machine.advance(until: .write(to: "seen"), limit: .seconds(1))
    try next(8)
    if isKept { #expect(try machine.number(of: "scale::factor") == 8.5, "\(what)") }
    try machine.advance(until: .write(to: "seen"), limit: .seconds(1))
    try next(77)
    if isKept { #expect(try machine.value(of: "depth::left") == 0, "\(what)") }
    #expect(isKept || known > 12, "\(what): \(known)")
  }
}
