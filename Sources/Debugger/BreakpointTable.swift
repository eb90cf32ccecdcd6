import Emu

/// What a debugger has set. The numbers are those of GDB's packets: 0 and 1 breakpoints, 2 for stores, 3 for loads, 4 for both.
package struct BreakpointTable {
  package enum Kind: UInt64, Sendable {
    case software
    case hardware
    case store
    case load
    case access
  }

  package struct Watch: Hashable {
    package var kind: Kind
    package var range: Range<UInt64>
  }

  package private(set) var addresses: [UInt64: Set<Kind>] = [:]
  package private(set) var watches: [Watch] = []

  package init() {}

  /// False: there is no room for more.
  package mutating func set(_ kind: Kind, _ address: UInt64, size: UInt64) -> Bool {
    switch kind {
    case .software, .hardware: addresses[address, default: []].insert(kind)
    case .store, .load, .access:
      let watch = Watch(kind: kind, range: address..<address.addingClamped(max(size, 1)))
      if watches.contains(watch) { return true }
      guard watches.count < Breakpoints.mostWatches else { return false }
      watches.append(watch)
    }
    return true
  }

  package mutating func remove(_ kind: Kind, _ address: UInt64, size: UInt64) {
    switch kind {
    case .software, .hardware:
      addresses[address]?.remove(kind)
      if addresses[address]?.isEmpty == true { addresses[address] = nil }
    case .store, .load, .access:
      let watch = Watch(kind: kind, range: address..<address.addingClamped(max(size, 1)))
      watches.removeAll { $0 == watch }
    }
  }

  /// The watch that an access is about, and the address that the debugger knows it by.
  func watch(for touch: Touch) -> (kind: Kind, address: UInt64)? {
    let accessed = touch.address..<touch.address.addingClamped(UInt64(touch.size))
    let watch = watches.first {
      $0.range.overlaps(accessed) && $0.kind != (touch.isStore ? .load : .store)
    }
    return watch.map { ($0.kind, max($0.range.lowerBound, touch.address)) }
  }

  var forMachine: Breakpoints {
    Breakpoints(
      Set(addresses.keys),
      watches: watches.map {
        Breakpoints.Watch($0.range, loads: $0.kind != .store, stores: $0.kind != .load)
      })
  }
}

extension UInt64 {
  fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
