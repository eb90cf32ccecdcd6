import Devices
import Emu

/// Makes a board of the members of its map, laid over those of the board that it extends.
struct BoardReader {
  let types: DeviceTypes
  let path: String
  let base: Board?
  /// Where in the file things are said, for what turns out when all is known: "device uart0".
  private var places: [String: YAMLText] = [:]
  private var core = Board.Core.cortexM4(priorityBits: 3, interrupts: 240)

  init(types: DeviceTypes, path: String, base: Board?) {
    self.types = types
    self.path = path
    self.base = base
  }

  mutating func board(_ fields: inout YAMLFields) throws(FileError) -> Board {
    let root = fields.map
    let name = try fields.optional("name")?.text("a name") ?? base?.name
    guard let name else { throw fields.missing("name") }
    let revision = try fields.optional("revision").map { value throws(FileError) in
      try value.read("a number from 0 up") { UInt32($0) }
    }
    let summary = try fields.optional("summary")?.text("a sentence") ?? base?.summary ?? ""
    if let value = fields.optional("core") {
      core = try Self.core(value)
    } else if let base {
      core = base.core
    } else {
      throw fields.missing("core")
    }
    let harts = try harts(fields.optional("harts"))
    let clock = fields.optional("clock")
    let hertz = try hertz(clock, fields)
    let isVariable = try fields.optional("variable-clock")?.flag() ?? base?.hasVariableClock
    let regions = try merge(
      fields.optional("memory"), base?.regions ?? [])
    let roms = regions.compactMap { region in BuiltInROM.all.first { $0.content == region.content }
    }
    let placements = try merge(
      fields.optional("devices"), base?.devices ?? [])
    let leds = try merge(fields.optional("leds"), base?.leds ?? [])
    let buttons = try merge(
      fields.optional("buttons"), base?.buttons ?? [])
    let console = fields.optional("console")
    if let console { places["console"] = console }
    let consoleName = try console?.text("a device") ?? base?.console ?? "uart0"
    try fields.finish()
    var board = Board(
      name: name, revision: revision.map(Int.init) ?? base?.revision ?? 1, summary: summary,
      core: core, harts: harts, clock: Clock(hertz: hertz), hasVariableClock: isVariable ?? false,
      regions: regions, devices: placements, leds: leds, buttons: buttons, console: consoleName,
      firmwareCalls: roms.first?.calls)
    try BoardCheck(board: board, root: root, places: places).check()
    if case .rv64 = core { board.deviceTree = DeviceTreeNode(board).blob() }
    return board
  }

  // MARK: The core

  private static func core(_ value: YAMLText) throws(FileError) -> Board.Core {
    var fields = try value.fields("a core: {type: cortex-m4} or {type: rv64}")
    let type = try fields.required("type")
    switch try type.text("a core") {
    case "cortex-m4":
      let bits = try fields.optional("priority-bits")?.number() ?? 3
      let interrupts = try fields.optional("interrupts")?.number() ?? 240
      try fields.finish()
      guard 1...8 ~= bits else { throw value.error("priority-bits are 1 to 8, not \(bits)") }
      guard 1...240 ~= interrupts else {
        throw value.error("interrupts are 1 to 240, not \(interrupts)")
      }
      return .cortexM4(priorityBits: Int(bits), interrupts: Int(interrupts))
    case "rv64":
      let timebase = fields.optional("timebase")
      let ratio = try timebase?.read("mtime's part of the clock, such as 1/100") {
        Ratio(boardText: $0).flatMap { $0.numerator <= $0.denominator ? $0 : nil }
      }
      try fields.finish()
      return .rv64(timebase: ratio ?? Ratio(1, 100))
    case let other:
      throw type.error("there is no core \"\(other)\"; there are cortex-m4 and rv64")
    }
  }

  private func harts(_ value: YAMLText?) throws(FileError) -> Int {
    guard let value else { return base?.harts ?? 1 }
    let count = try value.number("a number of harts")
    var most: UInt64 = 1
    if case .rv64 = core { most = UInt64(Board.mostHarts) }
    guard 1...most ~= count else { throw value.error("this core has 1 to \(most) harts") }
    return Int(count)
  }

  private func hertz(_ value: YAMLText?, _ fields: YAMLFields) throws(FileError) -> UInt64 {
    if let value {
      return try value.read("a frequency such as 16 MHz") {
        BoardQuantity.hertz($0).flatMap { $0 > 0 && $0 <= 1_000_000_000_000 ? $0 : nil }
      }
    }
    if let base { return base.clock.hertz }
    throw fields.missing("clock")
  }

  // MARK: Lists

