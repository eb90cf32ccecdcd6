/// What comes from outside while a machine runs. With it and a snapshot, what followed can be had again.
extension Machine {
  public struct Input: Sendable, Hashable, Codable {
    /// Of the moment before which it came.
    public var tick: Tick
    public var index: UInt64
    /// Who had acted at that tick before, as the bus numbers them.
    var actedSlots: UInt64
    var act: Act

    enum Act: Sendable, Hashable, Codable {
      case console([UInt8])
      case pin(World.Change)
      /// By a debugger, as are those below.
      case poke(address: UInt64, bytes: [UInt8], hart: Int)
      case program(address: UInt64, bytes: [UInt8])
      case register(RegisterName, value: UInt64, hart: Int)
      case reset
    }

    /// What was typed; empty: it is something else.
    public var bytes: [UInt8] {
      if case .console(let bytes) = act { bytes } else { [] }
    }

    /// A debugger wrote some of these bytes, as it addressed them.
    public func writes(_ range: Range<UInt64>) -> Bool {
      switch act {
      case .poke(let address, let bytes, _), .program(let address, let bytes):
        !bytes.isEmpty && address <= UInt64.max - UInt64(bytes.count)
          && range.overlaps(address..<address + UInt64(bytes.count))
      case .console, .pin, .register, .reset: false
      }
    }

    /// A debugger wrote that register.
    public func writes(_ register: RegisterName, hart: Int) -> Bool {
      if case .register(register, _, hart) = act { true } else { false }
    }
  }

  /// Everything so far, in order; not what waited at the console from the start.
  public var inputs: [Input] { past.inputs }

  func note(_ act: Input.Act) {
    hart.settle()
    past.inputs.append(
      Input(tick: now, index: index, actedSlots: bus.slotsActed(at: now), act: act))
  }

  /// Does what was done then. The machine stands at that tick and index.
  public func replay(_ input: Input) {
    catchUp(with: input.actedSlots)
    switch input.act {
    case .console(let bytes): send(bytes)
    case .pin(let pin): change(pin)
    case .poke(let address, let bytes, let hart): _ = poke(address, bytes, hart: hart)
    case .program(let address, let bytes): _ = program(bytes, at: address)
    case .register(let register, let value, let hart): _ = set(register, to: value, hart: hart)
    case .reset: pressReset()
    }
  }

  /// Lets those act who are due at this tick, if some had acted then who have not yet.
  func catchUp(with actedSlots: UInt64) {
    if actedSlots & ~bus.slotsActed(at: now) != 0 { bus.act(now: now, index: index) }
  }
}
