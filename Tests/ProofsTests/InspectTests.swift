import Emu
import Foundation
import PythonReaders
import Testing

@testable import MachineCode
@testable import Proofs

@Suite struct InspectTests {
  private static func inspect(_ bytes: [UInt8], _ board: Board? = nil) throws -> Inspection {
    try Inspection(bytes: bytes, path: "a.elf") { _ in board }
  }

  /// As the toolchain's own tool has them.
  @Test(arguments: ["anchored-m4", "timer-heartbeat-m4", "sbi-heartbeat-rv64", "torture-m4"])
  func sections(_ name: String) throws {
    let path = Images.path(name + ".elf")
    let text = try Toolchain.run("llvm-objdump", ["--section-headers", "--show-lma", path])
    let expected = text.split(separator: "\n").compactMap { line -> String? in
      let words = line.split(separator: " ")
      guard words.count >= 5, Int(words[0]) != nil, words.last != "DEBUG",
        let size = UInt64(words[2], radix: 16), let address = UInt64(words[3], radix: 16),
        let load = UInt64(words[4], radix: 16)
      else { return nil }
      return "\(words[1]) \(size) \(address) \(load)"
    }
    let sections = try Self.inspect(Images.bytes(at: path)).elf?.sections ?? []
    let found = sections.map { "\($0.name) \($0.size) \($0.address) \($0.loadAddress)" }
    #expect(sections.count > 20)
    for line in expected { #expect(found.contains(line)) }
  }

  /// Every vector's name is that of the symbol which the toolchain's tool has at its address.
  @Test func vectors() throws {
    let path = Images.path("timer-heartbeat-m4.elf")
    let text = try Toolchain.run("llvm-nm", [path])
    let inspection = try Self.inspect(Images.bytes(at: path))
    #expect(inspection.vectors.count == 36)  // 144 bytes
    #expect(inspection.vectors.map(\.name)[..<4] == ["initial SP", "Reset", "NMI", "HardFault"])
    #expect(inspection.vectors.last?.name == "IRQ 19")
    for vector in inspection.vectors where vector.number > 0 && vector.value != 0 {
      let address = String(vector.value & ~1, radix: 16)
      let padded = String(repeating: "0", count: 8 - address.count) + address
      let name = try #require(vector.symbol)
      #expect(text.contains("\(padded) T \(name)") || text.contains("\(padded) t \(name)"))
    }
  }

  /// What an image can have wrong, each by a few bytes of a good one.
  @Test(arguments: [
    (0xC, [0x40, 0, 0, 0], "vector-without-thumb-bit"),
    (0xC, [0x41, 0, 0, 0x30], "vector-outside-code"),
    (0x1C, [1, 0, 0, 0], "reserved-vector"),
    (0, [0x04, 0x10, 0, 0x20], "stack-pointer-misaligned"),
    (0, [0, 0, 0, 0x10], "stack-pointer-outside-ram"),
  ])
  func lintsOfVectors(_ offset: Int, _ change: [UInt8], _ rule: String) throws {
    var bytes = try Images.bytes("led-heartbeat.bin")
    #expect(try rules(bytes) == [])
    bytes.replaceSubrange(offset..<offset + change.count, with: change)
    #expect(try rules(bytes) == [rule])
  }

  private func rules(_ bytes: [UInt8]) throws -> [String] {
    try withFolder { folder in
      try write(bytes, to: folder + "/a.bin")
      let outcome = emurun(
        "inspect", folder + "/a.bin", "--board", "m4-led", "--strict", "--sarif", folder + "/s")
      let found = try results(folder + "/s")
      #expect(outcome.code == (found.contains { $0.level != "note" } ? 1 : 0))
      return found.map(\.rule)
    }
  }

  /// SARIF as a reader of it sees it; each result names a rule that the tool declares.
  private func results(_ path: String) throws -> [(rule: String, level: String)] {
    if let problems = try Python.run("sarif.py", path) { #expect(problems == "") }
    let log = try JSONSerialization.jsonObject(with: Data(Images.bytes(at: path)))
    let top = try #require(log as? [String: Any])
    #expect(top["version"] as? String == "2.1.0")
    let run = try #require((top["runs"] as? [[String: Any]])?.first)
    let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
    let rules = try #require(driver["rules"] as? [[String: Any]]).map { $0["id"] as? String }
    return try #require(run["results"] as? [[String: Any]]).map { result in
      let rule = try #require(result["ruleId"] as? String)
      #expect(try rules[#require(result["ruleIndex"] as? Int)] == rule)
      #expect((result["locations"] as? [Any])?.count == 1)
      #expect((result["message"] as? [String: Any])?["text"] is String)
      return (rule, try #require(result["level"] as? String))
    }
  }

  /// By the headers of an ELF file: anchored-m4 has segments at 0, 0x100000 and, with .data, stored at
  /// 0x102000.
  @Test func lintsOfHeaders() throws {
    let good = try Images.bytes("anchored-m4.elf")
    let m4LED = try #require(
      try Inspection(bytes: good, path: "", board: { _ in nil }).image.map { _ in Self.board })
    func rules(_ change: (inout [UInt8]) -> Void) throws -> [String] {
      var bytes = good
      change(&bytes)
      return try Self.inspect(bytes, m4LED).findings.map(\.rule.id)
    }
    #expect(try rules { _ in } == [])
    let header = 52 + 3 * 32  // of .data's segment
    #expect(
      try rules { $0[header + 13] = 0x10 }  // p_paddr 0x101000, where .rodata lies
        == ["image-not-loadable", "overlapping-load-regions"])
    #expect(
      try rules { $0.replaceSubrange(header + 12..<header + 16, with: [0, 0x10, 0, 0x20]) } == [
        "data-without-copy"
      ])
    #expect(try rules { $0[52 + 32 + 24] = 7 } == ["writable-and-executable"])
    #expect(try rules { $0[26] = 0x40 } == ["entry-in-no-section"])
  }

  /// A handler that is data: the vector table itself, which lies in a segment of code.
  @Test func vectorIntoATable() throws {
    #expect(try rulesOfHeartbeat(vector: 3, 5, Self.board) == ["vector-outside-code"])
  }

  private func rulesOfHeartbeat(
    vector: Int, _ value: UInt32, _ board: Board?
  ) throws -> [String] {
    var bytes = try Images.bytes("led-heartbeat.elf")
    let table = Int(bytes[52 + 4]) | Int(bytes[52 + 5]) << 8  // p_offset
    for byte in 0..<4 { bytes[table + 4 * vector + byte] = UInt8(value >> (8 * byte) & 0xFF) }
    return try Self.inspect(bytes, board).findings.map(\.rule.id)
  }

  /// Where no board is known, an SP is held against what is so on each of them.
  @Test func stackOfNoBoard() throws {
    for fine: UInt32 in [0x2001_0008, 0x2000_0000, 0x1000_4000, 0x6010_0000] {
      #expect(try rulesOfHeartbeat(vector: 0, fine, nil) == ["no-board"])
    }
    for wrong: UInt32 in [0, 0x100, 0x4000_1000, 0xA000_0008, 0xE000_1000, 0xFFFF_FFF8] {
      #expect(try rulesOfHeartbeat(vector: 0, wrong, nil) == ["stack-pointer-outside-ram"])
    }
  }

  /// Without sections a file still says how much memory it takes.
  @Test func noSections() throws {
    try withFolder { folder in
      let (whole, bare) = (Images.path("tasks-m4.elf"), folder + "/bare.elf")
      _ = try Toolchain.run("llvm-objcopy", ["--strip-sections", whole, bare])
      let inspections = try [whole, bare].map { try Self.inspect(Images.bytes(at: $0)) }
      #expect(inspections[1].elf?.sections.isEmpty == true)
      #expect(inspections[0].staticRAM > 0)
      #expect(inspections.map(\.staticRAM) == [inspections[0].staticRAM, inspections[0].staticRAM])
      #expect(inspections[1].segments.contains { $0.memorySize > $0.fileSize })
    }
  }

  private static let board = Board(
    name: "test", revision: 1, summary: "", core: .cortexM4(priorityBits: 3, interrupts: 64),
    clock: Clock(hertz: 16_000_000),
    regions: [
      .init("flash", at: 0, size: 2 << 20, writable: false),
      .init("sram", at: 0x2000_0000, size: 64 << 10, writable: true),
    ], devices: [])

  /// What is built for a Cortex-A is told from what is for a Cortex-M by its build attributes.
  @Test func otherProfile() throws {
    try withFolder { folder in
      try write(Array(".syntax unified\n.globl f\nf: b f\n".utf8), to: folder + "/a.s")
      for (target, profile) in [("armv7a-none-eabi", "A"), ("armv7r-none-eabi", "R")] {
        _ = try Toolchain.run(
          "clang", ["-target", target, "-c", folder + "/a.s", "-o", folder + "/a.o"])
        _ = try Toolchain.run(
          "ld.lld", ["-e", "f", folder + "/a.o", "-o", folder + "/a.elf"])
        let outcome = emurun("inspect", folder + "/a.elf", "--strict")
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("ELF for Arm-\(profile), "))
        #expect(outcome.output.contains("built for profile \(profile) of the architecture"))
      }
    }
  }

  @Test func relocations() throws {
    let opensbi = try Self.inspect(Images.bytes(at: Images.debian[0]))
    #expect(opensbi.findings.map(\.rule.id) == ["writable-and-executable", "relocations-left"])
    #expect(opensbi.findings.last?.message.hasPrefix("283 relocations") == true)
    #expect(opensbi.elf?.attributes.prefix(2).map(\.name) == ["stack align", "arch"])
  }

  /// Ours have nothing wrong but that code and variables of an RV64 image share a segment.
  @Test(arguments: Images.elves)
  func ours(_ path: String) throws {
    let outcome = emurun("inspect", path, "--strict")
    #expect(outcome.code == 0)
    #expect(outcome.errors == "")
    let again = emurun("inspect", path, "--strict")
    #expect(outcome.output == again.output)
    let json = emurun("inspect", path, "--json")
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
    let keys = try #require(object as? [String: Any])
    #expect(keys["board"] is String)
    #expect((keys["sections"] as? [Any])?.isEmpty == false)
    let findings = try #require(keys["findings"] as? [[String: Any]])
    #expect(findings.allSatisfy { $0["rule"] as? String == "writable-and-executable" })
  }

  @Test func alignment() throws {
    let anchored = emurun("inspect", Images.path("anchored-m4.elf"), "--align", "4096")
    #expect(anchored.code == 0)
    #expect(
      anchored.output == """
        section   virtual     physical    alignment  held
        .vectors  0x0         0x0             4 096  yes
        .text     0x100000    0x100000        4 096  yes
        .rodata   0x101000    0x101000        4 096  yes
        .stack    0x20000000  0x20000000      4 096  yes
        .data     0x20001000  0x102000        4 096  yes
        .bss      0x20002000  0x20002000      4 096  yes

        """)
    #expect(emurun("inspect", Images.path("torture-m4.elf"), "--align", "4096").code == 1)
    #expect(emurun("inspect", Images.path("torture-m4.elf"), "--align", "48").code == 64)
  }

  /// The deltas of the sections add up to that of what they are.
  @Test func growth() throws {
    let (old, new) = (
      try Self.inspect(Images.bytes("static-pool-m4.elf")),
      try Self.inspect(Images.bytes("static-pool-free-m4.elf"))
    )
    let growth = Growth(from: old, to: new)
    let delta = { (names: Set<String>) in
      growth.sections.filter { names.contains($0.name) }.reduce(0) { $0 + $1.delta }
    }
    #expect(growth.staticRAM.delta == delta([".stack", ".bss", ".data", ".heap", ".vectors"]))
    #expect(growth.stored.delta != 0)
    #expect(growth.symbols.contains { $0.before == nil && $0.after != nil })
    #expect(Growth(from: old, to: old).symbols.isEmpty)
    let outcome = emurun(
      "inspect", Images.path("static-pool-free-m4.elf"), "--diff",
      Images.path("static-pool-m4.elf"))
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("\n  .text "))
  }

  @Test func refusals() {
    #expect(emurun("inspect", "/nowhere").code == 66)
    #expect(emurun("inspect", #filePath).code == 0)  // any bytes are a raw image
    #expect(emurun("inspect", Images.path("hello-m4.elf"), "--board", "rv64-virt").code == 65)
    #expect(emurun("inspect", Images.path("hello-m4.elf"), "--board", "none").code == 64)
    let path = Images.path("hello-m4.elf")
    #expect(emurun("inspect", path, "--sarif", path).code == 64)
  }
}
