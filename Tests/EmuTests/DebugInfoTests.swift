import Testing

@testable import Emu

@Suite struct DebugInfoTests {
  private let text: UInt64 = 0x8000_0000

  private func debugInfo() throws -> DebugInfo { DebugInfo(try ELFFile.withDebugInfo.image()) }

  @Test func namesWhatLiesAtAnAddress() throws {
    let info = try debugInfo()
    let main = try #require(info.symbol(at: text + 0x24))
    #expect(main == ("main", 4))
    let data = try #require(info.symbol(at: 0x8000_1007))
    #expect(data == ("counter", 7))
    #expect(info.symbol(at: 0x8000_1008) == nil)
    #expect(info.symbol(at: text - 1) == nil)
    #expect(info.symbol(at: text + 0x58) == nil)  // behind leaf, before spin
  }

  @Test func aLabelReachesToTheEndOfItsSegment() throws {
    let info = try debugInfo()
    let label = try #require(info.symbol(at: text + 0x7C))
    #expect(label == ("marker", 4))
    #expect(info.symbol(at: text + 0x80) == nil)
  }

  @Test func placesInWords() throws {
    let info = try debugInfo()
    #expect(info.place(at: text + 0x20) == "main")
    #expect(info.place(at: text + 0x24) == "main+0x4")
    #expect(info.place(at: text - 1) == nil)
    #expect(DebugInfo.words(("$s5Hello5worldyyF", 2)) == "Hello.world() -> ()+0x2")
  }

  /// A line begins where one of several rows at an address says so, and not only the last.
  @Test func linesBegin() throws {
    let begin = try debugInfo().statements(around: text + 0xC)
    #expect(begin.map(\.address) == [text, text + 8] && begin.map(\.line) == [10, 11])
  }

  @Test func findsSymbolsByName() throws {
    let info = try debugInfo()
    #expect(info.address(ofSymbol: "counter") == 0x8000_1000)
    #expect(info.address(ofSymbol: "leaf") == text + 0x40)
    #expect(info.address(ofSymbol: "nothing") == nil)
  }

  @Test func findsLines() throws {
    let info = try debugInfo()
    for (offset, line) in [(0, 10), (7, 10), (8, 11), (0x1F, 11), (0x20, 20), (0x4F, 30)] {
      let found = try #require(info.sourceLine(at: text + UInt64(offset)))
      #expect(found == ("main.swift", line))
    }
    #expect(info.sourceLine(at: text + 0x50) == nil)
    #expect(info.sourceLine(at: text - 1) == nil)
  }

  @Test func codeOfNoLineHasNone() throws {
    let info = try debugInfo()
    #expect(info.sourceLine(at: text + 0x78) == nil)
    let beside = try #require(info.sourceLine(at: text + 0x7C))
    #expect(beside == ("main.swift", 5))
  }

  @Test func otherImagesHaveNoAnswers() throws {
    for image in [try Image(bytes: ELFFile.code, path: "a.bin"), try ELFFile().image()] {
      let info = DebugInfo(image)
      #expect(info.symbol(at: text) == nil)
      #expect(info.address(ofSymbol: "main") == nil)
      #expect(info.sourceLine(at: text) == nil)
      let trace = info.backtrace(pc: text + 4, registers: { _ in 0 }, memory: { _, _ in 0 })
      #expect(trace.map(\.description) == ["0x80000004"])
    }
  }
}

@Suite struct DebugInfoBacktraceTests {
  private let text: UInt64 = 0x8000_0000

  /// A backtrace on a stack at 0x9000_0000.
  private func backtrace(
    pc: UInt64, ra: UInt64, memory: [UInt64: UInt64] = [:]
  ) throws -> [String] {
    let info = DebugInfo(try ELFFile.withDebugInfo.image())
    return info.backtrace(
      pc: pc, registers: { [1: ra, 2: 0x9000_0000][$0] },
      memory: { $1 == 8 ? memory[$0] : nil }
    ).map(\.description)
  }

