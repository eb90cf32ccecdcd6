import Emu

/// The calls that are open on one stack of a program, the innermost last.
final class CallStack {
  struct Call {
    let function: Int32
    /// Of the profile's tree.
    let node: Int32
    /// As its first instruction found them.
    let stackPointer: UInt64
    let returnAddress: UInt64
    let tick: Tick
    let index: UInt64
    /// Of the handler of an exception: which one, and where what it interrupts has its stack.
    var exception: UInt64?
    var interrupted: UInt64 = 0
  }

  /// In the order in which they were made.
  let number: Int
  @exclusivity(unchecked) private(set) var calls: [Call] = []
  /// Where an exception has left it for another stack: as `Call.interrupted`.
  @exclusivity(unchecked) var suspended: UInt64?
  /// When its hart went to another one.
  @exclusivity(unchecked) var left: (index: UInt64, tick: Tick) = (0, 0)
  /// More than any program has; one without bounds is cut off.
  static let most = 1 << 12

  init(number: Int) { self.number = number }

  var count: Int { calls.count }
  var last: Call? { calls.last }
  func push(_ call: Call) { calls.append(call) }
  func pop() -> Call { calls.removeLast() }

  /// Where those begin that share the last one's place: each was jumped to by the one before.
  var firstOfGroup: Int {
    guard let last = calls.last else { return 0 }
    var place = calls.count - 1
    while place > 0, calls[place].exception == nil,
      calls[place - 1].stackPointer == last.stackPointer,
      calls[place - 1].returnAddress == last.returnAddress
    {
      place -= 1
    }
    return place
  }

  /// The innermost call of a function whose frame holds that stack pointer, within the innermost exception.
  func latest(of function: Int32, above stackPointer: UInt64) -> Int? {
    var place = calls.count - 1
    while place >= 0 {
      let call = calls[place]
      if call.function == function && call.stackPointer >= stackPointer { return place }
      if call.exception != nil { return nil }
      place -= 1
    }
    return nil
  }

  func latestException(where isIt: (Call) -> Bool = { _ in true }) -> Int? {
    calls.lastIndex { $0.exception != nil && isIt($0) }
  }

  func firstException(where isIt: (Call) -> Bool = { _ in true }) -> Int? {
    calls.firstIndex { $0.exception != nil && isIt($0) }
  }

  /// How many are left when one returns there; nil: none that would.
  func returned(to address: UInt64, _ stackPointer: UInt64) -> Int? {
    var left = calls.count
    while left > 0 {
      let call = calls[left - 1]
      guard call.returnAddress == address, call.stackPointer == stackPointer,
        call.exception == nil
      else { break }
      left -= 1
    }
    return left < calls.count ? left : nil
  }
}

/// Small numbers by large ones.
final class NumberTable {
  private var keys: UnsafeMutablePointer<UInt64>
  /// Negative: there is none.
  private var values: UnsafeMutablePointer<Int32>
  private var room = 256
  private var used = 0

  init() { (keys, values) = Self.empty(room) }

  deinit {
    keys.deallocate()
    values.deallocate()
  }

  subscript(key: UInt64) -> Int32? {
    get {
      let value = values[place(of: key)]
      return value < 0 ? nil : value
    }
    set {
      guard let newValue else { return }
      if 2 * used >= room { grow() }
      let place = place(of: key)
      if values[place] < 0 { used += 1 }
      (keys[place], values[place]) = (key, newValue)
    }
  }

  /// Where it is, or would be.
  @inline(__always) private func place(of key: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: key &* 0x9E37_79B9_7F4A_7C15 >> 32) & (room - 1)
    while values[place] >= 0, keys[place] != key { place = (place + 1) & (room - 1) }
    return place
  }

  private func grow() {
    let (oldKeys, oldValues, oldRoom) = (keys, values, room)
    room *= 2
    used = 0
    (keys, values) = Self.empty(room)
    for place in 0..<oldRoom where oldValues[place] >= 0 {
      self[oldKeys[place]] = oldValues[place]
    }
    oldKeys.deallocate()
    oldValues.deallocate()
  }

  private static func empty(
    _ room: Int
  ) -> (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<Int32>) {
    let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: room)
    let values = UnsafeMutablePointer<Int32>.allocate(capacity: room)
    keys.initialize(repeating: 0, count: room)
    values.initialize(repeating: -1, count: room)
    return (keys, values)
  }
}
