import EmuTesting
import Foundation
import Testing

@testable import EmurunCLI

/// What `emurun init` writes: CI's README check runs one such package whole; here is each board's firmware.
@Suite struct InitTests {
  @Test(arguments: [("m4-led", Board.m4LED), ("rv64-virt", .rv64Virt), ("tm4c123gxl", .tm4c123GXL)])
  func firmwareBeats(name: String, board: Board) throws {
    try withFolder { top in
      let package = top + "/door-bell"
      let outcome = emurun("init", package, "--board", name)
      #expect(outcome.code == 0 && outcome.errors.isEmpty)
      for path in outcome.text.split(separator: "\n").filter({ $0.hasPrefix("  ") }) {
        let text = try String(contentsOfFile: package + "/" + path.dropFirst(2), encoding: .utf8)
        #expect(!text.contains(/@[A-Z]+@/), "\(path)")
      }
      #expect(
        try String(contentsOfFile: package + "/Package.swift", encoding: .utf8)
          .contains("path: \"\(Firmware.top.path)\""))

      let (text, status) = try Firmware.run(
        Firmware.path("../Sources/Firmware/build"), ["-C", package, "door-bell", "-o", top])
      try #require(status == 0, "\(text)")
      let image = try Image(path: top + "/door-bell.elf")
      #expect(image.note["board"] == name)
      let policy = package + "/Firmware/DoorBell/policy"
      let audit = { emurun("audit", top + "/door-bell.elf", "--policy", policy, "--for", "1ms") }
      #expect(audit().code == 0, "\(audit().text)")
      let rules = try String(contentsOfFile: policy, encoding: .utf8)
      try rules.replacing("allow wait-for-interrupt", with: "")
        .write(toFile: policy, atomically: true, encoding: .utf8)
      #expect(audit().code == 1)
      let machine = try Machine(board, image: image)
      try machine.advance(until: .uart(contains: "door-bell: ready"), limit: .milliseconds(10))
      let led = LEDName(board.leds[0].name)
      try machine.advance(until: .edges(of: led, count: 10), limit: .seconds(20))
      #expect(machine.led(led).blinks(at: .hertz(1), within: .percent(1)))
      #expect(try machine.value(of: "ticks") > 0)
    }
  }

  @Test func refuses() throws {
    try withFolder { top in
      #expect(emurun("init", top).code == 73)
      #expect(emurun("init", top + "/1st").errors.contains("1st is no name for a package"))
      #expect(emurun("init", top + "/a\"b").code == 64)
      #expect(emurun("init", top + "/emurun").errors.contains("take another name"))
      #expect(emurun("init", top + "/x", "--board", "lm3s6965evb").code == 64)
      #expect(emurun("init", top + "/x", "--emurun", top).code == 66)
      #expect(emurun("init", "/proc/x").code == 73)
      let left = try FileManager.default.contentsOfDirectory(atPath: top)
      #expect(left.isEmpty)
    }
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let top = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-init-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: top, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: top) }
    try body(top.path)
  }

  private func emurun(_ arguments: String...) -> (code: Int32, text: String, errors: String) {
    let (output, errors) = (Output(), Output())
    let host = Host(
      output: output, errors: errors, input: -1, environment: { _ in nil },
      isInterrupted: { false })
    let code = Emurun.main(arguments, on: host)
    return (code, output.text, errors.text)
  }
}
