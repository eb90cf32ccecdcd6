import Proofs
import Timeline

/// Findings for code scanning: SARIF 2.1.0 (OASIS standard, 27 March 2020).
enum SARIF {
  /// `artifact`: the file that findings without a line of source are of.
  static func text(_ findings: [Diagnostic], artifact: String) -> String {
    let rules = findings.reduce(into: [Diagnostic.Rule]()) { rules, finding in
      if !rules.contains(finding.rule) { rules.append(finding.rule) }
    }
    var json = JSONWriter(pretty: true)
    json.object {
      $0.add("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
      $0.add("version", "2.1.0")
      $0.array("runs") {
        $0.object {
          $0.object("tool") {
            $0.object("driver") {
              $0.add("name", "emurun")
              $0.add("version", Emurun.configuration.version)
              $0.array("rules") { for rule in rules { add(rule, to: &$0) } }
            }
          }
          $0.array("artifacts") {
            $0.object { $0.object("location") { $0.add("uri", uri(artifact)) } }
          }
          $0.array("results") {
            for finding in findings { add(finding, rules, artifact, to: &$0) }
          }
        }
      }
    }
    return json.text + "\n"
  }

  private static func add(_ rule: Diagnostic.Rule, to json: inout JSONWriter) {
    json.object {
      $0.add("id", rule.id)
      $0.object("shortDescription") { $0.add("text", rule.summary) }
      $0.object("defaultConfiguration") { $0.add("level", rule.level.rawValue) }
    }
  }

  private static func add(
    _ finding: Diagnostic, _ rules: [Diagnostic.Rule], _ artifact: String, to json: inout JSONWriter
  ) {
    json.object {
      $0.add("ruleId", finding.rule.id)
      if let index = rules.firstIndex(of: finding.rule) { $0.add("ruleIndex", index) }
      $0.add("level", finding.rule.level.rawValue)
      $0.object("message") { $0.add("text", finding.message) }
      $0.array("locations") {
        $0.object {
          $0.object("physicalLocation") { add(finding, artifact, to: &$0) }
          if let function = finding.function {
            $0.array("logicalLocations") {
              $0.object {
                $0.add("fullyQualifiedName", function)
                $0.add("kind", "function")
              }
            }
          }
        }
      }
    }
  }

  private static func add(_ finding: Diagnostic, _ artifact: String, to json: inout JSONWriter) {
    json.object("artifactLocation") { $0.add("uri", uri(finding.file ?? artifact)) }
    if let line = finding.line, finding.file != nil {
      json.object("region") { $0.add("startLine", line) }
    }
    // What no double can hold, many readers of JSON cannot.
    if let address = finding.address, address < 1 << 53 {
      json.object("address") { $0.add("absoluteAddress", address) }
    }
  }

  /// A relative reference stays one (RFC 3986).
  private static func uri(_ path: String) -> String {
    var text = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
      let scalar = UnicodeScalar(byte)
      if scalar.properties.isAlphabetic && byte < 0x80 || 0x30...0x39 ~= byte
        || "-._~/+".unicodeScalars.contains(scalar)
      {
        text.unicodeScalars.append(scalar)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return text
  }
}
