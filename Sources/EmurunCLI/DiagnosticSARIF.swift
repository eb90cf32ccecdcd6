import MachineCode
import Proofs
import Timeline

extension SARIF {
  /// Of an image; what has no line of source is of the image itself.
  static func of(_ image: String) -> SARIF {
    SARIF(version: Emurun.configuration.version, image: image, top: Host.folder)
  }

  func log(_ diagnostics: [Diagnostic]) -> [UInt8] {
    var rules: [Rule] = []
    let results = diagnostics.map { diagnostic in
      let kind = diagnostic.rule
      let rule = Rule(kind.id, kind.level.rawValue, kind.summary)
      if !rules.contains(rule) { rules.append(rule) }
      var result = Result(rule, diagnostic.message)
      result.file = diagnostic.file
      result.line = diagnostic.line
      result.address = diagnostic.address
      result.function = diagnostic.function
      return result
    }
    return log(results, rules: rules)
  }
}
