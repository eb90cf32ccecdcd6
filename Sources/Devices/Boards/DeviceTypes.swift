import Emu

/// The types of devices that board files can name. Somebody with devices of their own adds them:
/// `DeviceTypes.builtIn.adding(Chime.self)`.
public struct DeviceTypes: Sendable {
  private var types: [String: any BoardDevice.Type] = [:]

  /// Sorted.
  public var names: [String] { types.keys.sorted() }

  /// One of that name, which replaces the one that had it.
  public func adding<D: BoardDevice>(_ type: D.Type) -> DeviceTypes {
    var types = self
    types.types[type.typeName] = type
    return types
  }

  /// nil: there is no such type.
  public func make(
    _ name: String, _ parameters: inout DeviceParameters
  ) throws(ParameterError) -> (any BoardDevice)? {
    guard let type = types[name] else { return nil }
    return try type.init(&parameters)
  }

  public static let builtIn = DeviceTypes()
    .adding(CFIFlash.self).adding(CLINT.self).adding(DeclaredPeripheral.self)
    .adding(GPIOFBlock.self).adding(GoldfishRTC.self).adding(PCIHost.self).adding(PL011.self)
    .adding(PL022.self).adding(PLIC.self).adding(SiFiveGPIO.self).adding(SiFiveTest.self)
    .adding(StellarisADC.self).adding(StellarisGPIO.self).adding(StellarisI2C.self)
    .adding(StellarisSystemControl.self).adding(StellarisTimer.self)
    .adding(StellarisWatchdog.self).adding(TM4CADC.self).adding(TM4CDMA.self)
    .adding(TM4CEEPROM.self).adding(TM4CFlashControl.self).adding(TM4CHibernation.self)
    .adding(TM4CI2C.self).adding(TM4CPWM.self).adding(TM4CSystemControl.self)
    .adding(TM4CSystemExceptions.self).adding(UART16550.self).adding(VirtioEmptySlot.self)
    .adding(VirtioMMIO<VirtioConsole>.self).adding(VirtioMMIO<VirtioEntropy>.self)
}

// MARK: Without parameters

extension GPIOFBlock: BoardDevice { public static var typeName: String { "m4-led-port" } }
extension SiFiveGPIO: BoardDevice { public static var typeName: String { "sifive-gpio" } }
extension SiFiveTest: BoardDevice { public static var typeName: String { "sifive-test" } }
extension StellarisADC: BoardDevice { public static var typeName: String { "stellaris-adc" } }
extension StellarisI2C: BoardDevice { public static var typeName: String { "stellaris-i2c" } }
extension TM4CDMA: BoardDevice { public static var typeName: String { "tm4c-udma" } }
extension TM4CEEPROM: BoardDevice { public static var typeName: String { "tm4c-eeprom" } }
extension TM4CHibernation: BoardDevice {
  public static var typeName: String { "tm4c-hibernation" }
}
extension TM4CPWM: BoardDevice { public static var typeName: String { "tm4c-pwm" } }
extension TM4CSystemExceptions: BoardDevice {
  public static var typeName: String { "tm4c-system-exceptions" }
}
extension UART16550: BoardDevice { public static var typeName: String { "uart16550" } }

// MARK: With parameters

extension CFIFlash: BoardDevice {
  public static var typeName: String { "cfi-flash" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let banks = try parameters.number("banks", default: 2, in: 1...8)
    let size = try parameters.size("bank-size", default: 32 << 20)
    guard size.nonzeroBitCount == 1, (Self.sectorSize...(1 << 30)).contains(size) else {
      throw ParameterError("bank-size", "is a power of two from 256 KiB to 1 GiB")
    }
    self.init(banks: banks, bankSize: size)
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if state.banks.count != 2 { parameters.add("banks", "\(state.banks.count)") }
    if bankSize != 32 << 20 { parameters.add("bank-size", BoardQuantity.size(bankSize)) }
    return parameters
  }
}

extension CLINT: BoardDevice {
  public static var typeName: String { "clint" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let harts = try parameters.number("harts", default: 1, in: 1...Board.mostHarts)
    let text = try parameters.text("timebase") ?? "1/100"
    guard let ratio = Ratio(boardText: text), ratio.numerator <= ratio.denominator else {
      throw ParameterError(
        "timebase", "is mtime's part of the core clock, such as 1/100, not \"\(text)\"")
    }
    self.init(harts: harts, timebase: ratio)
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if harts != 1 { parameters.add("harts", "\(harts)") }
    parameters.add("timebase", timebase.boardText)
    return parameters
  }
}

