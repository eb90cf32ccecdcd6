import Emu

/// SiFive's core-local interruptor: software interrupts and the timer of every hart.
///
/// SiFive FU540-C000 manual v1p4, chapter 9, which gives the layout that QEMU's `virt` has too.
///
/// `mtime` is the board's count of ticks, scaled, plus what a store to it has moved it by. A timer interrupt is pending
/// from exactly the tick at which `mtime` reaches `mtimecmp`.
public struct CLINT: Device {
  public struct State: Codable, Hashable, Sendable {
    /// `msip`, a bit a hart.
    var softwareInterrupts: UInt32 = 0
    /// `mtimecmp`, by hart.
    var compares: [UInt64]
    /// What `mtime` is ahead of the scaled ticks, modulo 2^64.
    var offset: UInt64 = 0
    /// Which harts' `mtime` has reached their `mtimecmp`.
    var timerInterrupts: UInt32 = 0
    /// When the next bit of that changes.
    var nextChange: Tick?
  }
  public var state: State

  let harts: Int
  let timebase: Ratio

  /// The output line of a hart's machine software interrupt.
  public static func softwareLine(hart: Int) -> Int { 2 * hart }
  /// The output line of a hart's machine timer interrupt.
  public static func timerLine(hart: Int) -> Int { 2 * hart + 1 }

  /// - Parameters:
  ///   - harts: up to 32.
  ///   - timebase: `mtime` as a fraction of the ticks, at most 1: so its count never wraps around by itself.
  public init(harts: Int, timebase: Ratio) {
    precondition(1...32 ~= harts, "a CLINT for \(harts) harts")
    precondition(timebase.numerator <= timebase.denominator, "mtime outruns the ticks")
    self.harts = harts
    self.timebase = timebase
    // The manual leaves it open; this way, no timer interrupt is pending until software asks for one.
    state = State(compares: Array(repeating: .max, count: harts))
  }

  private enum Offset {
    static let software: UInt64 = 0
    static let compare: UInt64 = 0x4000
    static let time: UInt64 = 0xBFF8
  }

  public var map: RegisterMap {
    RegisterMap([
      .init("msip", Offset.software, count: UInt64(harts), fields: [.init("msip", 0)]),
      .init(
        "mtimecmp", Offset.compare, size: 8, count: UInt64(harts), widths: [.word, .double],
        reset: .max),
      .init("mtime", Offset.time, size: 8, widths: [.word, .double]),
    ])
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.compares.count == harts
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    if access.offset < Offset.compare {
      return UInt64(state.softwareInterrupts >> UInt32(access.offset / 4) & 1)
    }
    let value =
      access.offset < Offset.time ? state.compares[compareIndex(access)] : time(at: port.now)
    return access.part(of: value, size: 8)
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    if access.offset < Offset.compare {
      let hart: UInt32 = 1 << UInt32(access.offset / 4)
      // The other 31 bits are tied to 0.
      if value & 1 == 1 {
        state.softwareInterrupts |= hart
      } else {
        state.softwareInterrupts &= ~hart
      }
      return
    }
    if access.offset < Offset.time {
      let index = compareIndex(access)
      state.compares[index] = access.merge(value, into: state.compares[index], size: 8)
    } else {
      let time = access.merge(value, into: time(at: port.now), size: 8)
      state.offset = time &- timebase.floor(port.now)
      port.setTimeOffset(state.offset)
    }
    updateTimers(now: port.now)
  }

  public mutating func advance(_ port: inout DevicePort) { updateTimers(now: port.now) }

  public var deadline: Tick? { state.nextChange }

  public var lines: LineSet {
    var lines = LineSet()
    for hart in 0..<harts {
      if state.softwareInterrupts >> UInt32(hart) & 1 == 1 {
        lines.insert(.line(Self.softwareLine(hart: hart)))
      }
      if state.timerInterrupts >> UInt32(hart) & 1 == 1 {
        lines.insert(.line(Self.timerLine(hart: hart)))
      }
    }
    return lines
  }

  private func compareIndex(_ access: Access) -> Int { Int((access.offset - Offset.compare) / 8) }

  private func time(at now: Tick) -> UInt64 { timebase.floor(now) &+ state.offset }

  /// "A timer interrupt is pending whenever mtime is greater than or equal to the value in the mtimecmp register."
  private mutating func updateTimers(now: Tick) {
    let count = timebase.floor(now)
    let time = count &+ state.offset
    state.timerInterrupts = 0
    state.nextChange = nil
    for (hart, compare) in state.compares.enumerated() {
      let isPending = time >= compare
      if isPending { state.timerInterrupts |= 1 << UInt32(hart) }
      // A pending one ends when mtime wraps around; with mtimecmp at 0 it never does.
      if compare == 0 { continue }
      let distance = isPending ? 0 &- time : compare - time
      let (target, isTooFar) = count.addingReportingOverflow(distance)
      if !isTooFar, let tick = timebase.first(reaching: target) {
        state.nextChange = min(tick, state.nextChange ?? tick)
      }
    }
  }
}

extension CLINT: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("clint", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "sifive,clint0", "riscv,clint0")
    let interrupts = (0..<harts).flatMap { hart -> [DeviceTreeNode.Cell] in
      let controller = DeviceTreePlace.interruptController(hart: hart)
      return [.phandle(controller), 3, .phandle(controller), 7]
    }
    node.set("interrupts-extended", .cells(interrupts))
    tree.addToBus(node)
  }
}
