import Devices
import Emu

extension Board {
  /// The board as a file that `BoardFile` reads, which makes the same board of it. nil: it has a device that no file can name,
  /// such as a disk.
  public var yaml: String? {
    var text = BoardText()
    text.line("name", name)
    text.line("revision", "\(revision)")
    if !summary.isEmpty { text.line("summary", summary) }
    switch core {
    case .cortexM4(let bits, let interrupts):
      text.line(
        "core",
        .map([("type", "cortex-m4"), ("priority-bits", "\(bits)"), ("interrupts", "\(interrupts)")])
      )
    case .rv64(let timebase):
      text.line("core", .map([("type", "rv64"), ("timebase", .text(timebase.boardText))]))
    }
    if harts > 1 { text.line("harts", "\(harts)") }
    text.line("clock", .text(BoardQuantity.hertz(clock.hertz)))
    if hasVariableClock { text.line("variable-clock", "true") }
    text.line("console", .text(console))
    text.list("memory", regions.map(\.fields))
    var entries: [[BoardText.Field]] = []
    for device in devices {
      guard let fields = device.fields(core) else { return nil }
      entries.append(fields)
    }
    text.list("devices", entries)
    text.list("leds", leds.map(\.fields))
    text.list("buttons", buttons.map(\.fields))
    return text.text
  }
}

/// Writes the few forms of YAML that a board needs.
struct BoardText {
  typealias Field = (key: String, value: Value)

  enum Value: ExpressibleByStringInterpolation {
    case text(String)
    case list([String])
    case map([(key: String, value: Value)])

    init(stringLiteral text: String) { self = .text(text) }
  }

  private(set) var text = ""

  mutating func line(_ key: String, _ value: String) { line(key, .text(value)) }
  mutating func line(_ key: String, _ value: Value) { text += "\(key): \(Self.inline(value))\n" }

  /// An entry a line.
  mutating func list(_ key: String, _ entries: [[Field]]) {
    if entries.isEmpty { return }
    text += "\(key):\n"
    for fields in entries { text += "  - \(Self.inline(.map(fields)))\n" }
  }

  private static func inline(_ value: Value) -> String {
    switch value {
    case .text(let text): scalar(text)
    case .list(let texts): "[" + texts.map(scalar).joined(separator: ", ") + "]"
    case .map(let fields):
      "{" + fields.map { "\(scalar($0.key)): \(inline($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  /// Plain where that can be nothing else.
  private static func scalar(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch UInt8(byte) {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "_-./ ".utf8.contains(byte)
      }
    }
    if isPlain, let first = text.first, first.isLetter || first.isNumber, text.last != " " {
      return text
    }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\" + String(scalar)
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\0"..<" ", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + (digits.count == 1 ? "0" : "") + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

// MARK: Entries

extension Board.Region {
  fileprivate var fields: [BoardText.Field] {
    var fields: [BoardText.Field] = [
      ("name", .text(name)), ("at", .text(BoardQuantity.hex(address))),
      ("size", .text(BoardQuantity.size(size))),
    ]
    if !writable { fields.append(("read-only", "true")) }
    if ignoresStores { fields.append(("stores", "ignored")) }
    if let rom = BuiltInROM.all.first(where: { $0.content == content }) {
      fields.append(("content", .text(rom.name)))
    }
    return fields
  }
}

extension Placement {
  fileprivate func fields(_ core: Board.Core) -> [BoardText.Field]? {
    guard let device = device as? any BoardDevice else { return nil }
    var fields: [BoardText.Field] = [
      ("name", .text(name)), ("type", .text(Swift.type(of: device).typeName)),
    ]
    let addresses = ([address] + others).map { BoardQuantity.hex($0) }
    fields.append(("at", others.isEmpty ? .text(addresses[0]) : .list(addresses)))
    if size != 0x1000 { fields.append(("size", .text(BoardQuantity.size(size)))) }
    if let gate { fields.append(("gate", .text(gate))) }
    fields += wiring(core)
    let parameters = device.parameters.entries
    if !parameters.isEmpty {
      fields.append(
        (
          "parameters",
          .map(
            parameters.map { entry in
              switch entry.value {
              case .text(let text): (entry.name, .text(text))
              case .list(let texts): (entry.name, .list(texts))
              }
            })
        ))
    }
    return fields
  }

  private func wiring(_ core: Board.Core) -> [BoardText.Field] {
    if wires.isEmpty { return [] }
    if wires.count == 1, let targets = wires[0], targets.count == 1 {
      switch (targets[0], core) {
      case (.interrupt(let number, _), .cortexM4), (.input(let number, of: "plic"), .rv64):
        return [("interrupt", .text("\(number)"))]
      default: break
      }
    }
    var entries: [BoardText.Field] = []
    var rest = wires.sorted { $0.key < $1.key }[...]
    while let (line, targets) = rest.first {
      // Lines that lead to inputs of one device, one behind the other, are one entry.
      var count = 1
      if targets.count == 1, case .input = targets[0] {
        while let next = rest.dropFirst(count).first, next.key == line + count,
          next.value == [WireText.shifted(targets[0], by: count)]
        {
          count += 1
        }
      }
      let texts = targets.map { WireText.text($0, core) }
      entries.append(
        (
          count == 1 ? "\(line)" : "\(line)..\(line + count - 1)",
          texts.count == 1 ? .text(texts[0]) : .list(texts)
        ))
      rest = rest.dropFirst(count)
    }
    return [("wires", .map(entries))]
  }
}

extension Board.LED {
  fileprivate var fields: [BoardText.Field] {
    var fields: [BoardText.Field] = [
      ("name", .text(name)), ("colour", .text(colour.rawValue)), ("pin", "\(device).\(pin)"),
    ]
    if !activeHigh { fields.append(("active", "low")) }
    if let milliamperes { fields.append(("milliamperes", "\(milliamperes)")) }
    if let part { fields.append(("part", .text(part))) }
    return fields
  }
}

extension Board.Button {
  fileprivate var fields: [BoardText.Field] {
    [
      ("name", .text(name)), ("pin", "\(device).\(pin)"), ("pressed", pressed ? "high" : "low"),
    ]
  }
}
