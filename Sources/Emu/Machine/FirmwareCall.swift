import CoreShim

/// Functions that a chip has in its ROM and the emulator answers itself: BKPT instructions in that ROM, which the host carries out.
public struct FirmwareCalls: Sendable {
  /// Where they are; a breakpoint elsewhere is one of the guest's own.
  public let addresses: Range<UInt64>
  /// Carries out the one at an address.
  public let answer: @Sendable (_ address: UInt64, _ call: inout FirmwareCall) -> Void

  public init(
    addresses: Range<UInt64>,
    answer: @escaping @Sendable (_ address: UInt64, _ call: inout FirmwareCall) -> Void
  ) {
    self.addresses = addresses
    self.answer = answer
  }
}

/// One such call: its arguments, its results, and the bus as the calling core sees it. It takes one tick, in which all of its
/// accesses happen; one that would wait sleeps until somebody acts, and is made again then.
public struct FirmwareCall {
  private let core: CortexM
  fileprivate var state: CoreM4
  fileprivate var fault: UInt32?
  fileprivate var isAgain = false
  private let pc: UInt32

  fileprivate init(_ core: CortexM, _ state: CoreM4) {
    self.core = core
    self.state = state
    pc = state.r.15
  }

  // MARK: Arguments and results

  /// As the procedure call standard has them: r0 to r3, then words on the stack.
  public subscript(argument: Int) -> UInt32 {
    mutating get {
      switch argument {
      case 0: state.r.0
      case 1: state.r.1
      case 2: state.r.2
      case 3: state.r.3
      default: load(state.r.13 &+ UInt32(argument - 4) * 4)
      }
    }
  }

  public mutating func give(_ result: UInt32) { state.r.0 = result }
  public mutating func give(_ result: Bool) { give(UInt32(result ? 1 : 0)) }
  public mutating func give(_ result: UInt64) {
    state.r.0 = UInt32(truncatingIfNeeded: result)
    state.r.1 = UInt32(truncatingIfNeeded: result >> 32)
  }

  public var basePriority: UInt32 {
    get { state.basepri }
    set { state.basepri = newValue }
  }

  /// What it waits for is not there: it is called again when some device, or the core's own timer, has acted.
  public mutating func again() { isAgain = true }

  /// The emulator has no such function.
  public func notModelled(_ name: String) {
    var access = CoreAccess()
    access.pc = caller
    core.notModelled(name, &access)
  }

  /// Where the program called it.
  private var caller: UInt64 { UInt64(state.r.14 & ~1 &- 2) }

  // MARK: The bus

  /// 0 where it faults. Behind a fault nothing is read or written any more, and the call ends as a precise bus fault.
  public mutating func load(_ address: UInt32, width: UInt8 = 4) -> UInt32 {
    var access = access(address, width)
    perform(&access)
    return fault == nil ? UInt32(truncatingIfNeeded: access.value) : 0
  }

  public mutating func store(_ value: UInt32, _ address: UInt32, width: UInt8 = 4) {
    var access = access(address, width)
    access.is_store = true
    access.value = UInt64(value)
    perform(&access)
  }

  /// Clears some bits of a word and sets others.
  public mutating func change(_ address: UInt32, clear: UInt32 = 0, set: UInt32 = 0) {
    store(load(address) & ~clear | set, address)
  }

  private func access(_ address: UInt32, _ width: UInt8) -> CoreAccess {
    var access = CoreAccess()
    access.address = UInt64(address)
    access.pc = caller
    access.size = width
    access.privileged = state.xpsr & 0x1FF != 0 || state.control & CortexM.Control.npriv == 0
    return access
  }

  private mutating func perform(_ access: inout CoreAccess) {
    if fault != nil { return }
    if core.memory32.access(&access, index: core.index) { return }
    if access.address & UInt64(access.size - 1) != 0 || core.access(&access) != CORE_ACCESS_DONE {
      fault = UInt32(truncatingIfNeeded: access.address)
    }
  }
}

extension CortexM {
  /// A BKPT in the ROM of a board that has functions there; nil: it is none.
  func callFirmware(_ state: CoreM4) -> (state: CoreM4, fault: UInt32?, waits: Bool)? {
    guard let calls = firmwareCalls, calls.addresses.contains(UInt64(state.r.15)) else {
      return nil
    }
    var call = FirmwareCall(self, state)
    calls.answer(UInt64(state.r.15), &call)
    if let fault = call.fault { return (state, fault, false) }
    if call.isAgain { return (state, nil, true) }
    call.state.r.15 &+= 2
    return (call.state, nil, false)
  }
}
