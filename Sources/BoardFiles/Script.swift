import Devices
import Emu

/// What the world outside does to a board, and what is expected of it, step by step in virtual time: a YAML file with the names of
/// Wokwi's automation scenarios where they fit (docs/boards.md, Scripts).
///
/// ```
/// let script = try Script(path: "blink.yaml", board: machine.board)
/// let run = ScriptRun(script, machine.board)
/// ```
public struct Script: Sendable {
  struct Step: Sendable {
    /// "expect-led"
    let name: String
    /// "blink.yaml:7:5"
    let place: String
    let action: Action
  }

  enum Action: Sendable {
    case delay(Duration)
    /// On the console, behind what the wait before this one has seen.
    case waitSerial([UInt8], within: Duration?)
    case writeSerial([UInt8])
    case control(button: String, isPressed: Bool)
    case pin(device: String, pin: Int, level: Bool)
    case led(String, isOn: Bool)
    /// share: how much of a period may be missing, or too much, in each.
    case blinks(String, hertz: Double, share: Double, for: Duration)
  }

  public let path: String
  let steps: [Step]

  /// - Parameter board: whose buttons, pins and LEDs it names.
  public init(path: String, board: Board) throws(FileError) {
    try self.init(YAMLText(path: path), board)
  }

  public init(_ text: String, path: String, board: Board) throws(FileError) {
    try self.init(YAMLText(Array(text.utf8), path: path), board)
  }

  private init(_ root: YAMLText, _ board: Board) throws(FileError) {
    path = root.path
    let reader = ScriptReader(board: board)
    var list = root
    if root.isMap {
      var fields = try root.fields("a script: a map with a list of steps")
      _ = try fields.optional("name")?.text("a name")
      if let version = fields.optional("version"), try version.number() != 1 {
        throw version.error("there is only version 1")
      }
      // ScriptOptions reads it.
      _ = fields.optional("run")
      list = try fields.required("steps")
      try fields.finish()
    }
    var steps: [Step] = []
    for one in try list.list("a list of steps") { steps.append(try reader.step(one)) }
    if steps.isEmpty { throw list.error("a script has at least one step") }
    self.steps = steps
  }
}

/// Makes a step of its entry in the list.
private struct ScriptReader {
  let board: Board

  func step(_ entry: YAMLText) throws(FileError) -> Script.Step {
    let members = try entry.members("a step, such as delay: 500ms")
    guard members.count == 1, let (key, value) = members.first else {
      throw entry.error("a step is one key and what belongs to it")
    }
    let name = try key.text("the name of a step")
    let place = "\(entry.path):\(key.node.mark?.line ?? 1):\(key.node.mark?.column ?? 1)"
    return Script.Step(name: name, place: place, action: try action(name, key, value))
  }

  private func action(
    _ name: String, _ key: YAMLText, _ value: YAMLText
  ) throws(FileError) -> Script.Action {
    switch name {
    case "delay": return .delay(try duration(value))
    case "wait-serial":
      guard value.isMap else { return .waitSerial(try bytes(value), within: nil) }
      var fields = try value.fields("a text")
      let text = try bytes(fields.required("text"))
      let within = try fields.optional("within").map(duration)
      try fields.finish()
      return .waitSerial(text, within: within)
    case "write-serial": return .writeSerial(try bytes(value))
    case "set-control": return try control(value)
    case "expect-pin": return try pin(value)
    case "expect-led": return try led(value)
    default:
      throw key.error(
        "there is no step \"\(name)\"; there are delay, wait-serial, write-serial, set-control, "
          + "expect-pin and expect-led")
    }
  }

  private func duration(_ value: YAMLText) throws(FileError) -> Duration {
    try value.read("a time such as 500ms", ScriptNumber.duration)
  }

  private func bytes(_ value: YAMLText) throws(FileError) -> [UInt8] {
    let text = try value.text("a text")
    if text.isEmpty { throw value.error("here is to be a text that is not empty") }
    return Array(text.utf8)
  }

  private func control(_ value: YAMLText) throws(FileError) -> Script.Action {
    var fields = try value.fields("a map: {part-id: SW1, control: pressed, value: 1}")
    let part = try fields.required("part-id")
    let name = try part.text("the name of a button")
    let control = fields.optional("control")
    if let control, try control.text("a control") != "pressed" {
      throw control.error("a button has one control, pressed")
    }
    let isPressed = try level(fields.required("value"))
    try fields.finish()
    if !board.buttons.contains(where: { $0.name == name }) {
      let known = board.buttons.map(\.name).joined(separator: ", ")
      throw part.error(
        "\(board.name) has no button \"\(name)\"; "
          + (known.isEmpty ? "it has none at all" : "it has \(known)"))
    }
    return .control(button: name, isPressed: isPressed)
  }

