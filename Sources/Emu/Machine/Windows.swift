/// Which device answers an address: the windows of a board, and which of them are open.
///
/// A closed window has no size, so an access pays nothing for gates and apertures. The window that an address's page last led to is
/// tried first, so a board may have as many as it likes. Nothing but pointers, for the access path.
struct Windows {
  struct Window {
    var start: UInt64
    /// 0: closed.
    var size: UInt64
    var slot: Unmanaged<AnySlot>
    var fullSize: UInt64
    var aperture: Int
    /// The number of its gate; nil: none.
    var gate: Int?
  }

  /// What a clock gate lets through.
  struct Gate: Sendable, Hashable, Codable {
    var name: String
    var isOpen = false
    var aperture = 0
    /// While it was closed, up to the last time that it was opened.
    var missed = Clock.Missed()
    /// Since when it is closed.
    var closed: Tick = 0
  }

  private let windows: UnsafeMutablePointer<Window>
  private let count: Int
  private static let pages = 64
  private let latest: UnsafeMutablePointer<Int>

  /// - Parameters:
  ///   - slots: of these devices, in their order.
  ///   - gates: numbers by name.
  init(_ devices: [Placement], _ slots: [AnySlot], _ gates: [String: Int]) {
    count = devices.reduce(0) { $0 + 1 + $1.others.count }
    windows = .allocate(capacity: count)
    latest = .allocate(capacity: Self.pages)
    latest.initialize(repeating: 0, count: Self.pages)
    var number = 0
    for (device, slot) in zip(devices, slots) {
      for (aperture, address) in ([device.address] + device.others).enumerated() {
        (windows + number).initialize(
          to: Window(
            start: address, size: 0, slot: .passUnretained(slot), fullSize: device.size,
            aperture: aperture, gate: device.gate.flatMap { gates[$0] }))
        number += 1
      }
    }
  }

  func deallocate() {
    windows.deallocate()
    latest.deallocate()
  }

  // MARK: Accesses

  @inline(__always) func find(_ address: UInt64) -> UnsafePointer<Window>? {
    let page = Int(truncatingIfNeeded: address >> 12) & (Self.pages - 1)
    let window = windows + latest[page]
    if count > 0 && address &- window.pointee.start < window.pointee.size {
      return UnsafePointer(window)
    }
    return search(address, page)
  }

  private func search(_ address: UInt64, _ page: Int) -> UnsafePointer<Window>? {
    for number in 0..<count where address &- windows[number].start < windows[number].size {
      latest[page] = number
      return UnsafePointer(windows + number)
    }
    return nil
  }

  /// A window there that is closed.
  func closed(at address: UInt64) -> UnsafePointer<Window>? {
    for number in 0..<count
    where windows[number].size == 0 && address &- windows[number].start < windows[number].fullSize {
      return UnsafePointer(windows + number)
    }
    return nil
  }

  /// Opens and closes the windows on a gate as that says.
  func obey(_ gate: Gate, _ number: Int?) {
    for window in windows..<windows + count where window.pointee.gate == number {
      let isOpen = gate.isOpen && gate.aperture == window.pointee.aperture
      window.pointee.size = isOpen ? window.pointee.fullSize : 0
    }
  }
}
