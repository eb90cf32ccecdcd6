import Emu

/// A chip by its registers, as its vendor describes it: CMSIS-SVD 1.3, the parts that have to do with addresses and names.
public struct SVDFile: Sendable {
  public struct Peripheral: Sendable {
    public var name: String
    public var address: UInt64
    /// From its first address to behind its last register, or address block.
    public var size: UInt64
    /// In order of their offsets.
    public var registers: [Register]
    public var interrupts: [(name: String, number: Int)]
    let line: Int
  }

  public struct Register: Sendable {
    /// With its clusters: "CH0.CTL".
    public var name: String
    public var offset: UInt64
    /// Bytes.
    public var size: UInt64
    public var permission: RegisterMap.Permission
    public var reset: UInt64
    public var fields: [RegisterMap.Field]
    let line: Int
    /// It shares its address with another one by intent.
    let isAlternate: Bool
  }

  public let path: String
  public let name: String
  /// In order of their addresses.
  public let peripherals: [Peripheral]

  public init(path: String) throws(FileError) {
    try self.init(WholeFile.read(path, most: 256 << 20), path: path)
  }

  public init(_ bytes: [UInt8], path: String) throws(FileError) {
    self.path = path
    let root = try XMLElement.read(bytes, path: path)
    guard root.name == "device" else {
      throw FileError(
        path, line: root.line, "is no CMSIS-SVD file: its root is <\(root.name)>, not <device>")
    }
    name = root["name"] ?? "?"
    var reader = SVDReader(path: path)
    peripherals = try reader.peripherals(root).sorted { $0.address < $1.address }
  }
}

/// Makes the tree's numbers and names of it, with everything that is derived or repeated written out.
private struct SVDReader {
  let path: String
  /// All that have been made, so that a repetition of 10^9 is refused and not made.
  private var made = 0
  private static let most = 1 << 20
  private static let mostRepetitions: UInt64 = 1 << 16

  init(path: String) { self.path = path }

  /// What registers have unless they say otherwise.
  private struct Defaults {
    var size: UInt64 = 32
    var access: String?
    var reset: UInt64 = 0
  }

  private func error(_ element: XMLElement, _ message: String) -> FileError {
    FileError(path, line: element.line, message)
  }

  // MARK: Numbers

  /// "0x40", "64", "#1x0", "0b10"; a bit that does not matter is 0.
  private func number(_ text: String) -> UInt64? {
    let lower = text.lowercased()
    let digits = lower.hasPrefix("+") ? String(lower.dropFirst()) : lower
    if digits.hasPrefix("0x") { return UInt64(digits.dropFirst(2), radix: 16) }
    let isBinary = digits.hasPrefix("#") || digits.hasPrefix("0b")
    if isBinary {
      let bits = digits.dropFirst(digits.hasPrefix("#") ? 1 : 2)
      return UInt64(String(bits.map { $0 == "x" ? "0" : $0 }), radix: 2)
    }
    return UInt64(digits)
  }

  private func number(_ element: XMLElement, _ name: String) throws(FileError) -> UInt64? {
    guard let child = element.child(name), let text = element[name] else { return nil }
    guard let value = number(text) else {
      throw error(child, "<\(name)> is a number, not \"\(text)\"")
    }
    return value
  }

  private func name(_ element: XMLElement) throws(FileError) -> String {
    guard let name = element["name"] else {
      throw error(element, "a <\(element.name)> has no name")
    }
    return name
  }

  private func defaults(_ element: XMLElement, _ outer: Defaults) throws(FileError) -> Defaults {
    Defaults(
      size: try number(element, "size") ?? outer.size, access: element["access"] ?? outer.access,
      reset: try number(element, "resetValue") ?? outer.reset)
  }

  // MARK: Repetitions

  /// What a `dim` makes of one element: the names, and how far each is from the first.
  private func repetitions(
    _ element: XMLElement, _ name: String
  ) throws(FileError) -> [(name: String, distance: UInt64)] {
    guard let count = try number(element, "dim") else { return [(name, 0)] }
    guard count <= Self.mostRepetitions else {
      throw error(element, "<\(element.name)> \(name) is there \(count) times; no chip has so many")
    }
    guard let increment = try number(element, "dimIncrement") else {
      throw error(element, "<\(element.name)> \(name) has a <dim> and no <dimIncrement>")
    }
    let indexes = try indexes(element, Int(count))
    var result: [(String, UInt64)] = []
    for number in 0..<Int(count) {
      let (distance, overflow) = increment.multipliedReportingOverflow(by: UInt64(number))
      if overflow { throw error(element, "<dimIncrement> is too large") }
      let full = name.replacing("[%s]", with: indexes[number]).replacing(
        "%s", with: indexes[number])
      result.append((full, distance))
    }
    return result
  }

