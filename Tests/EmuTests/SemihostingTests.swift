import Glibc
import Testing

@testable import Emu

@Suite struct SemihostingTests {
  /// A machine whose guest does nothing: calls are made in its place.
  private final class Caller {
    let machine: Machine
    let semihosting: Semihosting
    let wordSize: Int
    static let block: UInt64 = 0x8000_1000
    static let data: UInt64 = 0x8000_2000

    init(_ options: SemihostingOptions = SemihostingOptions(), wordSize: Int = 8) throws {
      machine = try Machine.running([0x6F])
      semihosting = Semihosting(options)
      self.wordSize = wordSize
    }

    func call(_ number: UInt32, _ words: UInt64...) -> Int64 {
      for (place, word) in words.enumerated() {
        let at = Self.block + UInt64(place * wordSize)
        if wordSize == 8 {
          machine.memory.store(word, at: at)
        } else {
          machine.memory.store(UInt32(word), at: at)
        }
      }
      return Int64(
        bitPattern: semihosting.call(number, Self.block, wordSize: wordSize, hart: machine.hart))
    }

    func text(_ text: String, at offset: UInt64 = 0) -> (UInt64, UInt64) {
      machine.memory.write(Array(text.utf8) + [0], at: Self.data + offset)
      return (Self.data + offset, UInt64(text.utf8.count))
    }

    func open(_ path: String, _ mode: UInt64) -> Int64 {
      let (address, length) = text(path)
      return call(0x01, address, mode, length)
    }
    var errno: Int64 { call(0x13) }
  }

  private static func folder() throws -> String {
    var template = Array("/tmp/emurun-XXXXXX".utf8CString)
    return String(cString: try #require(mkdtemp(&template)))
  }

  @Test(arguments: [4, 8]) func filesLiveBelowTheRoot(wordSize: Int) throws {
    let root = try Self.folder()
    let caller = try Caller(SemihostingOptions(root: root), wordSize: wordSize)
    #expect(mkdir(root + "/inner", 0o755) == 0)
    let handle = caller.open("inner/./note.txt", 4)
    #expect(handle == 1)
    let (address, length) = caller.text("hello, host")
    #expect(caller.call(0x05, UInt64(handle), address, length) == 0)
    #expect(caller.call(0x0C, UInt64(handle)) == 11)
    #expect(caller.call(0x02, UInt64(handle)) == 0)
    #expect(caller.call(0x02, UInt64(handle)) == -1 && caller.errno == Int64(EBADF))

    let again = UInt64(caller.open("inner/note.txt", 0))
    #expect(caller.call(0x0A, again, 7) == 0)
    #expect(caller.call(0x06, again, Caller.data, 100) == 96)
    #expect(caller.machine.memory.read(Caller.data, count: 4) == Array("host".utf8))
    #expect(caller.call(0x09, again) == 0)
    #expect(caller.call(0x02, again) == 0)

    caller.machine.memory.write(Array("inner/note.txt".utf8), at: Caller.data)
    caller.machine.memory.write(Array("moved".utf8), at: Caller.data + 64)
    #expect(caller.call(0x0F, Caller.data, 14, Caller.data + 64, 5) == 0)
    #expect(access(root + "/moved", F_OK) == 0)
    #expect(caller.call(0x0E, Caller.data + 64, 5) == 0)
    #expect(access(root + "/moved", F_OK) != 0)
  }

  @Test(arguments: ["/etc/passwd", "../x", "a/../../x", "link/passwd", "link", "", ".", "inner/.."])
  func thereIsNoWayOut(path: String) throws {
    let root = try Self.folder()
    #expect(symlink("/etc", root + "/link") == 0)
    let caller = try Caller(SemihostingOptions(root: root))
    #expect(caller.open(path, 0) == -1)
    #expect(caller.open(path, 4) == -1)
    #expect(caller.errno != 0)
  }

  @Test func withoutARootThereAreNoFiles() throws {
    let caller = try Caller()
    #expect(caller.open("x", 4) == -1)
    #expect(caller.errno == Int64(EPERM))
    #expect(caller.open(":semihosting-features", 0) == 1)
    #expect(caller.call(0x06, 1, Caller.data, 5) == 0)
    #expect(caller.machine.memory.read(Caller.data, count: 5) == [0x53, 0x48, 0x46, 0x42, 3])
  }

  @Test func theConsoleIsTheRunsConsole() throws {
    let caller = try Caller()
    let output = UInt64(caller.open(":tt", 4))
    let (address, length) = caller.text("out ")
    #expect(caller.call(0x05, output, address, length) == 0)
    #expect(caller.call(0x09, output) == 1)
    let input = UInt64(caller.open(":tt", 0))
    caller.machine.send("x".utf8)
    // The test board's UART has room for what was sent, and took it first.
    caller.machine.send("yz!".utf8)
    #expect(caller.call(0x06, input, Caller.data, 8) == 6)
    #expect(caller.machine.memory.read(Caller.data, count: 2) == Array("z!".utf8))
    #expect(caller.call(0x07) == -1)
    #expect(caller.machine.console.text == "out ")
  }

  @Test func wildPointersAreErrorsOfTheGuest() throws {
    let caller = try Caller()
    for call: UInt32 in [1, 2, 3, 4, 5, 6, 8, 9, 0xA, 0xC, 0xD, 0xE, 0xF, 0x15, 0x16, 0x30] {
      for address: UInt64 in [0, .max, 0x8100_0000] {
        let result = caller.semihosting.call(call, address, wordSize: 8, hart: caller.machine.hart)
        #expect(result == .max)
      }
    }
    #expect(caller.call(0x05, 1, 0x8000_0000, .max) == -1)
    #expect(caller.call(0x12, 0, 0) == -1)
    #expect(caller.call(0x77) == -1)
    #expect(caller.machine.findings.map(\.name) == ["semihosting call 0x77"])
  }

  @Test func theGuestLearnsItsCommandLineAndMemory() throws {
    let caller = try Caller(SemihostingOptions(commandLine: "a b"))
    #expect(caller.call(0x15, Caller.data, 4) == 0)
    #expect(caller.machine.memory.string(at: Caller.data) == Array("a b".utf8))
    #expect(caller.machine.memory.load(Caller.block + 8, as: UInt64.self) == 3)
    #expect(caller.call(0x15, Caller.data, 3) == -1)
    #expect(caller.call(0x16, Caller.data) == 0)
    #expect(caller.machine.memory.load(Caller.data + 16, as: UInt64.self) == 0x8100_0000)
    #expect(caller.call(0x31) == 1_000_000_000)
  }

  /// The whole way, from the instruction.
  @Test(arguments: [true, false]) func exitsThroughTheSequence(isOn: Bool) throws {
    let program = Assembler.program { a in
      a.addi(.a0, .zero, 0x18)
      a.la(.a1, "block")
      a.emit(0x01F0_1013)
      a.ebreak()
      a.emit(0x4070_5013)
      a.label("block")
      for word: UInt32 in [0x20026, 0, 42, 0] { a.emit(word) }
    }
    var options = MachineOptions()
    options.semihosting = isOn ? SemihostingOptions() : nil
    // The block lies right behind 6 instructions: 8-byte aligned.
    let machine = try Machine.running(program, options: options)
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    if isOn {
      #expect(stop.reason == .semihosting && stop.code == 42)
      #expect(machine.retired == 6 + 5 && machine.index == 11)
    } else {
      #expect(stop.reason == .trapLoop)
      #expect(machine.findings.first?.name.hasPrefix("semihosting") == true)
    }
  }
}