  @Test func unwindsByFrameInformation() throws {
    #expect(
      try backtrace(pc: text + 0x30, ra: 0, memory: [0x9000_0008: text + 0x10]) == [
        "0x80000030 in main+0x10 at main.swift:20", "0x80000010 in start+0x10 at main.swift:11",
      ])
  }

  @Test func theFirstInstructionHasNoFrameYet() throws {
    #expect(
      try backtrace(pc: text + 0x20, ra: text + 0x10) == [
        "0x80000020 in main at main.swift:20", "0x80000010 in start+0x10 at main.swift:11",
      ])
  }

  @Test func takesTheReturnAddressOfALeaf() throws {
    #expect(
      try backtrace(pc: text + 0x44, ra: text + 0x30, memory: [0x9000_0008: text + 0x10]) == [
        "0x80000044 in leaf+0x4 at main.swift:30", "0x80000030 in main+0x10 at main.swift:20",
        "0x80000010 in start+0x10 at main.swift:11",
      ])
  }

  @Test func aJumpIntoNowhereHasACaller() throws {
    #expect(
      try backtrace(pc: 0xDEAD_BEEE, ra: text + 0x10) == [
        "0xdeadbeee", "0x80000010 in start+0x10 at main.swift:11",
      ])
  }

  /// A call that never returns may end its function: `leaf` begins where it would return to.
  @Test func aCallIsWhereItWasMade() throws {
    #expect(
      try backtrace(pc: text + 0x44, ra: text + 0x40, memory: [0x9000_0008: text + 0x20]) == [
        "0x80000044 in leaf+0x4 at main.swift:30", "0x80000040 in main+0x20 at main.swift:20",
        "0x80000020 in start+0x20 at main.swift:11",
      ])
  }

  @Test func theOutermostFunctionHasNoCaller() throws {
    #expect(
      try backtrace(pc: text + 0x14, ra: text + 0x24) == [
        "0x80000014 in start+0x14 at main.swift:11"
      ])
  }

  @Test func stopsWhereMemoryIsUnknown() throws {
    #expect(
      try backtrace(pc: text + 0x30, ra: 0) == ["0x80000030 in main+0x10 at main.swift:20"])
  }

  @Test func stopsAtALoop() throws {
    #expect(
      try backtrace(pc: text + 0x44, ra: text + 0x68) == [
        "0x80000044 in leaf+0x4 at main.swift:30", "0x80000068 in spin+0x8",
      ])
  }

  /// `spin` saves no return address: what is in ra its own last call has left there.
  @Test func doesNotTrustTheReturnAddressOfAnEarlierCall() throws {
    #expect(try backtrace(pc: text + 0x6C, ra: text + 0x68) == ["0x8000006c in spin+0xc"])
    #expect(
      try backtrace(pc: text + 0x6C, ra: text + 0x10) == [
        "0x8000006c in spin+0xc", "0x80000010 in start+0x10 at main.swift:11",
      ])
    #expect(
      try backtrace(pc: text + 0x4C, ra: text + 0x48) == [
        "0x8000004c in leaf+0xc at main.swift:30"
      ])
  }

  @Test func stopsAtAnEndlessStack() throws {
    let info = DebugInfo(try ELFFile.withDebugInfo.image())
    let trace = info.backtrace(
      pc: text + 0x30, registers: { _ in 0 }, memory: { _, _ in text + 0x30 })
    #expect(trace.count == DebugInfo.mostFrames)
  }

  @Test func demanglesSwiftNames() throws {
    var file = ELFFile()
    file.sections = [.init(name: ".text", flags: 6, address: text, bytes: ELFFile.code)]
    file.addSymbols([.init(name: "$e4main4blinyyF", address: text, size: 8)])
    let info = DebugInfo(try file.image())
    #expect(info.symbol(at: text)?.name == "$e4main4blinyyF")
    let trace = info.backtrace(pc: text, registers: { _ in nil }, memory: { _, _ in nil })
    #expect(trace.map(\.description) == ["0x80000000 in main.blin() -> ()"])
  }

  @Test func demanglesCXXNames() {
    for (name, words) in [
      ("_ZN4RingIiLi2EE4pushEi", "Ring<int, 2>::push(int)"),
      ("_ZN12_GLOBAL__N_11D1fEi", "(anonymous namespace)::D::f(int)"),
      ("_Z4stepi.constprop.0", "step(int) [clone .constprop.0]"),
      ("_Zero", "_Zero"), ("_ZN", "_ZN"), ("main", "main"),
      ("_Z1f1AS_S_", "f(A, A, A)"),
    ] { #expect(demangled(name) == words) }
    // What a name refers back to may double it each time.
    let many = "_Z1f1A" + String(repeating: "S_", count: 17)
    #expect(demangled(many) == many)
  }
}

/// Out of an exception handler, on each kind of stack frame.
@Suite struct DebugInfoExceptionTests {
  /// A thread at 0x50 was called from 0x31; its frame of two words lies above what the exception
  /// has pushed at 0x2000_0100.
  private func backtrace(
    exceptionReturn: UInt64, pushedWords: UInt64, status: UInt64 = 0, processStack: UInt64? = nil
  ) throws -> [UInt64] {
    let stack: UInt64 = 0x2000_0100
    let memory: [UInt64: UInt64] = [
      stack + 24: 0x50, stack + 28: status, stack + 4 * pushedWords + 4: 0x31,
    ]
    let registers: [Int: UInt64] = [
      13: processStack == nil ? stack : 0, 14: exceptionReturn,
      DebugInfo.processStackPointer: processStack ?? 0,
    ]
    return DebugInfo(try ELFFile.cortexMWithDebugInfo.image()).backtrace(
      pc: 0x62, registers: { registers[$0] }, memory: { $1 == 4 ? memory[$0, default: 0] : nil }
    ).map(\.pc)
  }

  private let whole: [UInt64] = [0x62, 0x50, 0x30]

  @Test func onTheMainStack() throws {
    #expect(try backtrace(exceptionReturn: 0xFFFF_FFF9, pushedWords: 8) == whole)
    #expect(try backtrace(exceptionReturn: 0xFFFF_FFF1, pushedWords: 8) == whole)
  }

  @Test func onTheProcessStack() throws {
    #expect(
      try backtrace(exceptionReturn: 0xFFFF_FFFD, pushedWords: 8, processStack: 0x2000_0100)
        == whole)
  }

  @Test func withTheFloatingPointRegisters() throws {
    #expect(try backtrace(exceptionReturn: 0xFFFF_FFE9, pushedWords: 26) == whole)
  }

  @Test func withAnAlignedStack() throws {
    #expect(
      try backtrace(exceptionReturn: 0xFFFF_FFF9, pushedWords: 9, status: 1 << 9) == whole)
  }

  @Test func theLinkRegisterOfAResetIsNoException() throws {
    #expect(try backtrace(exceptionReturn: 0xFFFF_FFFF, pushedWords: 8) == [0x62])
  }
}
