import Emu
import Timeline

/// A chain of causes, in words and as JSON.
public struct CauseReport {
  public let cause: Cause
  private let name: String
  private let board: Board
  private let debug: DebugInfo
  private let clock: Clock

  /// - Parameter name: of the value, as its user has it.
  public init(_ cause: Cause, name: String, _ machine: Machine, _ debug: DebugInfo) {
    self.cause = cause
    self.name = name
    board = machine.board
    clock = machine.clock
    self.debug = debug
  }

  /// A value of the chain in words, with those that it was made of behind it and one deeper.
  public struct Line: Hashable, Sendable {
    public var depth: Int
    /// `ticks = 0x19`
    public var value: String
    /// Who wrote it, and what else is known: a sentence each.
    public var words: [String]
    public var index: UInt64?
    public var tick: Tick?
  }

  public var lines: [Line] {
    var lines: [Line] = []
    add(cause, name, 0, &lines)
    return lines
  }

  public var text: String {
    var text: [String] = []
    for line in lines {
      let indent = String(repeating: "  ", count: line.depth)
      text.append(indent + line.value)
      text += line.words.map { "\(indent)  \($0)" }
    }
    return text.joined(separator: "\n")
  }

  public var json: String {
    var json = JSONWriter(pretty: true)
    json.object { add(cause, name, &$0) }
    return json.text
  }

  // MARK: Words

  private func add(_ cause: Cause, _ name: String, _ depth: Int, _ lines: inout [Line]) {
    var words = [self.words(cause.writer)]
    if cause.saves > 0 {
      words.append(
        "saved on the stack and brought back \(cause.saves == 1 ? "once" : "\(cause.saves) times") since"
      )
    }
    for address in cause.addresses {
      words.append(
        "at an address by \(register(address.register, address.hart)) = \(hex(address.value))")
    }
    switch cause.rest {
    case .limit: words.append("and so on")
    case .known: words.append("as above")
    case .followed:
      if case .instruction = cause.writer, cause.sources.isEmpty {
        words.append("a constant of that instruction")
      }
    }
    lines.append(
      Line(
        depth: depth, value: "\(name) = \(value(cause))", words: words, index: cause.writer.index,
        tick: cause.writer.tick))
    for source in cause.sources { add(source, self.name(source.place), depth + 1, &lines) }
  }

  private func words(_ writer: Cause.Writer) -> String {
    switch writer {
    case .instruction(let site): "by \(words(site))"
    case .core(let site):
      "by the core itself, an exception or a call that was answered, with \(words(site))"
    case .transfer(let device, let index, _):
      "by \(board.devices[device].name) itself (DMA) at index \(index)"
    case .device(let device?, let index, _):
      "from outside: \(board.devices[device].name) had it at index \(index)"
    case .device(nil, let index, _): "from outside: the core's own, at index \(index)"
    case .input(let index, _): "from outside: written by a debugger or a test at index \(index)"
    case .start: "so since the beginning"
    case .earlier(let index): "written before index \(index), which is too long ago to look"
    }
  }

  private func words(_ site: Cause.Site) -> String {
    var text = "index \(site.index), pc \(hex(site.pc))"
    if board.harts > 1 { text += ", hart \(site.hart)" }
    if let place = debug.place(at: site.pc) { text += ", \(place)" }
    if let line = debug.sourceLine(at: site.pc) { text += " (\(line.file):\(line.line))" }
    return text
  }

  private func value(_ cause: Cause) -> String {
    guard case .pin(let pin, let device) = cause.place else { return hex(cause.value) }
    guard let led = led(pin, device) else { return cause.value == 0 ? "low" : "high" }
    return (cause.value != 0) == led.activeHigh ? "on" : "off"
  }

  private func led(_ pin: Int, _ device: Int) -> Board.LED? {
    board.leds.first { $0.pin == pin && $0.device == board.devices[device].name }
  }

  private func name(_ place: ValuePlace) -> String {
    switch place {
    case .register(let register, let hart): return self.register(register, hart)
    case .pin(let pin, let device):
      return led(pin, device)?.name ?? "pin \(pin) of \(board.devices[device].name)"
    case .memory(let bytes):
      if let register = deviceRegister(bytes.physical) {
        return "\(register) (\(hex(bytes.address)))"
      }
      let size = "\(bytes.size) byte\(bytes.size == 1 ? "" : "s")"
      return debug.place(at: bytes.address).map { "\($0) (\(hex(bytes.address)), \(size))" }
        ?? "\(hex(bytes.address)) (\(size))"
    }
  }

  /// `uart0.UARTDR`
  private func deviceRegister(_ physical: UInt64) -> String? {
    for device in board.devices {
      for start in [device.address] + device.others where physical &- start < device.size {
        let offset = physical - start
        let register = device.map.registers.last {
          $0.offset <= offset && offset - $0.offset < $0.size * $0.count
        }
        return "\(device.name)." + (register?.name ?? "0x" + String(offset, radix: 16))
      }
    }
    return nil
  }

  private func register(_ register: RegisterName, _ hart: Int) -> String {
    let name = ValueExpression.name(register, board.core.machine)
    return board.harts > 1 ? "hart\(hart):\(name)" : name
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  // MARK: JSON

  private func add(_ cause: Cause, _ name: String, _ json: inout JSONWriter) {
    json.add("name", name)
    json.add("value", hex: cause.value)
    var site: Cause.Site?
    var device: Int?
    let kind: String
    switch cause.writer {
    case .instruction(let place): (kind, site) = ("instruction", place)
    case .core(let place): (kind, site) = ("core", place)
    case .transfer(let number, _, _): (kind, device) = ("transfer", number)
    case .device(let number, _, _): (kind, device) = ("device", number)
    case .input: kind = "input"
    case .start: kind = "start"
    case .earlier: kind = "earlier"
    }
    json.add("by", kind)
    json.add("index", cause.writer.index)
    json.add("nanoseconds", cause.writer.tick.map { clock.nanoseconds(at: $0) })
    json.add("device", device.map { board.devices[$0].name })
    json.add("hart", site.map { UInt64($0.hart) })
    json.add("pc", site.map { hex($0.pc) })
    json.add("function", site.flatMap { debug.place(at: $0.pc) })
    let line = site.flatMap { debug.sourceLine(at: $0.pc) }
    json.add("file", line?.file)
    json.add("line", line.map { UInt64($0.line) })
    json.add("saves", cause.saves)
    json.add("isFollowed", cause.rest == .followed)
    json.array("addresses") { json in
      for address in cause.addresses {
        json.object {
          $0.add("name", register(address.register, address.hart))
          $0.add("value", hex: address.value)
        }
      }
    }
    json.array("sources") { json in
      for source in cause.sources { json.object { add(source, self.name(source.place), &$0) } }
    }
  }
}
