/// A device that a board file can name (docs/boards.md): a type with a name of its own, made of parameters that are text.
///
/// A device with nothing to choose says its name and has `init()`:
/// ```swift
/// extension Chime: BoardDevice { public static var typeName: String { "chime" } }
/// ```
public protocol BoardDevice: Device {
  /// Lower case, words joined by "-": "pl011".
  static var typeName: String { get }
  /// A device at power-on. What it does not take, nobody may have given.
  init(_ parameters: inout DeviceParameters) throws(ParameterError)
  /// What `init(_:)` makes the same device of; parameters at their defaults are left out.
  var parameters: DeviceParameters { get }
  init()
}

extension BoardDevice {
  public init(_ parameters: inout DeviceParameters) { self.init() }
  public var parameters: DeviceParameters { DeviceParameters() }
  /// One that cannot be made of nothing has an `init(_:)` of its own, and this is never called.
  public init() { preconditionFailure("\(Self.typeName) wants parameters") }
}

/// A parameter that a device cannot take.
public struct ParameterError: Error, Hashable, Sendable {
  /// Which one; one that is missing has no place of its own.
  public let parameter: String
  /// "is 1 to 8 harts"
  public let message: String

  public init(_ parameter: String, _ message: String) {
    self.parameter = parameter
    self.message = message
  }
}

/// What a board file says of a device beyond its type and its place.
public struct DeviceParameters: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case text(String)
    case list([String])
  }
  public struct Entry: Sendable, Hashable {
    public let name: String
    public let value: Value
  }
  /// In the order in which they are written.
  public private(set) var entries: [Entry] = []
  /// What the device asked for, there or not: what it knows.
  public private(set) var known: [String] = []

  public init() {}

  public mutating func add(_ name: String, _ text: String) { add(name, .text(text)) }
  public mutating func add(_ name: String, _ value: Value) {
    entries.append(Entry(name: name, value: value))
  }

  /// Given, and not asked for.
  public var unknown: String? { entries.first { !known.contains($0.name) }?.name }

  // MARK: For a device's init

  public mutating func value(_ name: String) -> Value? {
    known.append(name)
    return entries.first { $0.name == name }?.value
  }

  /// nil: not given.
  public mutating func text(_ name: String) throws(ParameterError) -> String? {
    switch value(name) {
    case .text(let text): return text
    case .list: throw ParameterError(name, "is one value, not a list")
    case nil: return nil
    }
  }

  /// Empty: not given. One value is a list of one.
  public mutating func list(_ name: String) -> [String] {
    switch value(name) {
    case .text(let text): [text]
    case .list(let texts): texts
    case nil: []
    }
  }

  public mutating func number<T: FixedWidthInteger>(
    _ name: String, default usual: T?, in range: ClosedRange<T> = T.min...T.max
  ) throws(ParameterError) -> T {
    guard let text = try text(name) else {
      if let usual { return usual }
      throw ParameterError(name, "is missing")
    }
    guard let number = BoardQuantity.number(text).flatMap({ T(exactly: $0) }),
      range.contains(number)
    else {
      throw ParameterError(
        name, "is a number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
    }
    return number
  }

  public mutating func flag(_ name: String) throws(ParameterError) -> Bool {
    switch try text(name) {
    case "true": return true
    case "false", nil: return false
    case let text?: throw ParameterError(name, "is true or false, not \"\(text)\"")
    }
  }

  /// One of a few words.
  public mutating func choice<T: RawRepresentable & CaseIterable>(
    _ name: String, default usual: T
  ) throws(ParameterError) -> T where T.RawValue == String {
    guard let text = try text(name) else { return usual }
    if let value = T(rawValue: text) { return value }
    let words = T.allCases.map(\.rawValue).joined(separator: ", ")
    throw ParameterError(name, "is one of \(words), not \"\(text)\"")
  }

  public mutating func size(
    _ name: String, default usual: UInt64?
  ) throws(ParameterError) -> UInt64 {
    guard let text = try text(name) else {
      if let usual { return usual }
      throw ParameterError(name, "is missing")
    }
    if let size = BoardQuantity.size(text) { return size }
    throw ParameterError(name, "is a size such as 64 KiB, not \"\(text)\"")
  }

  public mutating func frequency(_ name: String) throws(ParameterError) -> UInt64 {
    guard let text = try text(name) else { throw ParameterError(name, "is missing") }
    if let hertz = BoardQuantity.hertz(text) { return hertz }
    throw ParameterError(name, "is a frequency such as 16 MHz, not \"\(text)\"")
  }
}

/// Numbers as board files have them, read and written.
public enum BoardQuantity {
  /// "0x4000_C000", "30", "0b101".
  public static func number(_ text: String) -> UInt64? {
    let digits = text.filter { $0 != "_" }
    if digits.hasPrefix("0x") { return UInt64(digits.dropFirst(2), radix: 16) }
    if digits.hasPrefix("0b") { return UInt64(digits.dropFirst(2), radix: 2) }
    return digits.first?.isASCII == true && digits.first?.isNumber == true ? UInt64(digits) : nil
  }

  private static let sizes: [(String, UInt64)] = [
    ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("G", 1 << 30), ("M", 1 << 20),
    ("K", 1 << 10),
  ]
  private static let frequencies: [(String, UInt64)] = [
    ("GHz", 1_000_000_000), ("MHz", 1_000_000), ("kHz", 1000), ("Hz", 1),
  ]

  /// "64 KiB", "2M", "0x1000".
  public static func size(_ text: String) -> UInt64? { scaled(text, sizes) ?? number(text) }

  /// "16 MHz", "32768 Hz", "1.8432 MHz": a whole number of hertz.
  public static func hertz(_ text: String) -> UInt64? {
    scaled(text, frequencies) ?? number(text)
  }

  private static func scaled(_ text: String, _ units: [(String, UInt64)]) -> UInt64? {
    guard let (name, unit) = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
    var digits = text.dropLast(name.count)
    while digits.last == " " { digits.removeLast() }
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = number(String(parts[0])) else { return nil }
    var (total, overflow) = whole.multipliedReportingOverflow(by: unit)
    if overflow { return nil }
    if parts.count == 2 {
      var place = unit
      if parts[1].isEmpty { return nil }
      for digit in parts[1].utf8 {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        let digit = UInt64(digit - UInt8(ascii: "0"))
        if place % 10 != 0 && digit != 0 { return nil }
        place /= 10
        (total, overflow) = total.addingReportingOverflow(digit * place)
        if overflow { return nil }
      }
    }
    return total
  }

  /// "0x4000_C000"
  public static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    let width = digits.count <= 8 ? 8 : 16
    let padded = String(repeating: "0", count: width - digits.count) + digits
    var text = "0x"
    for (place, digit) in padded.enumerated() {
      if place > 0 && place % 4 == 0 { text += "_" }
      text.append(digit)
    }
    return text
  }

  /// In the largest unit that leaves no rest; bytes have none.
  public static func size(_ bytes: UInt64) -> String { scaled(bytes, sizes.prefix(3)) }
  public static func hertz(_ hertz: UInt64) -> String { scaled(hertz, frequencies[...]) }

  private static func scaled(_ value: UInt64, _ units: ArraySlice<(String, UInt64)>) -> String {
    for (name, unit) in units where value >= unit && value % unit == 0 {
      return "\(value / unit) \(name)"
    }
    return "\(value)"
  }
}