extension Ratio {
  /// "1/100"
  public init?(boardText text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let one = UInt64(parts[0]), let other = UInt64(parts[1]), one > 0,
      other > 0
    else { return nil }
    self.init(one, other)
  }
  public var boardText: String { "\(numerator)/\(denominator)" }
}

extension DeclaredPeripheral: BoardDevice {
  public static var typeName: String { "declared" }

  /// `of`: one that is known by name; otherwise `registers`, each "NAME OFFSET" and perhaps how many there are.
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    if let name = try parameters.text("of") {
      guard let known = Self.known.first(where: { $0.name == name }) else {
        let names = Self.known.map(\.name).joined(separator: ", ")
        throw ParameterError("of", "is one of \(names), not \"\(name)\"")
      }
      self = known.device
      return
    }
    let texts = parameters.list("registers")
    var registers: [RegisterMap.Register] = []
    for text in texts {
      let words = text.split(separator: " ").map(String.init)
      let numbers = words.dropFirst().compactMap(BoardQuantity.number)
      let count = numbers.count == 2 ? numbers[1] : 1
      guard (2...3).contains(words.count), numbers.count == words.count - 1,
        numbers[0] % 4 == 0, numbers[0] < 1 << 24, 1...(1 << 20) ~= count
      else {
        throw ParameterError(
          "registers",
          "are each a name, an offset in words and perhaps a count, as \"CTL 0x10\" "
            + "or \"DATA 0x40 16\", not \"\(text)\"")
      }
      registers.append(.notModelled(words[0], numbers[0], count: count))
    }
    registers.sort { $0.offset < $1.offset }
    for (one, next) in zip(registers, registers.dropFirst())
    where one.offset + 4 * one.count > next.offset {
      throw ParameterError("registers", "\(one.name) and \(next.name) overlap")
    }
    self.init(registers)
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if let known = Self.known.first(where: { $0.device.map.registers == map.registers }) {
      parameters.add("of", known.name)
    } else {
      parameters.add(
        "registers",
        .list(
          map.registers.map { register in
            "\(register.name) 0x\(String(register.offset, radix: 16))"
              + (register.count == 1 ? "" : " \(register.count)")
          }))
    }
    return parameters
  }

  private static let known: [(name: String, device: DeclaredPeripheral)] = [
    ("lm3s-flash-control", lm3sFlashControl), ("lm3s-hibernation", lm3sHibernation),
    ("lm3s-ethernet", lm3sEthernet), ("lm3s-comparators", lm3sComparators),
    ("lm3s-pwm", lm3sPWM), ("lm3s-encoder", lm3sEncoder), ("fw-cfg", firmwareConfiguration),
    ("tm4c-can", tm4cCAN), ("tm4c-usb", tm4cUSB), ("tm4c-comparators", tm4cComparators),
    ("tm4c-encoder", tm4cEncoder),
  ]
}

extension GoldfishRTC: BoardDevice {
  public static var typeName: String { "goldfish-rtc" }

  /// `clock`: the core's.
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(clock: try parameters.clock())
  }

  public var parameters: DeviceParameters { DeviceParameters(clock: clock) }
}

extension DeviceParameters {
  fileprivate mutating func clock() throws(ParameterError) -> Clock {
    let hertz = try frequency("clock")
    if hertz == 0 { throw ParameterError("clock", "is more than 0 Hz") }
    return Clock(hertz: hertz)
  }

  fileprivate init(clock: Clock) {
    self.init()
    add("clock", BoardQuantity.hertz(clock.hertz))
  }

  /// One choice, where it is not the usual one.
  fileprivate init<Choice: RawRepresentable<String> & Equatable>(
    _ name: String, _ choice: Choice, unless usual: Choice
  ) {
    self.init()
    if choice != usual { add(name, choice.rawValue) }
  }
}

extension PL011: BoardDevice {
  public static var typeName: String { "pl011" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(
      try parameters.choice("line", default: .instant), hasModem: try parameters.flag("modem"))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters("line", line, unless: .instant)
    if hasModem { parameters.add("modem", "true") }
    return parameters
  }
}

extension PL022: BoardDevice {
  public static var typeName: String { "pl022" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(
      isTM4C: try parameters.flag("tm4c"), eeprom: try SerialEEPROM(&parameters))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if isTM4C { parameters.add("tm4c", "true") }
    state.eeprom?.add(to: &parameters)
    return parameters
  }
}