  /// Entries with a name that the base has say what is different in it, `remove: true` that it is gone; the others come behind.
  private mutating func merge<T: BoardEntry>(
    _ value: YAMLText?, _ old: [T]
  ) throws(FileError) -> [T] {
    guard let value else { return old }
    var result = old
    for entry in try value.list("a list") {
      var fields = try entry.fields("a map: {name: …}")
      let key = try fields.required("name")
      let name = try key.text("a name")
      if name.isEmpty || name.contains(where: { ". \t".contains($0) }) {
        throw key.error("a name has no dots and no spaces")
      }
      if places.updateValue(entry, forKey: "\(T.what) \(name)") != nil {
        throw key.error("there are two entries for \"\(name)\"")
      }
      let place = result.firstIndex { $0.name == name }
      if try fields.optional("remove")?.flag() == true {
        guard let place else { throw key.error("there is no \(T.what) \"\(name)\" to remove") }
        try fields.finish()
        result.remove(at: place)
        continue
      }
      let made = try T.read(&fields, name, place.map { result[$0] }, self)
      try fields.finish()
      if let place { result[place] = made } else { result.append(made) }
    }
    return result
  }
}

/// What a board has a list of.
private protocol BoardEntry {
  var name: String { get }
  /// "device"
  static var what: String { get }
  /// - Parameter old: what the base has of that name; keys that are not there are as in it.
  static func read(
    _ fields: inout YAMLFields, _ name: String, _ old: Self?, _ reader: BoardReader
  ) throws(FileError) -> Self
}

extension Board.Region: BoardEntry {
  fileprivate static var what: String { "memory" }

  fileprivate static func read(
    _ fields: inout YAMLFields, _ name: String, _ old: Board.Region?, _ reader: BoardReader
  ) throws(FileError) -> Board.Region {
    let address = try fields.optional("at")?.number("an address") ?? old?.address
    guard let address else { throw fields.missing("at") }
    let size = try fields.optional("size")?.size() ?? old?.size
    guard let size else { throw fields.missing("size") }
    let isReadOnly = try fields.optional("read-only")?.flag()
    let stores = fields.optional("stores")
    let ignores = try stores?.read("ignored or fault") { ["ignored": true, "fault": false][$0] }
    let rom = fields.optional("content")
    let content = try rom?.read(
      "one of " + BuiltInROM.all.map(\.name).joined(separator: ", ")
    ) { text in BuiltInROM.all.first { $0.name == text } }
    if let rom, let content, content.address != address {
      throw rom.error(
        "\(content.name) lies at \(BoardQuantity.hex(content.address)) and nowhere else")
    }
    if let rom, let content, content.content.count > size {
      throw rom.error("\(content.name) is larger than this memory")
    }
    return Board.Region(
      name, at: address, size: size,
      writable: isReadOnly.map { !$0 } ?? old?.writable ?? true,
      content: content?.content ?? old?.content ?? [],
      ignoresStores: ignores ?? old?.ignoresStores ?? false)
  }
}

extension Board.LED: BoardEntry {
  fileprivate static var what: String { "LED" }

  fileprivate static func read(
    _ fields: inout YAMLFields, _ name: String, _ old: Board.LED?, _ reader: BoardReader
  ) throws(FileError) -> Board.LED {
    let (device, pin) = try reader.pin(
      fields.optional("pin"), old.map { ($0.device, $0.pin) }, fields)
    let colour = try fields.optional("colour")?.read(
      "red, green, blue, amber or white", Board.LED.Colour.init(rawValue:))
    let active = try fields.optional("active").map(BoardReader.level)
    let current = try fields.optional("milliamperes")?.read("a number of milliamperes") {
      Double($0).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }
    let part = try fields.optional("part")?.text("the name of a part")
    guard let colour = colour ?? old?.colour else {
      throw fields.missing("colour")
    }
    return Board.LED(
      name, colour, device: device, pin: pin, activeHigh: active ?? old?.activeHigh ?? true,
      milliamperes: current ?? old?.milliamperes, part: part ?? old?.part)
  }
}

extension Board.Button: BoardEntry {
  fileprivate static var what: String { "button" }

  fileprivate static func read(
    _ fields: inout YAMLFields, _ name: String, _ old: Board.Button?, _ reader: BoardReader
  ) throws(FileError) -> Board.Button {
    let (device, pin) = try reader.pin(
      fields.optional("pin"), old.map { ($0.device, $0.pin) }, fields)
    let pressed = try fields.optional("pressed").map(BoardReader.level) ?? old?.pressed
    guard let pressed else { throw fields.missing("pressed") }
    return Board.Button(name, device: device, pin: pin, pressed: pressed)
  }
}