  private func level(_ value: YAMLText) throws(FileError) -> Bool {
    try value.read("0 or 1") { ["0": false, "1": true, "low": false, "high": true][$0] }
  }

  /// `{part-id: gpiof, pin: 1, value: 1}`, or `pin: gpiof.1`.
  private func pin(_ value: YAMLText) throws(FileError) -> Script.Action {
    var fields = try value.fields("a map: {pin: gpiof.1, value: 1}")
    let part = fields.optional("part-id")
    let pin = try fields.required("pin")
    let level = try level(fields.required("value"))
    try fields.finish()
    let device: String
    let number: Int
    if let part {
      device = try part.text("the name of a device")
      number = try pin.read("the number of a pin") { Int($0).flatMap { $0 >= 0 ? $0 : nil } }
    } else {
      (device, number) = try pin.read("a pin of a device, such as gpiof.1", WireText.pin)
    }
    if board.slot(of: device) == nil {
      throw (part ?? pin).error("\(board.name) has no device \"\(device)\"")
    }
    return .pin(device: device, pin: number, level: level)
  }

  private func led(_ value: YAMLText) throws(FileError) -> Script.Action {
    var fields = try value.fields("a map: {led: PF1, blinks: 1 Hz ± 5 %}")
    let name = try fields.required("led")
    let led = try name.text("the name of an LED")
    let state = fields.optional("is")
    let blinks = fields.optional("blinks")
    let time = fields.optional("for")
    try fields.finish()
    if !board.leds.contains(where: { $0.name == led }) {
      let known = board.leds.map(\.name).joined(separator: ", ")
      throw name.error(
        "\(board.name) has no LED \"\(led)\"; "
          + (known.isEmpty ? "it has none at all" : "it has \(known)"))
    }
    switch (state, blinks) {
    case (let state?, nil):
      if let time { throw time.error("\"for\" goes with \"blinks\"") }
      return .led(led, isOn: try state.read("on or off") { ["on": true, "off": false][$0] })
    case (nil, let blinks?):
      let (hertz, share) = try blinks.read(
        "a frequency and how exact it is, such as 1 Hz ± 5 %", ScriptNumber.frequency)
      // Two periods and what belongs to a third, wherever in one it begins.
      let usual = Duration.nanoseconds(Int64(min(3.5e9 / hertz, 1e15)))
      return .blinks(led, hertz: hertz, share: share, for: try time.map(duration) ?? usual)
    default: throw value.error("an LED is expected either with \"is\" or with \"blinks\"")
    }
  }
}

/// Times and frequencies as scripts have them.
enum ScriptNumber {
  /// "500ms", "1.5 s"; a number alone is milliseconds, as Wokwi has it.
  static func duration(_ text: String) -> Duration? {
    let number = text.prefix { $0.isNumber || $0 == "." || $0 == "_" }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    let scale: Double
    switch unit {
    case "ns": scale = 1
    case "us", "µs", "μs": scale = 1e3
    case "ms", "": scale = 1e6
    case "s": scale = 1e9
    case "min": scale = 6e10
    default: return nil
    }
    guard let value = Double(String(number.filter { $0 != "_" })) else { return nil }
    let nanoseconds = (value * scale).rounded()
    return nanoseconds.isFinite && (0...1e18 ~= nanoseconds)
      ? .nanoseconds(Int64(nanoseconds)) : nil
  }

  /// "1 Hz ± 5 %"; without a tolerance it is 1 %.
  static func frequency(_ text: String) -> (hertz: Double, share: Double)? {
    let ascii = text.split(separator: "±", omittingEmptySubsequences: false)
    let parts =
      ascii.count == 2 ? ascii.map(String.init) : text.split(separator: "+-").map(String.init)
    guard (1...2).contains(parts.count) else { return nil }
    var share = 0.01
    if parts.count == 2 {
      let words = parts[1].filter { $0 != " " }
      guard words.hasSuffix("%"), let percent = Double(words.dropLast()), 0..<50 ~= percent else {
        return nil
      }
      share = percent / 100
    }
    let words = parts[0].filter { $0 != " " }
    for (unit, scale) in [("kHz", 1e3), ("MHz", 1e6), ("Hz", 1)] where words.hasSuffix(unit) {
      guard let value = Double(words.dropLast(unit.count)), value.isFinite, value * scale >= 1e-3,
        value * scale <= 1e9
      else { return nil }
      return (value * scale, share)
    }
    return nil
  }
}