extension SerialEEPROM {
  /// `eeprom`: how large one is, which is empty; nil: there is none.
  fileprivate init?(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let size = try parameters.size("eeprom", default: 0)
    if size == 0 { return nil }
    guard size.nonzeroBitCount == 1, size <= 65_536 else {
      throw ParameterError("eeprom", "is a power of two up to 64 KiB")
    }
    self.init([UInt8](repeating: 0xFF, count: Int(size)))
  }

  fileprivate func add(to parameters: inout DeviceParameters) {
    parameters.add("eeprom", BoardQuantity.size(UInt64(bytes.count)))
  }
}

extension TM4CI2C: BoardDevice {
  public static var typeName: String { "tm4c-i2c" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let eeprom = try SerialEEPROM(&parameters)
    self.init(
      eeprom: eeprom, at: try parameters.number("address", default: 0x50, in: 0...0x7F))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    state.eeprom?.add(to: &parameters)
    if busAddress != 0x50 { parameters.add("address", "0x" + String(busAddress, radix: 16)) }
    return parameters
  }
}

extension TM4CADC: BoardDevice {
  public static var typeName: String { "tm4c-adc" }

  /// `inputs`: what AIN0 and on see, each in millivolts, and behind an "@" from how many nanoseconds on: "0 3300@500_000_000".
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let texts = parameters.list("inputs")
    if texts.count > Self.inputs { throw ParameterError("inputs", "are \(Self.inputs) at most") }
    var signals: [Signal] = []
    for text in texts {
      var steps: [(UInt64, UInt32)] = []
      for word in text.split(separator: " ") {
        let parts = word.split(separator: "@", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { BoardQuantity.number(String($0)) }
        guard (1...2).contains(parts.count), numbers.count == parts.count, numbers[0] <= 100_000
        else {
          throw ParameterError(
            "inputs", "are millivolts as 1650 or 0 3300@500000000, not \"\(text)\"")
        }
        steps.append((numbers.count == 2 ? numbers[1] : 0, UInt32(numbers[0])))
      }
      signals.append(Signal(steps))
    }
    self.init(signals)
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    var signals = signals[...]
    while signals.last == Signal(millivolts: Self.reference / 2) { signals.removeLast() }
    let texts = signals.map { signal in
      signal.steps.map { step in
        "\(step.millivolts)" + (step.nanoseconds == 0 ? "" : "@\(step.nanoseconds)")
      }.joined(separator: " ")
    }
    if !texts.isEmpty { parameters.add("inputs", .list(texts)) }
    return parameters
  }
}

extension PLIC: BoardDevice {
  public static var typeName: String { "plic" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(harts: try parameters.number("harts", default: 1, in: 1...Board.mostHarts))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if contexts != 2 { parameters.add("harts", "\(contexts / 2)") }
    return parameters
  }
}

extension StellarisGPIO: BoardDevice {
  public static var typeName: String { "stellaris-gpio" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(
      try parameters.choice("chip", default: .lm3s6965),
      jtag: try parameters.number("jtag", default: 0),
      nmi: try parameters.number("nmi", default: 0),
      high: try parameters.number("high", default: 0),
      functions: try parameters.number("functions", default: 0))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if chip != .lm3s6965 { parameters.add("chip", chip.rawValue) }
    let nmi = ~state.commit & ~state.alternate
    for (name, pins) in [
      ("jtag", state.alternate), ("nmi", nmi), ("high", state.external),
    ] where pins != 0 {
      let digits = String(pins, radix: 16, uppercase: true)
      parameters.add(name, "0x" + (digits.count == 1 ? "0" : "") + digits)
    }
    if state.portControl != 0 {
      parameters.add("functions", BoardQuantity.hex(UInt64(state.portControl)))
    }
    return parameters
  }
}

extension StellarisSystemControl: BoardDevice {
  public static var typeName: String { "stellaris-sysctl" }

  /// `clock`: the core's.
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(clock: try parameters.clock())
  }

  public var parameters: DeviceParameters { DeviceParameters(clock: clock) }
}

extension StellarisTimer: BoardDevice {
  public static var typeName: String { "stellaris-timer" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(
      try parameters.choice("chip", default: .lm3s6965),
      synchronizes: try parameters.flag("sync"))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters("chip", chip, unless: .lm3s6965)
    if synchronizes { parameters.add("sync", "true") }
    return parameters
  }
}

extension StellarisWatchdog: BoardDevice {
  public static var typeName: String { "stellaris-watchdog" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(
      try parameters.choice("clocking", default: .system), hasNMI: try parameters.flag("nmi"))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters("clocking", clocking, unless: .system)
    if hasNMI { parameters.add("nmi", "true") }
    return parameters
  }
}

