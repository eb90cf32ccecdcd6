import Emu

/// What a chip has in its ROM, by the name that board files have for it: memory content, and the functions that the emulator answers.
public struct BuiltInROM: Sendable {
  public let name: String
  public let address: UInt64
  public let content: [UInt8]
  public let calls: FirmwareCalls?

  public static let all = [
    BuiltInROM(
      name: "tm4c123-rom", address: TM4CROM.address, content: TM4CROM.content, calls: TM4CROM.calls)
  ]
}
