/// Calls that have not returned yet, by their CFAs. A program calls and returns as often as it does anything: this allocates nothing
/// as long as it knows enough room.
struct OpenCalls {
  struct Call {
    let cfa: UInt64
    let returnAddress: UInt64
    /// Of the function's first instruction.
    let index: UInt64
    /// Who notes the values that it has to bring back.
    let noter: Int32
    /// Who has to return: not the noter where a piece of code ends several functions.
    var function: Int32
    /// In its bucket: one that was added earlier; of free places: the next one.
    fileprivate var next = none

    init(cfa: UInt64, returnAddress: UInt64, index: UInt64, function: Int32) {
      self.cfa = cfa
      self.returnAddress = returnAddress
      self.index = index
      self.function = function
      noter = function
    }
  }

  /// No call.
  static let none: Int32 = -1
  private static let buckets = 1 << 12

  private let heads: UnsafeMutablePointer<Int32>
  private var calls: UnsafeMutablePointer<Call>
  private var noted: UnsafeMutablePointer<UInt64>
  private let most: Int
  private var room = 256
  private var used: Int32 = 0
  private var free = none
  /// By function.
  private let counts: UnsafeMutablePointer<Int>
  private let functions: Int

  /// - Parameter values: the most that a call has noted. `close` ends it.
  init(functions: Int, values most: Int) {
    self.most = most
    self.functions = functions
    heads = .allocate(capacity: Self.buckets)
    heads.initialize(repeating: Self.none, count: Self.buckets)
    counts = .allocate(capacity: functions)
    counts.initialize(repeating: 0, count: functions)
    calls = .allocate(capacity: room)
    noted = .allocate(capacity: room * most)
  }

  func close() {
    heads.deallocate()
    counts.deallocate()
    calls.deallocate()
    noted.deallocate()
  }

  mutating func removeAll() {
    heads.update(repeating: Self.none, count: Self.buckets)
    counts.update(repeating: 0, count: functions)
    (used, free) = (0, Self.none)
  }

  subscript(place: Int32) -> Call { calls[Int(place)] }

  /// What it has noted.
  func values(of place: Int32) -> UnsafeMutablePointer<UInt64> { noted + Int(place) * most }

  /// The call of one of these functions with that CFA; of several the latest.
  func latest(at cfa: UInt64, of functions: UnsafeBufferPointer<Int32>) -> Int32 {
    var place = heads[Self.bucket(of: cfa)]
    while place != Self.none {
      let call = calls + Int(place)
      if call.pointee.cfa == cfa && functions.contains(call.pointee.function) { return place }
      place = call.pointee.next
    }
    return Self.none
  }

  /// The latest call of one of these functions.
  func latest(of functions: UnsafeBufferPointer<Int32>) -> Int32 {
    if functions.allSatisfy({ counts[Int($0)] == 0 }) { return Self.none }
    var latest = Self.none
    for bucket in 0..<Self.buckets {
      var place = heads[bucket]
      while place != Self.none {
        if functions.contains(self[place].function),
          latest == Self.none || self[place].index > self[latest].index
        {
          latest = place
        }
        place = self[place].next
      }
    }
    return latest
  }

  /// Now it is another one that has to return.
  func hand(_ place: Int32, to function: Int32) {
    counts[Int(calls[Int(place)].function)] -= 1
    counts[Int(function)] += 1
    calls[Int(place)].function = function
  }

  /// Where it has a place for its values, to be filled. Another one of this function with that CFA is over.
  mutating func add(_ call: Call) -> UnsafeMutablePointer<UInt64> {
    removeAll(at: call.cfa, of: call.function)
    var place = free
    if place != Self.none {
      free = calls[Int(place)].next
    } else {
      if used == room { grow() }
      place = used
      used += 1
    }
    let bucket = Self.bucket(of: call.cfa)
    (calls + Int(place)).initialize(to: call)
    calls[Int(place)].next = heads[bucket]
    heads[bucket] = place
    counts[Int(call.function)] += 1
    return values(of: place)
  }

  mutating func remove(_ place: Int32) {
    var link = heads + Self.bucket(of: calls[Int(place)].cfa)
    while link.pointee != place { link = next(of: link.pointee) }
    unlink(link)
  }

  private mutating func removeAll(at cfa: UInt64, of function: Int32) {
    if counts[Int(function)] == 0 { return }
    var link = heads + Self.bucket(of: cfa)
    while link.pointee != Self.none {
      let call = calls + Int(link.pointee)
      if call.pointee.cfa == cfa && call.pointee.function == function {
        unlink(link)
      } else {
        link = next(of: link.pointee)
      }
    }
  }

  private mutating func unlink(_ link: UnsafeMutablePointer<Int32>) {
    let place = link.pointee
    link.pointee = calls[Int(place)].next
    counts[Int(calls[Int(place)].function)] -= 1
    calls[Int(place)].next = free
    free = place
  }

  private func next(of place: Int32) -> UnsafeMutablePointer<Int32> {
    guard let offset = MemoryLayout<Call>.offset(of: \.next) else {
      preconditionFailure("a stored property has an offset")
    }
    return UnsafeMutableRawPointer(calls + Int(place)).advanced(by: offset)
      .assumingMemoryBound(to: Int32.self)
  }

  private mutating func grow() {
    let (old, oldNoted) = (calls, noted)
    calls = .allocate(capacity: 2 * room)
    noted = .allocate(capacity: 2 * room * most)
    calls.moveInitialize(from: old, count: room)
    noted.moveInitialize(from: oldNoted, count: room * most)
    old.deallocate()
    oldNoted.deallocate()
    room *= 2
  }

  private static func bucket(of cfa: UInt64) -> Int {
    Int(truncatingIfNeeded: (cfa >> 2 ^ cfa >> 12) & UInt64(buckets - 1))
  }
}