extension TM4CFlashControl: BoardDevice {
  public static var typeName: String { "tm4c-flash" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let size = try parameters.size("size", default: 256 << 10)
    guard size % 2048 == 0, (2048...(1 << 20)).contains(size) else {
      throw ParameterError("size", "is a multiple of 2 KiB up to 1 MiB")
    }
    self.init(size: UInt32(size))
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if size != 256 << 10 { parameters.add("size", BoardQuantity.size(UInt64(size))) }
    return parameters
  }
}

extension TM4CSystemControl: BoardDevice {
  public static var typeName: String { "tm4c-sysctl" }

  /// `watchdogs`: the devices whose resets are RESC.WDT0 and WDT1.
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let names = parameters.list("watchdogs")
    if names.count > 2 { throw ParameterError("watchdogs", "are two at most") }
    self.init(watchdogs: names)
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if !watchdogs.isEmpty { parameters.add("watchdogs", .list(watchdogs)) }
    return parameters
  }
}

extension VirtioEmptySlot: BoardDevice {
  public static var typeName: String { "virtio-slot" }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(version: try parameters.choice("version", default: .modern))
  }

  public var parameters: DeviceParameters {
    DeviceParameters("version", version, unless: .modern)
  }
}

/// What a virtio device needs to be named in a board file.
public protocol BoardVirtioFunction: VirtioFunction {
  static var typeName: String { get }
  init(_ parameters: inout DeviceParameters) throws(ParameterError)
  var parameters: DeviceParameters { get }
}

extension VirtioMMIO: BoardDevice where Function: BoardVirtioFunction {
  public static var typeName: String { Function.typeName }

  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let version: VirtioVersion = try parameters.choice("version", default: .modern)
    self.init(try Function(&parameters), version: version)
  }

  public var parameters: DeviceParameters {
    var parameters = function.parameters
    if version != .modern { parameters.add("version", version.rawValue) }
    return parameters
  }
}

extension VirtioConsole: BoardVirtioFunction {
  public static var typeName: String { "virtio-console" }
  public init(_ parameters: inout DeviceParameters) { self.init() }
  public var parameters: DeviceParameters { DeviceParameters() }
}

extension VirtioEntropy: BoardVirtioFunction {
  public static var typeName: String { "virtio-rng" }
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    self.init(seed: try parameters.number("seed", default: 0))
  }
  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    if seed != 0 { parameters.add("seed", "\(seed)") }
    return parameters
  }
}

extension PCIHost: BoardDevice {
  public static var typeName: String { "pci-host" }

  /// `window`: a name for traces; `size`. The one with the configuration space also says where the other windows are:
  /// `io`, `memory` and `high-memory`, each an address and a size, and the first of its four `interrupts`.
  public init(_ parameters: inout DeviceParameters) throws(ParameterError) {
    let name = try parameters.text("window") ?? "pci"
    let size = try parameters.size("size", default: nil)
    guard size % 4 == 0, size > 0 else { throw ParameterError("size", "is a multiple of 4") }
    let windows = try PCIWindows(&parameters)
    self.init(name, size: size, windows: windows)
  }

  public var parameters: DeviceParameters {
    var parameters = DeviceParameters()
    parameters.add("window", name)
    parameters.add("size", BoardQuantity.size(size))
    windows?.add(to: &parameters)
    return parameters
  }
}

extension PCIWindows {
  /// nil: none is given.
  fileprivate init?(_ parameters: inout DeviceParameters) throws(ParameterError) {
    var ranges: [Board.Range] = []
    for name in ["io", "memory", "high-memory"] {
      let texts = parameters.list(name)
      if texts.isEmpty { continue }
      guard texts.count == 2, let address = BoardQuantity.number(texts[0]),
        let size = BoardQuantity.size(texts[1])
      else { throw ParameterError(name, "is an address and a size, as [0x4000_0000, 1 GiB]") }
      ranges.append(.init(address: address, size: size))
    }
    let first: UInt32 = try parameters.number("interrupts", default: 32, in: 1...1000)
    if ranges.isEmpty { return nil }
    guard ranges.count == 3 else {
      throw ParameterError("io", "comes with memory and high-memory, or none of them")
    }
    self.init(
      ports: ranges[0], memory: ranges[1], highMemory: ranges[2], firstInterrupt: first)
  }

  fileprivate func add(to parameters: inout DeviceParameters) {
    for (name, range) in [("io", ports), ("memory", memory), ("high-memory", highMemory)] {
      parameters.add(
        name, .list([BoardQuantity.hex(range.address), BoardQuantity.size(range.size)]))
    }
    parameters.add("interrupts", "\(firstInterrupt)")
  }
}
