import Emu

/// A source of "random" bytes: OASIS VIRTIO 1.2, section 5.4. They follow from a seed and how many were taken, so that a
/// run with them can be run again; they are fit for no secret.
public struct VirtioEntropy: VirtioFunction {
  public struct State: Codable, Hashable, Sendable {
    var generator: SplitMix
  }
  public var state: State

  let seed: UInt64

  public init(seed: UInt64) {
    self.seed = seed
    state = State(generator: SplitMix(seed: seed))
  }

  public static let deviceID: UInt32 = 4
  public let queueCount = 1
  public let features: UInt64 = 0
  public let configuration: [RegisterMap.Register] = []

  /// "The device MAY use … less than the entire buffer."
  private static let mostBytes: UInt64 = 64 << 10

  public mutating func serve(
    _ chain: VirtioChain, queue: Int, _ port: inout DevicePort
  ) -> VirtioOutcome {
    // "The driver MUST NOT place driver-readable buffers into the queue."
    if chain.readableBytes > 0 { return .malformed("a readable buffer") }
    let count = min(chain.writableBytes, Self.mostBytes)
    _ = chain.write(0..<count, port.memory) { piece in
      for start in stride(from: 0, to: piece.count, by: 8) {
        withUnsafeBytes(of: state.generator.next().littleEndian) { word in
          let part = min(8, piece.count - start)
          UnsafeMutableRawBufferPointer(rebasing: piece[start..<start + part])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: word[..<part]))
        }
      }
      return true
    }
    return .done(written: UInt32(count), moved: count)
  }
}
