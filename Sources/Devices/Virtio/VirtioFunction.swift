import Emu

/// What a virtio device does behind its transport: OASIS VIRTIO 1.2, chapter 5.
public protocol VirtioFunction: Sendable {
  associatedtype State: Codable & Hashable & Sendable
  var state: State { get set }
  /// As a device's.
  func accepts(_ state: State) -> Bool

  /// Chapter 5's number.
  static var deviceID: UInt32 { get }
  /// Of its own kind only: bits 0..23.
  var features: UInt64 { get }
  var queueCount: Int { get }
  /// The device configuration space, by offset from its start; the reset values are what is in it.
  var configuration: [RegisterMap.Register] { get }
  mutating func writeConfiguration(_ access: Access, _ value: UInt64, _ port: inout DevicePort)

  /// Answers one request.
  mutating func serve(
    _ chain: VirtioChain, queue: Int, _ port: inout DevicePort
  ) -> VirtioOutcome
  /// The queue whose buffers wait for console input, and are not served; nil: it has none.
  var inputQueue: Int? { get }
  /// The driver reset the device, or the guest the board.
  mutating func reset()
}

extension VirtioFunction {
  public func accepts(_ state: State) -> Bool { true }
  public var inputQueue: Int? { nil }
  public mutating func reset() {}
  public mutating func writeConfiguration(
    _ access: Access, _ value: UInt64, _ port: inout DevicePort
  ) { port.guestError("store to the configuration space, which is read-only") }
}

public enum VirtioOutcome: Sendable {
  /// Bytes written to the request's buffers, and how many bytes were moved for it.
  case done(written: UInt32, moved: UInt64)
  /// There is more to do for it, from the next tick on.
  case unfinished
  /// The request has not the form that the specification demands: the device needs a reset.
  case malformed(String)
}

/// Feature bits that concern the transport and the queues: chapter 6.
enum VirtioFeature {
  static let anyLayout: UInt64 = 1 << 27
  static let indirect: UInt64 = 1 << 28
  static let eventIndex: UInt64 = 1 << 29
  static let version1: UInt64 = 1 << 32
}

/// Which registers and which ring layout a transport has.
public enum VirtioVersion: String, Sendable, CaseIterable {
  /// Version 2 of the registers.
  case modern
  /// Version 1: what QEMU 7.2 has unless told otherwise (`virtio-mmio.force-legacy`).
  case legacy
}