  private func indexes(_ element: XMLElement, _ count: Int) throws(FileError) -> [String] {
    guard let text = element["dimIndex"] else { return (0..<count).map(String.init) }
    let parts = text.split(separator: ",").map { $0.filter { $0 != " " } }
    if parts.count == count { return parts }
    let ends = text.split(separator: "-").map { $0.filter { $0 != " " } }
    if ends.count == 2 {
      if let first = Int(ends[0]), let last = Int(ends[1]), last - first == count - 1 {
        return (first...last).map(String.init)
      }
      if let first = ends[0].utf8.first, let last = ends[1].utf8.first, ends[0].utf8.count == 1,
        ends[1].utf8.count == 1, Int(last) - Int(first) == count - 1
      {
        return (first...last).map { String(UnicodeScalar($0)) }
      }
    }
    throw error(element, "<dimIndex> \"\(text)\" does not name \(count) of them")
  }

  // MARK: Peripherals

  mutating func peripherals(_ root: XMLElement) throws(FileError) -> [SVDFile.Peripheral] {
    guard let list = root.child("peripherals") else {
      throw error(root, "a <device> has <peripherals>, and this one has none")
    }
    let outer = try defaults(root, Defaults())
    var known: [String: XMLElement] = [:]
    for element in list.children where element.name == "peripheral" {
      if let name = element["name"] { known[name] = element }
    }
    var result: [SVDFile.Peripheral] = []
    for element in list.children where element.name == "peripheral" {
      let name = try name(element)
      let chain = try chain(element, known)
      guard let address = try number(element, "baseAddress") else {
        throw error(element, "<peripheral> \(name) has no <baseAddress>")
      }
      var settings = outer
      for one in chain.reversed() { settings = try defaults(one, settings) }
      let source = chain.first { $0.child("registers") != nil }
      var registers: [SVDFile.Register] = []
      if let list = source?.child("registers") {
        try add(list, at: 0, prefix: "", settings, to: &registers)
      }
      registers.sort { ($0.offset, $0.line) < ($1.offset, $1.line) }
      let interrupts = try interrupts(element)
      for (name, distance) in try repetitions(element, name) {
        let (place, overflow) = address.addingReportingOverflow(distance)
        let size = try size(chain, registers)
        if overflow || place.addingReportingOverflow(size).overflow {
          throw error(element, "<peripheral> \(name) goes beyond the end of all addresses")
        }
        result.append(
          SVDFile.Peripheral(
            name: name, address: place, size: size, registers: registers, interrupts: interrupts,
            line: element.line))
      }
    }
    return result
  }

  /// An element and what it is derived from, the nearest first.
  private func chain(
    _ element: XMLElement, _ known: [String: XMLElement]
  ) throws(FileError) -> [XMLElement] {
    var chain = [element]
    while let name = chain[chain.count - 1].attributes["derivedFrom"] {
      // A path ends with the name: siblings are what things are derived from here.
      let last = name.split(separator: ".").last.map(String.init) ?? name
      guard let next = known[name] ?? known[last] else {
        throw error(element, "is derived from \"\(name)\", which is not there")
      }
      if chain.contains(where: { $0 === next }) {
        throw error(element, "is derived from itself by way of \"\(name)\"")
      }
      chain.append(next)
    }
    return chain
  }

  private func size(
    _ chain: [XMLElement], _ registers: [SVDFile.Register]
  ) throws(FileError) -> UInt64 {
    var size = registers.map { $0.offset &+ $0.size }.max() ?? 0
    let owner = chain.first { $0.child("addressBlock") != nil }
    for block in owner?.children ?? [] where block.name == "addressBlock" {
      let end = (try number(block, "offset") ?? 0).addingReportingOverflow(
        try number(block, "size") ?? 0)
      if !end.overflow { size = max(size, end.partialValue) }
    }
    return size
  }

  private func interrupts(_ element: XMLElement) throws(FileError) -> [(name: String, number: Int)]
  {
    var result: [(String, Int)] = []
    for one in element.children where one.name == "interrupt" {
      guard let value = try number(one, "value"), value < 1 << 16 else {
        throw error(one, "an <interrupt> has no <value>")
      }
      result.append((try name(one), Int(value)))
    }
    return result
  }

