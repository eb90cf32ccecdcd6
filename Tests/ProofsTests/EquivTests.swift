import Foundation
import Testing

/// Two builds of one program do the same, as far as anybody can see.
@Suite struct EquivTests {
  private static func equiv(_ images: [String], map: String, _ more: String...) throws -> Outcome {
    try withFolder { folder in
      try write(Array(map.utf8), to: folder + "/map")
      return emurun(["equiv"] + images + ["--map", folder + "/map"] + more)
    }
  }

  private static func both(_ name: String) -> [String] {
    ["-rv64.elf", "-m4.elf"].map { Images.path(name + $0) }
  }

  /// Every program that there is for both cores, by its name.
  private static let pairs: [String] = Images.elves.map(Images.name).filter { $0.hasSuffix("-m4") }
    .map { String($0.dropLast(3)) }.filter { Images.elves.contains(Images.path($0 + "-rv64.elf")) }

  private struct Comparison {
    var map = "led led0 = PF1\nignore numbers\n"
    var time = "20ms"
    var words = "the same: "
  }

  /// Of each what is to be compared beside the usual. Cycles and addresses that it prints are its core's.
  private static let comparisons: [String: Comparison] = [
    "abi-fastpath": Comparison(time: "2s", words: "the same: 113 bytes of text"),
    "delay-heartbeat": Comparison(
      time: "1100ms", words: "the same: 0 bytes of text, 3 changes of 1 LEDs"),
    // On another board.
    "timer-heartbeat": Comparison(
      map: "led led0 = LED", time: "2100ms", words: "the same: 0 bytes of text, 5 changes of 1 LEDs"
    ),
    // It blinks for as long as the work takes.
    "tasks": Comparison(map: "ignore numbers", time: "3s", words: "; ended with 0"),
    // A panic ends it, and what is behind that is for its board to say.
    "static-pool": Comparison(
      map: "ignore numbers\nignore end", time: "50ms", words: "the same: 82 bytes of text"),
    "static-pool-free": Comparison(
      map: "ignore numbers\nignore end", time: "5s", words: "the same: 93 bytes of text"),
    // These name what they run on, and what it calls its faults.
    "hello": Comparison(words: "the text parts at byte 20, behind \"hello from Swift on \""),
    "panic-codes": Comparison(words: "the text parts at byte 7, behind \"panic: \""),
    // The RV64 one ends, the other one stands; a result in memory is all there is.
    "zero-trap": Comparison(words: "the ends are not the same"),
    "panic-trace": Comparison(words: "nothing to compare"),
    "traps-allocation": Comparison(words: "nothing to compare"),
    "traps-runtime": Comparison(words: "nothing to compare"),
    "traps-task": Comparison(words: "nothing to compare"),
  ]

  @Test(arguments: pairs) func paired(_ name: String) throws {
    let comparison = Self.comparisons[name] ?? Comparison()
    let outcome = try Self.equiv(
      Self.both(name), map: comparison.map, "--for", comparison.time)
    #expect(outcome.output.contains(comparison.words), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.code == (outcome.output.hasPrefix("the same: ") ? 0 : 1))
  }

  /// Each says in its text what it runs on: the first byte that is not the same, and the lines of source.
  @Test func theFirstDifference() throws {
    let outcome = try Self.equiv(Self.both("hello"), map: "")
    #expect(outcome.code == 1)
    #expect(outcome.output.contains("the text parts at byte "), "\(outcome.output)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[1].hasPrefix("- ") && lines[1].contains("HelloRV64.swift:3"))
    #expect(lines[2].hasPrefix("+ ") && lines[2].contains("HelloM4.swift:4"))
  }

  /// One run is over, and the other one goes on to do something.
  @Test func ledsThatDiffer() throws {
    let images = ["features-m4.elf", "delay-heartbeat-m4.elf"].map(Images.path)
    let outcome = try Self.equiv(images, map: "led PF1 = PF1\n", "--for", "10ms")
    #expect(outcome.code == 1)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines[0] == "the LEDs part at change 0: nothing and PF1 on")
    #expect(lines[1].hasSuffix("/features-m4.elf: nothing more, ended with 0"))
    #expect(lines[2].contains("Board.swift:27), called by "), "\(outcome.output)")
  }

  @Test(arguments: [
    ("led led0 PF1", "line 1: write it as"), ("# A\r\nled led0 PF1", "line 2: write it as"),
    ("\nled led9 = PF1", "rv64-virt has no LED led9"),
    ("led led0 = PF1\nled led1 = PF1", "line 2: one of them has a name already"),
  ])
  func mapsThatAreNone(_ map: String, _ words: String) throws {
    let outcome = try Self.equiv(Self.both("features"), map: map)
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  /// No LED is named; one by the name of another, which stays dark; ends that do not count.
  @Test(arguments: ["", "led led0 = PF2", "ignore end"]) func nothingToCompare(_ map: String) throws
  {
    let outcome = try Self.equiv(Self.both("delay-heartbeat"), map: map, "--for", "1ms")
    #expect(outcome.code == 1)
    #expect(outcome.output.hasPrefix("nothing to compare"), "\(outcome.output)")
  }

  /// Its end is a semihosting call, which no note tells of.
  @Test func semihosting() throws {
    try withGuest(.arm, "reset: movs r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab\n b .") { image in
      try withFolder { folder in
        try write(image.contents, to: folder + "/a.elf")
        let images = [folder + "/a.elf", Images.path("zero-trap-m4.elf")]
        let died = try Self.equiv(images, map: "", "--for", "1ms")
        #expect(died.errors.contains("a.elf: semihosting call, which is off (--semihosting)"))
        let ended = try Self.equiv(images, map: "", "--for", "1ms", "--semihosting")
        #expect(ended.output.contains("a.elf: nothing more, ended with 0\n"), "\(ended.output)")
      }
    }
  }

  // MARK: Programs that nobody wrote

  private static let seeds: Range<UInt64> = {
    let soak = ProcessInfo.processInfo.environment["EMURUN_SOAK"].flatMap { UInt64($0) } ?? 0
    return 0..<max(2, soak / 1_000)
  }()

  /// A compiler for each core, an emulator of each: what they make of a program is the same to the last byte.
  @Test(arguments: seeds)
  func randomPrograms(_ seed: UInt64) throws {
    try withFolder { folder in
      let program = folder + "/Firmware/random"
      try FileManager.default.createDirectory(atPath: program, withIntermediateDirectories: true)
      try write(Array(RandomProgram.text(seed: seed).utf8), to: program + "/Random.swift")
      let traits = "Console Allocator FreeList FloatingPoint"
      try write(
        Array(
          "random-rv64 RV64Machine \(traits)\nrandom-m4 CortexM \(traits) semihosting=on\n".utf8),
        to: program + "/images")
      try Toolchain.build(["-C", folder, "random-rv64", "random-m4", "-o", folder + "/images"])
      let images = ["rv64", "m4"].map { "\(folder)/images/random-\($0).elf" }
      let outcome = emurun(["equiv"] + images)
      #expect(outcome.code == 0, "seed \(seed): \(outcome.output)\(outcome.errors)")
      #expect(outcome.output.hasSuffix("; ended with 0\n"), "seed \(seed): \(outcome.output)")
    }
  }
}
