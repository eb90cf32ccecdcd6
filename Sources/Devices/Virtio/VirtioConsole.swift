import Emu

/// A console with one port: OASIS VIRTIO 1.2, section 5.3. Several ports and the terminal's size are not offered.
public struct VirtioConsole: VirtioFunction {
  public struct State: Codable, Hashable, Sendable {
    /// How much of the request that is being served has been sent.
    var sent: UInt64 = 0
  }
  public var state = State()

  public init() {}

  public static let deviceID: UInt32 = 3
  /// receiveq(port0) and transmitq(port0).
  public let queueCount = 2
  public let inputQueue: Int? = 0

  private static let emergencyWrite: UInt64 = 1 << 2
  public var features: UInt64 { Self.emergencyWrite }

  public var configuration: [RegisterMap.Register] {
    [
      .init("cols", 0, size: 2, .readOnly), .init("rows", 2, size: 2, .readOnly),
      .init("max_nr_ports", 4, .readOnly, reset: 1), .init("emerg_wr", 8, .readWrite),
    ]
  }

  /// "The device transmits the lower byte written to emerg_wr."
  public mutating func writeConfiguration(
    _ access: Access, _ value: UInt64, _ port: inout DevicePort
  ) {
    if access.offset == 8 {
      port.uart(UInt8(truncatingIfNeeded: value))
    } else {
      port.guestError("store to the configuration space that is not to emerg_wr")
    }
  }

  /// Of a buffer, within one tick: a byte is an event, so a large one would take the host's memory at once.
  private static let mostBytes: UInt64 = 4096

  public mutating func serve(
    _ chain: VirtioChain, queue: Int, _ port: inout DevicePort
  ) -> VirtioOutcome {
    let end = min(chain.readableBytes, state.sent + Self.mostBytes)
    _ = chain.read(min(state.sent, end)..<end, port.memory) { piece in
      for byte in piece { port.uart(byte) }
      return true
    }
    if end < chain.readableBytes {
      state.sent = end
      return .unfinished
    }
    state.sent = 0
    return .done(written: 0, moved: 0)
  }

  public mutating func reset() { state.sent = 0 }
}