  // MARK: Registers

  private mutating func add(
    _ list: XMLElement, at offset: UInt64, prefix: String, _ outer: Defaults,
    to registers: inout [SVDFile.Register]
  ) throws(FileError) {
    var known: [String: XMLElement] = [:]
    for element in list.children where element.name == "register" || element.name == "cluster" {
      if let name = element["name"] { known[name] = element }
    }
    for element in list.children where element.name == "register" || element.name == "cluster" {
      let name = try name(element)
      let chain = try chain(element, known)
      var settings = outer
      for one in chain.reversed() { settings = try defaults(one, settings) }
      guard let own = try number(element, "addressOffset") else {
        throw error(element, "<\(element.name)> \(name) has no <addressOffset>")
      }
      let fields = element.name == "register" ? try fields(chain) : []
      for (name, distance) in try repetitions(element, name) {
        let place = offset &+ own &+ distance
        if place >= 1 << 40 { throw error(element, "<\(element.name)> \(name) is too far away") }
        made += 1
        if made > Self.most { throw error(element, "there are more than \(Self.most) registers") }
        if element.name == "cluster" {
          let source = chain.first { $0.children.contains(where: isRegister) } ?? element
          try add(source, at: place, prefix: prefix + name + ".", settings, to: &registers)
          continue
        }
        guard (1...64).contains(settings.size) else {
          throw error(element, "<register> \(name) is \(settings.size) bits wide")
        }
        registers.append(
          SVDFile.Register(
            name: prefix + name, offset: place, size: max(1, (settings.size + 7) / 8),
            permission: Self.permission(settings.access), reset: settings.reset, fields: fields,
            line: element.line,
            isAlternate: element["alternateRegister"] != nil || element["alternateGroup"] != nil))
      }
    }
  }

  private func isRegister(_ element: XMLElement) -> Bool {
    element.name == "register" || element.name == "cluster"
  }

  private static func permission(_ access: String?) -> RegisterMap.Permission {
    switch access {
    case "read-only": .readOnly
    case "write-only", "writeOnce": .writeOnly
    default: .readWrite
    }
  }

  private func fields(_ chain: [XMLElement]) throws(FileError) -> [RegisterMap.Field] {
    guard let list = chain.lazy.compactMap({ $0.child("fields") }).first else { return [] }
    var known: [String: XMLElement] = [:]
    for element in list.children where element.name == "field" {
      if let name = element["name"] { known[name] = element }
    }
    var result: [RegisterMap.Field] = []
    for element in list.children where element.name == "field" {
      let name = try name(element)
      let chain = try self.chain(element, known)
      var bits: ClosedRange<Int>?
      for one in chain where bits == nil { bits = try self.bits(one) }
      guard let bits else { throw error(element, "<field> \(name) does not say which bits it is") }
      let access = chain.lazy.compactMap { $0["access"] }.first
      for (name, distance) in try repetitions(element, name) {
        let first = UInt64(bits.lowerBound) &+ distance
        guard first < 64, first + UInt64(bits.count) <= 64 else {
          throw error(element, "<field> \(name) goes beyond bit 63")
        }
        result.append(
          .init(name, Int(first)...(Int(first) + bits.count - 1), Self.permission(access)))
      }
    }
    return result
  }

  /// `bitRange`, `lsb` and `msb`, or `bitOffset` and `bitWidth`.
  private func bits(_ element: XMLElement) throws(FileError) -> ClosedRange<Int>? {
    var ends: (low: UInt64, high: UInt64)?
    if let text = element["bitRange"] {
      let parts = text.filter { $0 != "[" && $0 != "]" && $0 != " " }.split(separator: ":")
      guard parts.count == 2, let high = number(String(parts[0])),
        let low = number(String(parts[1]))
      else { throw error(element, "<bitRange> is as [7:0], not \"\(text)\"") }
      ends = (low, high)
    } else if let low = try number(element, "lsb"), let high = try number(element, "msb") {
      ends = (low, high)
    } else if let low = try number(element, "bitOffset") {
      ends = (low, low &+ (try number(element, "bitWidth") ?? 1) &- 1)
    }
    guard let ends else { return nil }
    guard ends.low <= ends.high, ends.high < 64 else {
      throw error(element, "there are no bits \(ends.high) to \(ends.low)")
    }
    return Int(ends.low)...Int(ends.high)
  }
}
