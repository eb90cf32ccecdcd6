import ArgumentParser
import Emu

struct RecordingOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write all that comes from outside, with its instruction, to have the run again.",
      valueName: "file"))
  var record: String?

  @Option(
    help: ArgumentHelp(
      "The run of a recording, debugged, traced or drawn as one likes; the image may be left out.",
      valueName: "file"))
  var replay: String?

  @Flag(help: "Virtual time does not run ahead of the host's clock.")
  var realtime = false
}

/// What of a command line says which machine runs, and not what is made of it.
enum RecordedWords {
  /// Those that come with a value. Not --semihosting-root: a file that anybody may have written opens no folder to a guest.
  static let options: Set = [
    "--board", "-M", "-machine", "-cpu", "-m", "--memory", "--smp", "-smp", "--quantum", "--cycles",
    "--load", "--append", "-append", "--bios", "-bios", "--kernel", "-kernel", "--initrd",
    "-initrd", "--dtb", "-dtb", "--sbi", "--mode", "--drive", "-drive", "-device", "--virtio",
    "-global", "--seed", "--expect-text", "--fail-text", "--press", "--restore", "--svd",
  ]
  static let flags: Set = [
    "--semihosting", "-semihosting", "-bios-sbi-pass-through", "--no-reboot", "-no-reboot",
  ]
  /// Of those that may be repeated, a new one takes the place of all old ones.
  private static let families: [Set<String>] = [["--load"], ["--drive", "-drive", "-device"]]

  /// An option with its value, or a flag, each.
  static func find(in words: [String]) -> [[String]] {
    var found: [[String]] = []
    var place = 0
    while place < words.count {
      let word = words[place]
      let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
      place += 1
      if flags.contains(word) || name != word && options.contains(name) {
        found.append([word])
      } else if options.contains(word), place < words.count {
        found.append([word, words[place]])
        place += 1
      }
    }
    return found
  }

  static func merge(_ old: [String], _ new: [String]) -> [String] {
    let named = Set(find(in: new).map { name($0) })
    let kept = find(in: old).filter { words in
      !families.contains { $0.contains(name(words)) && !$0.isDisjoint(with: named) }
    }
    return kept.joined() + new
  }

  private static func name(_ words: [String]) -> String {
    words[0].split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
  }
}

extension Emurun {
  /// The command that `--replay` makes of this one, with what the recording says of its machine, its words, and the recording's
  /// bytes.
  ///
  /// - Parameter words: that this command was made of.
  func recalled(
    _ words: [String], standardInput: Int32
  ) throws(Refusal) -> (command: Emurun, words: [String], recording: [UInt8]?) {
    guard let path = recordings.replay else { return (self, words, nil) }
    if streams.interactive || streams.noGraphic || streams.input != nil || !streams.press.isEmpty
      || world.script != nil
    {
      throw Refusal(
        ExitCode.usage,
        "--replay \(path): what comes from outside is in the recording; leave --interactive, --input, --press "
          + "and --script out")
    }
    let file = try InputFile.read(path, standardInput: standardInput)
    let start: InputRecording.Start
    do { start = try InputRecording.start(of: file) } catch {
      throw Refusal(ExitCode.badData, "\(path): \(error.description)")
    }
    var merged = RecordedWords.merge(start.arguments, words)
    if image == nil, boot.kernel == nil, let image = start.image { merged.append(image) }
    let command: Emurun
    do { command = try Emurun.parse(merged) } catch {
      throw Refusal(
        ExitCode.badData,
        "\(path): the command line in it is none: \(Emurun.message(for: error))")
    }
    if command.dtbDump != dtbDump {
      throw Refusal(ExitCode.badData, "\(path): a recording has no file to write")
    }
    return (command, merged, file)
  }

  /// What a run is of that is not in its machine: files by their content.
  func conditions(_ plan: RunPlan) -> [InputRecording.Condition] {
    var conditions = plan.drives.enumerated().map {
      InputRecording.Condition("drive \($0.offset) with SHA-256", $0.element.image.sha256)
    }
    let files = [
      ("--board", boardFile), ("--svd", findings.svd), ("--restore", snapshots.restore),
    ]
    for case (let name, let path?) in files {
      conditions.append(
        InputRecording.Condition("\(name) with SHA-256", InputFile.sha256(path) ?? "unknown"))
    }
    conditions.append(InputRecording.Condition("--seed", String(drives.seed ?? 0)))
    conditions.append(
      InputRecording.Condition(
        "--semihosting-root", machine.semihostingRoot == nil ? "none" : "a folder"))
    return conditions
  }

  /// How a recording of a run of this command begins.
  func recordingStart(_ machine: Machine, _ plan: RunPlan, _ words: [String])
    -> InputRecording.Start
  {
    InputRecording.Start(
      machine, conditions: conditions(plan), image: image,
      arguments: Array(RecordedWords.find(in: words).joined()), isScripted: plan.script != nil,
      writer: "emurun \(Self.configuration.version)")
  }
}

extension InputRecording.Start {
  /// Why a machine that began otherwise cannot repeat the run; nil: it can. What is known best comes first.
  func difference(from other: InputRecording.Start) -> String? {
    for (mine, its) in zip(conditions, other.conditions) where mine.name == its.name && mine != its
    {
      return
        "the recording is of \(mine.name) \(mine.value), and this is of \(its.name) \(its.value)"
    }
    return refusal(for: other)
  }
}
