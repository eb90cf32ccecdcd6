import EmuTesting
import Foundation
import Testing

/// The variables of C, as a compiler describes them, beside the addresses that the linker gave them.
@Suite struct VariableTests {
  private static let source = """
    typedef signed char small;
    enum colour { RED, GREEN = 7 };
    union word { unsigned whole; unsigned char bytes[4]; };
    struct point { char tag; volatile int x, y; const enum colour colour; };
    struct shape { short sides; struct point corners[3]; union word word; struct point *next; };
    static struct shape shapes[2] = {{.sides = -4, .corners = {{'a', 1, -2, GREEN}}}};
    small level = -5;
    double ratio = 0.25;
    _Bool flags[2][3] = {{0, 1}};
    enum state { DEAD = -2, IDLE };
    struct port {
      short x; int low : 5; unsigned high : 3; _Bool ready : 1; enum state state : 3;
      union { unsigned whole; struct { unsigned char first, second; }; };
      long long wide : 50;
    };
    volatile struct port port = {1, -3, 5, 1, DEAD, {.whole = 0x1234}, -123456789012345};
    enum state state = DEAD;
    int count(void);
    struct node { int sum; struct node *next; const char *text; int (*call)(void); };
    struct node nodes[2] = {{3, nodes + 1, "one"}, {-4, nodes, "two", count}};
    struct node *const volatile head = nodes;
    void *unknown = nodes;
    int count(void) { static int calls; return ++calls; }
    void *keep[] = {shapes, &level, &ratio, flags, count, (void *)&port, &state, (void *)&head, &unknown};
    void _start(void) { keep[count()] = 0; }
    """

  @Test(arguments: [
    ("armv7em-none-none-eabi", ["-mcpu=cortex-m4"]),
    ("riscv64-none-none-eabi", ["-march=rv64imac", "-mcmodel=medany"]),
  ])
  func ofC(triple: String, flags: [String]) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-c-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("shapes.c").path
    try Self.source.write(toFile: path, atomically: true, encoding: .utf8)
    for version in ["3", "4", "5"] {
      let (text, status) = try Firmware.run(
        Firmware.tool("clang"),
        ["-target", triple] + flags + [
          "-g", "-gdwarf-\(version)", "-O1", "-ffreestanding", "-nostdlib", "-fuse-ld=lld",
          "-Wl,--image-base=0", "-Wl,-n", "-Wl,-Ttext=0x80000000", "-Wl,-Tdata=0x80100000", path,
          "-o", path + ".elf",
        ])
      try #require(status == 0, "\(text)")
      let image = try Image(path: path + ".elf")
      try check(DebugInfo(image), image.machine == .arm ? 4 : 8)
      if image.machine == .riscv64 { try checkValues(Machine(.rv64Virt, image: image)) }
    }
  }

  private func check(_ debug: DebugInfo, _ pointer: UInt64) throws {
    let shapes = try debug.variable("shapes")
    #expect(shapes.address == debug.address(ofSymbol: "shapes"))
    // sides, padding, three corners of 16 bytes, the word, the pointer, which 64 bits are aligned to 8
    let shape: UInt64 = 4 + 48 + 4 + pointer
    #expect(shapes.size == 2 * shape && shapes.kind == .other)
    for (path, offset, size, kind) in [
      ("shapes[0].sides", 0, 2, .signed),
      ("shapes[1].corners[2].tag", shape + 4 + 32, 1, .unsigned),
      ("shapes[1].corners[2].y", shape + 4 + 32 + 8, 4, .signed),
      ("shapes[0].corners[0].colour", 4 + 12, 4, .unsigned),
      ("shapes[0].word.bytes[3]", 52 + 3, 1, .unsigned), ("shapes[0].next", 56, pointer, .pointer),
    ] as [(String, UInt64, UInt64, DebugInfo.Variable.Kind)] {
      let part = try debug.variable(path)
      #expect(part.address == shapes.address + offset && part.size == size, "\(path)")
      #expect(part.kind == kind || path.hasSuffix("tag"), "\(path)")
    }
    #expect(try debug.variable("level").kind == .signed)
    #expect(try debug.variable("shapes").type == "shape[2]")
    #expect(try debug.variable("flags[1]").type == "_Bool[3]")
    #expect(try debug.variable("shapes[0].next").type == "point *")
    #expect(try debug.variable("nodes[0].text").type == "char *")
    #expect(try debug.variable("nodes[0].call").type == "function *")
    #expect(debug.parts(of: "head") == .pointee(["sum", "next", "text", "call"]))
    #expect(debug.parts(of: "nodes[0].text") == .pointee([]))
    #expect(debug.parts(of: "nodes[0].call") == nil && debug.parts(of: "unknown") == nil)
    // No way along pointers without what they hold.
    #expect(throws: VariableError.self) { try debug.variable("head->sum") }
    #expect(try debug.variable("ratio").kind == .floatingPoint)
    #expect(try debug.variable("calls").size == 4)
    #expect(try debug.variable("flags").size == 6)
    #expect(try debug.variable("flags[1]").size == 3)
    #expect(throws: VariableError.self) { try debug.variable("flags[1][3]") }
    #expect(throws: VariableError.self) { try debug.variable("shapes[2]") }
  }

  /// As the source initialises them: no instruction has run.
  private func checkValues(_ machine: Machine) throws {
    #expect(try machine.value(of: "shapes[0].sides") == -4)
    #expect(try machine.value(of: "shapes[0].corners[0].y") == -2)
    #expect(try machine.value(of: "shapes[0].corners[0].tag") == 97)
    #expect(try machine.value(of: "shapes[0].corners[0].colour") == 7)
    #expect(try machine.value(of: "level") == -5)
    #expect(try machine.number(of: "ratio") == 0.25)
    #expect(try machine.number(of: "level") == -5)
    #expect(try machine.value(of: "flags[0][1]") == 1)
    #expect(try machine.value(of: "flags[1][1]") == 0)
    #expect(throws: VariableError.self) { try machine.value(of: "ratio") }
    // Bit-fields, and members of what has no name.
    #expect(try machine.value(of: "port.x") == 1)
    #expect(try machine.value(of: "port.low") == -3)
    #expect(try machine.value(of: "port.high") == 5)
    #expect(try machine.value(of: "port.ready") == 1)
    #expect(try machine.value(of: "port.state") == -2)
    #expect(try machine.value(of: "port.whole") == 0x1234)
    #expect(try machine.value(of: "port.first") == 0x34)
    #expect(try machine.value(of: "port.second") == 0x12)
    #expect(try machine.value(of: "port.wide") == -123_456_789_012_345)
    #expect(try machine.value(of: "state") == -2)
    #expect(try machine.value(of: "head->sum") == 3)
    #expect(try machine.value(of: "head->next->sum") == -4)
    #expect(try machine.value(of: "head[1].sum") == -4 && machine.value(of: "head.sum") == 3)
    #expect(try machine.value(of: "head->next->next->next->text[2]") == 0x6F)
    #expect(try machine.bytes(of: "head->text[0]") == [0x6F])
    for (path, words) in [
      ("shapes[0]->sides", "shapes[0], a shape, is no pointer"), ("head->sun", "has no sun"),
      ("unknown->sum", "unknown, a void *, has no sum"), ("head->", "what is \"->\" behind head?"),
      ("nodes[1].call->x", "has no x"), ("shapes[0].next->x", "where there is no memory"),
    ] {
      #expect("\(words)") {
        try machine.value(of: path)
      } throws: {
        "\($0)".contains(words)
      }
    }
  }
}
