import ArgumentParser
import BoardFiles
import Emu

struct WorldOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What is done to the board and expected of it, step by step; 0 when all came, 1 when not.",
      valueName: "file.yaml"))
  var script: String?

  func script(for board: Board) throws(Refusal) -> Script? {
    guard let script else { return nil }
    do { return try Script(path: script, board: board) } catch { throw Refusal(error) }
  }
}

extension Emurun {
  /// With what its script says of the run, and the words for that. What `words`, of which this is made, say themselves counts.
  func scripted(_ words: [String]) throws(Refusal) -> (command: Emurun, words: [String]) {
    guard let path = world.script else { return (self, words) }
    let options: ScriptOptions
    do { options = try ScriptOptions(path: path) } catch { throw Refusal(error) }
    let isNamed = image != nil || boot.kernel != nil
    let image = isNamed ? nil : options.image
    let own = options.words.filter { !isNamed || !$0.hasPrefix("--kernel=") }
    let all = own + words + (image.map { [$0] } ?? [])
    do { return (try Emurun.parse(all), all) } catch {
      let what = Emurun.message(for: error)
      throw options.error(what).map { Refusal($0) } ?? Refusal(ExitCode.usage, what)
    }
  }
}

extension Refusal {
  init(_ error: FileError) {
    self.init(error.isMissing ? ExitCode.noInput : ExitCode.badData, error.description)
  }
}

extension RunPlan {
  /// What a script did at its end, and what did not come of one that has not ended.
  func finish(_ script: ScriptRun, _ machine: Machine) {
    switch script.outcome {
    case .passed: machine.end(.script)
    case .failed(let what): machine.end(.script, code: 1, detail: what)
    case nil: break
    }
  }
}
