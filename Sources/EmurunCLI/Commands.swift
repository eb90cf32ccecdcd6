import ArgumentParser

/// A command that runs on a host it is given, so that a test can be that host.
protocol HostedCommand: ParsableCommand {
  func run(on host: Host) throws(Refusal) -> Int32
}

extension Emurun {
  /// The whole program: parses, runs, and says what the process should end with. Never exits by itself.
  public static func main(_ arguments: [String], on host: Host) -> Int32 {
    var host = host
    do {
      let (words, isLogged) = try Log.take(from: arguments)
      if isLogged { host.errors.log = Log() }
      host.arguments = words
      return try parse(words: words).run(on: host)
    } catch let refusal as Refusal {
      host.errors.say("emurun: \(refusal.sentence)", "refused", .error) {
        $0.add("exit_code", Int(refusal.code))
      }
      return refusal.code
    } catch {
      return answer(error, host)
    }
  }

  /// `emurun IMAGE` needs no word for the command, so ArgumentParser would take `boards` for an image: what is a command is
  /// decided here, by the first word. An image of that name is `./boards`.
  private static func parse(words: [String]) throws -> any HostedCommand {
    var words = words
    let wantsHelp = words.first == "help"
    if wantsHelp { words.removeFirst() }
    let command = configuration.subcommands.first {
      $0.configuration.commandName == words.first
    }
    if command != nil { words.removeFirst() }
    if wantsHelp { words = ["--help"] }
    do {
      var parsed = try (command ?? Self.self).parseAsRoot(words)
      if let hosted = parsed as? any HostedCommand { return hosted }
      // ArgumentParser's own, which say their piece by throwing it: help, completion scripts.
      try parsed.run()
      preconditionFailure("\(type(of: parsed)) said nothing")
    } catch {
      throw ParsingFailure(error: error, command: command ?? Self.self)
    }
  }

  private struct ParsingFailure: Error {
    let error: any Error
    let command: any ParsableCommand.Type
  }

  /// What ArgumentParser has to say: help on standard output, or a usage error.
  private static func answer(_ error: any Error, _ host: Host) -> Int32 {
    guard let failure = error as? ParsingFailure else { preconditionFailure("\(error)") }
    let code = failure.command.exitCode(for: failure.error).rawValue
    let name = failure.command.configuration.commandName ?? "emurun"
    let words = name == "emurun" ? name : "emurun \(name)"
    if code != 0 {
      var sentence = failure.command.message(for: failure.error)
      if sentence.last.map({ !".?!".contains($0) }) ?? false { sentence += "." }
      if failure.command is WhyCommand.Type && sentence.hasPrefix("Unknown option") {
        sentence += " Options of the run come behind --."
      }
      host.errors.say("emurun: \(sentence) See '\(words) --help'.", "refused", .error) {
        $0.add("exit_code", Int(code))
      }
      return code
    }
    // To ArgumentParser the command is a program by itself.
    let text = failure.command.fullMessage(for: failure.error, columns: 90)
      .replacing("USAGE: \(name)", with: "USAGE: \(words)", maxReplacements: 1)
      .replacing("See '\(name) help", with: "See '\(words) help")
    do {
      try host.output.write((text + "\n").utf8)
    } catch {
      host.errors.say("emurun: \(error.sentence)")
      return error.code
    }
    return code
  }
}
