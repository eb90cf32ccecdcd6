import Emu

/// Where a value is.
public enum ValuePlace: Hashable, Sendable {
  case register(RegisterName, hart: Int)
  case memory(Bytes)
  /// The level of an output pin of a device, by its place on the board.
  case pin(Int, device: Int)

  /// In memory or in the registers of a device, 8 at most.
  public struct Bytes: Hashable, Sendable {
    /// As the instructions of a hart address them.
    public var address: UInt64
    public var physical: UInt64
    public var size: Int
    public var hart: Int

    /// - Parameter physical: nil: the same.
    public init(_ address: UInt64, physical: UInt64? = nil, size: Int, hart: Int = 0) {
      self.address = address
      self.physical = physical ?? address
      self.size = size
      self.hart = hart
    }

    var range: Range<UInt64> { physical..<physical + UInt64(size) }

    /// A part, from a physical address on.
    func part(_ range: Range<UInt64>) -> Bytes {
      Bytes(
        address &+ (range.lowerBound &- physical), physical: range.lowerBound, size: range.count,
        hart: hart)
    }
  }

  public static func memory(_ address: UInt64, size: Int) -> ValuePlace {
    .memory(Bytes(address, size: size))
  }
}

/// A moment of a run: before the instruction behind so many, when it first was that one's turn or, for who asks of the
/// end of a run that sleeps, at a tick of the sleep before it.
public struct Instant: Hashable, Sendable {
  public var index: UInt64
  public var tick: Tick?

  public init(index: UInt64, tick: Tick? = nil) {
    self.index = index
    self.tick = tick
  }

  /// Where a machine is.
  public init(_ machine: Machine) { self.init(index: machine.index, tick: machine.now) }

  var limit: RunLimit {
    RunLimit(tick: tick, index: tick == nil ? index : index + 1, sleepsOn: tick != nil)
  }
}

extension History {
  public func machine(at instant: Instant) throws(MachineError) -> Machine? {
    guard let machine = try machine(at: instant.index) else { return nil }
    if instant.tick != nil { _ = run(machine, until: instant.limit) }
    return machine
  }
}

extension Machine {
  /// Without changing anything; nil: there is nothing.
  func value(of place: ValuePlace) -> UInt64? {
    switch place {
    case .register(.xpsr, let hart): harts[hart].value(of: .xpsr).map { $0 & Self.flags }
    case .register(let register, let hart): harts[hart].value(of: register)
    case .memory(let bytes):
      memory.contains(bytes.physical, count: UInt64(bytes.size))
        ? memory.read(bytes.physical, count: bytes.size).map(Self.number)
        : deviceValue(bytes)
    case .pin(let pin, let device): latestEdge(pin, device)?.value
    }
  }

  private func deviceValue(_ bytes: ValuePlace.Bytes) -> UInt64? {
    let found = peek(bytes.address, count: bytes.size, hart: bytes.hart)
    return found.count == bytes.size ? Self.number(found) : nil
  }

  /// N, Z, C, V and Q: what of the xPSR is data.
  static let flags: UInt64 = 0xF800_0000

  static func number(_ bytes: [UInt8]) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// As far as events are kept.
  func latestEdge(_ pin: Int, _ device: Int) -> Event? {
    trace.last {
      $0.kind == .pin && Int($0.source) == device && Int($0.detail) == pin
    }
  }

  /// The device whose registers are there, by its place on the board.
  func device(at physical: UInt64) -> Int? {
    board.devices.firstIndex { device in
      ([device.address] + device.others).contains { physical &- $0 < device.size }
    }
  }
}
