import EmuTesting
import Foundation
import Testing

@testable import Emu

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
    for (version, level) in [("4", "-O0"), ("5", "-O0"), ("5", "-O1"), ("4", "-O2"), ("5", "-O2")] {
      try withProgram(triple, flags + ["-gdwarf-\(version)", level]) { path in
        try check(path, isKept: level == "-O0", "\(triple) DWARF \(version) \(level)")
      }
    }
  }

  private func withProgram(
    _ triple: String, _ flags: [String], _ body: (String) throws -> Void
  ) throws {
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
    let (text, status) = try Firmware.run(
      Firmware.tool("clang"),
      ["-target", triple] + flags + [
        "-g", "-ffreestanding", "-nostdlib", "-fuse-ld=lld", "-fno-omit-frame-pointer",
        "-Wl,--image-base=0,-n",
      ] + places.map { "-Wl,\($0)" } + [path, "-o", path + ".elf"])
    try #require(status == 0, "\(text)")
    try body(path + ".elf")
  }

  /// Debug information with a few other bytes, read where the machine stands: nothing known, or something wrong, but an answer.
  @Test func damaged() throws {
    let flags = ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-gdwarf-5", "-O1"]
    try withProgram("armv7em-none-none-eabihf", flags) { path in
      let machine = try Machine(.m4LED, image: Image(path: path))
      try machine.advance(until: .write(to: "seen"), limit: .seconds(1))
      let file = URL(fileURLWithPath: path)
      let whole = Array(try Data(contentsOf: file))
      // Headers, code and data come first.
      let start = whole.count / 8
      var state: UInt64 = 17
      func random(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
      }
      var found = 0
      for _ in 0..<400 {
        var bytes = whole
        for _ in 0..<1 + random(below: 8) {
          let value: [UInt8] = [0, 0x7F, 0x80, 0xFF, UInt8(random(below: 256))]
          bytes[start + random(below: bytes.count - start)] = value[random(below: 5)]
        }
        try Data(bytes).write(to: file)
        guard let image = try? Image(path: path) else { continue }
        let debug = DebugInfo(image)
        for frame in machine.backtrace(debug) {
          for local in machine.locals(debug, in: frame) {
            if machine.bytes(of: local, in: frame) != nil { found += 1 }
            for part in ["[1]", "[99999999999999]", ".x", ".box.tag"] {
              _ = try? machine.local(local.name + part, debug, in: frame)
            }
          }
        }
      }
      #expect(found > 400, "\(found)")
      // A structure that is said to be in one register goes on behind its end.
      let local = DebugInfo.Local(
        name: "box.y", function: "sum", kind: .signed, type: "int", size: 4,
        pieces: [.init(place: .register(0, byte: 12), size: 4)], parts: nil)
      let frame = try #require(machine.backtrace(DebugInfo(machine.image)).first)
      #expect(machine.bytes(of: local, in: frame) == nil)
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
