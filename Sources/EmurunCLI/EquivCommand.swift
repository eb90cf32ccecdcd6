import ArgumentParser
import Devices
import Emu
import Timeline

/// `emurun equiv A B`: one program, built twice. Whoever looks at the board sees no difference but in time.
struct EquivCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "equiv",
    abstract: "Run two builds of a program and compare them; 1 if they differ.",
    discussion: """
      They may be for different cores and boards. Compared are the console's text, the order in which \
      LEDs change, and how the runs end; not when. Where a run is cut off by --for, what came until \
      then is.
      """)

  @Argument(help: "One image.")
  var a: String

  @Argument(help: "And the other one.")
  var b: String

  @Option(
    help: ArgumentHelp(
      "Which LED of A is which of B, lines such as: led PF1 = led0. Others are not compared.",
      valueName: "file"))
  var map: String?

  @Flag(help: "Answer the semihosting calls of both.")
  var semihosting = false

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("Virtual time of each run. (default: 10s)", valueName: "duration"),
    transform: VirtualTime.parse)
  var duration: VirtualTime?

  func run(on host: Host) throws(Refusal) -> Int32 {
    let leds = try map.map { path throws(Refusal) in
      try EquivMap(InputFile.read(path, standardInput: host.input), path: path)
    }
    let (first, second) = try (plan(a, host), plan(b, host))
    try leds?.check(first.board, second.board)
    var one = try ObservedRun(a, first, leds?.names(\.a) ?? [:], host)
    var two = try ObservedRun(b, second, leds?.names(\.b) ?? [:], host)
    if leds?.ignoresNumbers == true {
      one.forgetNumbers()
      two.forgetNumbers()
    }
    let builds = BuildComparison(
      one: one, two: two, pairs: leds?.pairs ?? [], endsCount: leds?.ignoresEnd != true)
    guard let difference = builds.difference else {
      try host.output.write((builds.summary + "\n").utf8)
      return builds.isEmpty ? ExitCode.failure : ExitCode.success
    }
    var lines = [difference.what]
    for (sign, run, index) in [("-", one, difference.a), ("+", two, difference.b)] {
      let place = try index.map { index throws(Refusal) in try run.place(index) }
      lines.append("\(sign) \(run.path.printable): \(place ?? "nothing more, \(run.endStory)")")
    }
    try host.output.write((lines.joined(separator: "\n") + "\n").utf8)
    return ExitCode.failure
  }

  private func plan(_ path: String, _ host: Host) throws(Refusal) -> RunPlan {
    let words = semihosting ? ["--semihosting"] : []
    var plan = try Emurun.plan(of: path, words: words, types: host.deviceTypes)
    let nanoseconds = duration.map(\.nanoseconds) ?? 10_000_000_000
    plan.end = nanoseconds.map { Moment(nanoseconds: $0) }
    plan.options.keptEvents = MachineOptions.usualEvents
    return plan
  }
}

extension Emurun {
  /// What `emurun IMAGE` would run.
  static func plan(
    of image: String, words: [String] = [], types: DeviceTypes = .builtIn
  ) throws(Refusal) -> RunPlan {
    guard let command = try? parseAsRoot([image] + words) as? Emurun else {
      throw Refusal(ExitCode.usage, "\(image): is no name of an image; write ./\(image)")
    }
    return try command.plan(standardInput: -1, types: types)
  }
}

/// Two runs beside each other.
private struct BuildComparison {
  let one: ObservedRun
  let two: ObservedRun
  let pairs: [EquivMap.Pair]
  /// How they end is compared, too.
  let endsCount: Bool

  /// There is nothing that both did and that is looked at.
  var isEmpty: Bool {
    bytes == 0 && changes == 0 && (one.isCut || two.isCut || !endsCount)
  }

  private var bytes: Int { min(one.text.count, two.text.count) }
  private var changes: Int { min(one.changes.count, two.changes.count) }

  /// The first one, with the index of the instruction on each side; nil there: nothing more came.
  var difference: (what: String, a: UInt64?, b: UInt64?)? {
    if let place = Self.parting(one.text, two.text, one.isCut, two.isCut) {
      return (
        "the text parts at byte \(Quantity.grouped(place)), behind \(tail(before: place)): "
          + "\(byte(one.text, place)) and \(byte(two.text, place))",
        Self.element(one.textIndexes, place), Self.element(two.textIndexes, place)
      )
    }
    if let place = Self.parting(one.changes, two.changes, one.isCut, two.isCut) {
      return (
        "the LEDs part at change \(Quantity.grouped(place)): "
          + "\(change(one.changes, place, \.a)) and \(change(two.changes, place, \.b))",
        Self.element(one.changeIndexes, place), Self.element(two.changeIndexes, place)
      )
    }
    if endsCount && one.endWords != two.endWords { return ("the ends are not the same", nil, nil) }
    return nil
  }

  private static func element<T>(_ list: [T], _ place: Int) -> T? {
    list.indices.contains(place) ? list[place] : nil
  }

  /// Where they differ; one that was cut off need not have what the other has more.
  private static func parting<T: Equatable>(
    _ one: [T], _ two: [T], _ oneIsCut: Bool, _ twoIsCut: Bool
  ) -> Int? {
    let same = zip(one, two).prefix { $0 == $1 }.count
    if same < min(one.count, two.count) { return same }
    if one.count < two.count { return oneIsCut ? nil : same }
    if two.count < one.count { return twoIsCut ? nil : same }
    return nil
  }

  private func tail(before place: Int) -> String {
    let text = String(decoding: one.text[..<place].suffix(24), as: UTF8.self)
    return "\"\(text.printable)\""
  }

  private func byte(_ text: [UInt8], _ place: Int) -> String {
    guard let byte = Self.element(text, place) else { return "nothing" }
    return 0x21..<0x7F ~= byte
      ? "'\(Character(UnicodeScalar(byte)))'" : "0x" + String(byte, radix: 16)
  }

  private func change(
    _ changes: [ObservedRun.Change], _ place: Int, _ side: KeyPath<EquivMap.Pair, String>
  ) -> String {
    guard let change = Self.element(changes, place) else { return "nothing" }
    return pairs[change.led][keyPath: side] + (change.isOn ? " on" : " off")
  }

  var summary: String {
    if isEmpty { return "nothing to compare: no text of both, and no LED of --map changes in both" }
    let end = endsCount ? (one.isCut ? "both " : "") + one.endWords : "ends not compared"
    return "the same: \(Quantity.grouped(bytes)) bytes of text, "
      + "\(Quantity.grouped(changes)) changes of \(pairs.count) LEDs; \(end)"
  }
}
