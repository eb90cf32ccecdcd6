import CoreShim

/// Where a run pauses for somebody who looks at it. None of it is part of the machine: a run with them is the run without, to
/// the last digest, and without them nothing is slower.
public struct Breakpoints: Sendable, Hashable {
  /// A load or a store that a run pauses before.
  public struct Watch: Sendable, Hashable {
    /// In memory or in a device, as the instructions of the guest address it: with paging, virtual.
    public var range: Range<UInt64>
    public var loads: Bool
    public var stores: Bool

    public init(_ range: Range<UInt64>, loads: Bool = true, stores: Bool = true) {
      self.range = range
      self.loads = loads
      self.stores = stores
    }
  }

  /// A run pauses before the instruction at one of these, as the pc has it, on any hart; `Pause.breakpoint`.
  public var addresses: Set<UInt64> = []
  /// 32 at most count.
  public var watches: [Watch] = []

  public init(_ addresses: Set<UInt64> = [], watches: [Watch] = []) {
    self.addresses = addresses
    self.watches = watches
  }

  public static let mostWatches = 32
  public var isEmpty: Bool { addresses.isEmpty && watches.isEmpty }
}

/// An access that a watch is about.
public struct Touch: Sendable, Hashable {
  public var hart: Int
  /// Of the instruction; of the next one where `isDone`.
  public var pc: UInt64
  /// As the guest has it.
  public var address: UInt64
  /// In bytes.
  public var size: Int
  public var isStore: Bool
  /// A store that no instruction makes, by DMA or as an exception is entered: the machine stands directly behind it. Others are
  /// still to be made.
  public var isDone = false
}

extension Breakpoints {
  /// Into the engines of a machine. What is in there already costs nothing.
  func set(in cores: [OpaquePointer]) {
    let addresses = Array(addresses)
    let watches = watches.filter { !$0.range.isEmpty }.prefix(Self.mostWatches).map {
      CoreWatchpoint(
        address: $0.range.lowerBound, size: $0.range.upperBound - $0.range.lowerBound,
        loads: $0.loads, stores: $0.stores)
    }
    for core in cores {
      let isSet =
        core_set_breakpoints(core, addresses, addresses.count)
        && core_set_watchpoints(core, watches, watches.count)
      precondition(isSet, "no memory for \(addresses.count) breakpoints")
    }
  }
}

extension Hart {
  /// What the engine has stopped before.
  var touch: Touch {
    let touch = core_touch(core)
    return Touch(
      hart: Int(number), pc: touch.pc, address: touch.address, size: Int(touch.size),
      isStore: touch.is_store)
  }
}
