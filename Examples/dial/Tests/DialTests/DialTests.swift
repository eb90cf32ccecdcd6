import BoardFiles
import Dial
import EmuTesting
import Testing

@Suite struct DialTests {
  /// The board is the file beside this package's manifest.
  private func board() throws -> Board {
    let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return try BoardFile(types: DeviceTypes.builtIn.adding(Dial.self))
      .read(path: "/\(folder)/dial.yaml")
  }

  /// ldr r0, =dial; ldr r1, [r0]; movs r2, #1; str r2, [r0, #4]; b .; behind the stack pointer and the reset vector.
  private let image: [UInt8] = {
    let code: [UInt16] = [0x4802, 0x6801, 0x2201, 0x6042, 0xE7FE, 0xBF00]
    let words: [UInt32] = [0x2001_0000, 0x0000_0009]
    return words.flatMap(Self.bytes) + code.flatMap(Self.bytes) + Self.bytes(0x5000_0000 as UInt32)
  }()

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  @Test func firmwareReadsIt() throws {
    let machine = try Machine(
      board(), image: Image(bytes: image, path: "dial", format: .raw))
    try machine.advance(until: .led("LAMP", .on), limit: .milliseconds(1))
    #expect(machine.harts[0].registers.first { $0.name == "r1" }?.value == 7)
    #expect(machine.findings.isEmpty)
  }

  @Test func itPassesForADevice() {
    var parameters = DeviceParameters()
    #expect(throws: Never.self) {
      let dial = try Dial(&parameters)
      #expect(DeviceConformance(dial, window: 0x1000).problems().isEmpty)
    }
  }
}
