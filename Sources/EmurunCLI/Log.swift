import Emu
import Timeline

/// `--log json`: what emurun says on standard error, as objects, one a line.
///
/// Nothing in them is of the host: times are virtual, from the epoch of the OpenTelemetry export on, and the trace ID is of what the
/// run is of, so that it is known before it begins, and the same run logs the same bytes.
final class Log {
  enum Level: String {
    case info
    case warning
    case error
  }

  /// nil: there is no run yet.
  var traceID: String?
  var nanoseconds: () -> UInt64 = { 0 }

  func line(
    _ message: String, _ event: String, _ level: Level?,
    _ fields: (inout JSONWriter) -> Void
  ) -> String {
    var (words, found) = (message[...], Level.info)
    for (prefix, level) in [
      ("emurun: ", Level.info), ("warning: ", .warning), ("error: ", .error),
    ] where words.hasPrefix(prefix) {
      words = words.dropFirst(prefix.count)
      found = level
    }
    var json = JSONWriter()
    json.object {
      $0.add("ts", Self.time(OTLP.epoch &+ nanoseconds()))
      $0.add("level", (level ?? found).rawValue)
      $0.add("trace_id", traceID)
      $0.add("service", "emurun")
      $0.add("event", event)
      $0.add("message", String(words))
      fields(&$0)
    }
    return json.text
  }

  /// RFC 3339, with all nine digits.
  static func time(_ nanoseconds: UInt64) -> String {
    let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
    func digits(_ value: UInt64, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    // Years begin in March, so that the day which some have is their last.
    let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let year = 400 * era + yearOfEra + (month < 10 ? 0 : 1)
    return "\(digits(year, 4))-\(digits(month < 10 ? month + 3 : month - 9, 2))-\(digits(day, 2))"
      + "T\(digits(second / 3600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))"
      + ".\(digits(fraction, 9))Z"
  }

  /// Whether a command line wants it, and the rest of its words: it is for all commands, and for what is wrong with the words too.
  static func take(from words: [String]) throws(Refusal) -> (words: [String], isWanted: Bool) {
    var rest: [String] = []
    var isWanted = false
    var place = 0
    while place < words.count {
      let word = words[place]
      place += 1
      var kind: String?
      if word == "--log" {
        kind = place < words.count ? words[place] : ""
        place += 1
      } else if word.hasPrefix("--log=") {
        kind = String(word.dropFirst(6))
      }
      guard let kind else {
        rest.append(word)
        continue
      }
      if kind != "json" { throw Refusal(ExitCode.usage, "--log \(kind): write --log json") }
      isWanted = true
    }
    return (rest, isWanted)
  }
}

extension Emurun {
  /// What a run is of, as far as it is known before it begins: 16 bytes, the same for the same run.
  func runID(_ plan: RunPlan, _ words: [String]) -> String {
    var hash = SHA256()
    func add(_ text: String) { Array((text + "\n").utf8).withUnsafeBytes { hash.update($0) } }
    add("emurun run 1")
    add(plan.image.sha256)
    for (image, _) in [plan.options.firmware].compactMap({ $0 }) { add(image.sha256) }
    add("\(plan.board.name)@\(plan.board.revision)")
    for condition in conditions(plan) { add("\(condition.name): \(condition.value)") }
    if let script = plan.script { add("script \(InputFile.sha256(script.path) ?? "")") }
    for group in RecordedWords.find(in: words) { add(group.joined(separator: " ")) }
    add("for \(plan.end.map { "\($0)" } ?? "inf")")
    add("instructions \(plan.instructions.map { "\($0)" } ?? "any")")
    plan.options.input.withUnsafeBytes { hash.update($0) }
    return String(SHA256.hex(hash.finish()).prefix(32))
  }
}