extension BoardReader {
  fileprivate static func level(_ value: YAMLText) throws(FileError) -> Bool {
    try value.read("high or low") { ["high": true, "low": false][$0] }
  }

  /// "gpiof.1"
  fileprivate func pin(
    _ value: YAMLText?, _ old: (String, Int)?, _ fields: YAMLFields
  ) throws(FileError) -> (String, Int) {
    guard let value else {
      if let old { return old }
      throw fields.missing("pin")
    }
    return try value.read("a pin of a device, such as gpiof.1", WireText.pin)
  }
}

extension Placement: BoardEntry {
  fileprivate static var what: String { "device" }

  fileprivate static func read(
    _ fields: inout YAMLFields, _ name: String, _ old: Placement?, _ reader: BoardReader
  ) throws(FileError) -> Placement {
    let device = try reader.device(&fields, old)
    var addresses = old.map { [$0.address] + $0.others }
    if let at = fields.optional("at") {
      addresses = []
      for one in at.isList ? try at.list("addresses") : [at] {
        addresses?.append(try one.number("an address"))
      }
    }
    guard let addresses, let address = addresses.first else {
      throw fields.missing("at")
    }
    let size = try fields.optional("size")?.size() ?? old?.size ?? 0x1000
    let gate = try fields.optional("gate")?.text("the name of a clock gate") ?? old?.gate
    let wires = try reader.wires(&fields) ?? old?.wires ?? [:]
    return reader.place(
      device, name: name, at: address, others: Array(addresses.dropFirst()), size: size,
      gate: gate, wires: wires)
  }
}

extension BoardReader {
  fileprivate func place(
    _ device: some Device, name: String, at address: UInt64, others: [UInt64], size: UInt64,
    gate: String?, wires: [Int: [Board.Wire]]
  ) -> Placement {
    Placement(name, device, at: address, or: others, size: size, gate: gate, wires: wires)
  }

  fileprivate func device(
    _ fields: inout YAMLFields, _ old: Placement?
  ) throws(FileError) -> any Device {
    let type = fields.optional("type")
    let given = fields.optional("parameters")
    if type == nil && given == nil, let old { return old.device }
    let oldType = (old?.device as? any BoardDevice).map { Swift.type(of: $0).typeName }
    guard let name = try type?.text("a device type") ?? oldType else {
      throw fields.missing("type")
    }
    var parameters = DeviceParameters()
    var places: [String: YAMLText] = [:]
    for (key, value) in try given?.members("a map of parameters") ?? [] {
      let name = try key.text("the name of a parameter")
      places[name] = key
      if value.isList {
        var texts: [String] = []
        for one in try value.list("values") { texts.append(try one.text("a value")) }
        parameters.add(name, .list(texts))
      } else {
        parameters.add(name, try value.text("a value, or a list of values"))
      }
    }
    let made: (any BoardDevice)?
    do { made = try types.make(name, &parameters) } catch {
      let place = places[error.parameter] ?? given ?? type ?? fields.map
      throw place.error("\(name): \(error.parameter) \(error.message)")
    }
    guard let made else {
      throw (type ?? fields.map).error(
        "there is no device type \"\(name)\"; there are \(types.names.joined(separator: ", "))")
    }
    if let unknown = parameters.unknown, let place = places[unknown] {
      let known = parameters.known.joined(separator: ", ")
      throw place.error(
        "\(name) has no parameter \"\(unknown)\"; "
          + (known.isEmpty ? "it has none" : "it has \(known)"))
    }
    return made
  }

  /// nil: nothing is said of them.
  fileprivate func wires(_ fields: inout YAMLFields) throws(FileError) -> [Int: [Board.Wire]]? {
    let interrupt = fields.optional("interrupt")
    let map = fields.optional("wires")
    if interrupt == nil && map == nil { return nil }
    var wires: [Int: [Board.Wire]] = [:]
    if let interrupt {
      let number = try interrupt.number("a number of an interrupt")
      guard number < 1 << 16 else { throw interrupt.error("there is no interrupt \(number)") }
      switch core {
      case .cortexM4: wires[0] = [.interrupt(Int(number))]
      case .rv64: wires[0] = [.input(Int(number), of: "plic")]
      }
    }
    for (key, value) in try map?.members("a map from lines to where they lead") ?? [] {
      let lines = try key.read("a line from 0 to 63, or lines as 0..7", WireText.lines)
      for one in value.isList ? try value.list("places") : [value] {
        let wire = try one.read(WireText.form, WireText.wire)
        for (number, line) in lines.enumerated() {
          wires[line, default: []].append(WireText.shifted(wire, by: number))
        }
      }
    }
    return wires
  }
}
