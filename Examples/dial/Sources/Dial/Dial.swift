import EmuTesting

/// A dial with ten positions, which somebody turned before the board was switched on.
///
/// POSITION, +0: where it stands. LAMP, +4, bit 0: the lamp in it, on pin 0.
public struct Dial: BoardDevice {
  public struct State: Codable, Hashable, Sendable {
    var position: UInt32
    var isLit = false
  }
  public var state: State
  public let map = RegisterMap([
    .init("POSITION", 0, .readOnly), .init("LAMP", 4, fields: [.init("ON", 0)]),
  ])

  // In a board file: `{name: dial, type: dial, at: 0x5000_0000, parameters: {position: 7}}`.
  public static let typeName = "dial"

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    state = State(position: try parameters.number("position", default: 0, in: 0...9))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    parameters.add("position", "\(state.position)")
    return parameters
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.offset == 0 ? UInt64(state.position) : state.isLit ? 1 : 0
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    guard access.offset == 4, state.isLit != (value & 1 == 1) else { return }
    state.isLit.toggle()
    port.pin(0, state.isLit)
  }
}
