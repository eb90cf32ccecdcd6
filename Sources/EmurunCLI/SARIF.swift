import Timeline

/// Results in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS standard, 27 March 2020), for code hosts and editors
/// that show them beside the source. Sections are those of the standard.
struct SARIF {
  struct Rule: Hashable, Sendable {
    let id: String
    let level: String
    let summary: String

    /// - Parameters:
    ///   - level: "note", "warning" or "error".
    ///   - summary: one sentence on every result of this kind.
    init(_ id: String, _ level: String, _ summary: String) {
      self.id = id
      self.level = level
      self.summary = summary
    }
  }

  struct Result {
    let rule: Rule
    let message: String
    var count: Int?
    var file: String?
    var line: Int?
    var address: UInt64?
    var function: String?
    /// What stays the same when lines move (3.27.17); nil: nothing is known to.
    var fingerprint: String?
    /// What only emurun has names for (3.8).
    var properties: ((inout JSONWriter) -> Void)?

    init(_ rule: Rule, _ message: String) {
      self.rule = rule
      self.message = message
    }
  }

  private let version: String
  private let image: String
  private let top: String

  /// - Parameters:
  ///   - version: emurun's own.
  ///   - image: the path of what the results are of, where the source is not known.
  ///   - top: files below this folder are named from it (%SRCROOT%, 3.14.14).
  init(version: String, image: String, top: String) {
    self.version = version
    self.image = image
    self.top = top
  }

  /// - Parameter rules: all that there are, in the order that `ruleIndex` counts.
  func log(_ results: [Result], rules: [Rule]) -> [UInt8] {
    let numbers = Dictionary(
      zip(rules, rules.indices), uniquingKeysWith: { first, _ in first })
    var json = JSONWriter(pretty: true)
    json.object {
      $0.add("$schema", "https://json.schemastore.org/sarif-2.1.0.json" as String?)
      $0.add("version", "2.1.0" as String?)
      $0.array("runs") {
        $0.object {
          $0.object("tool") {
            $0.object("driver") {
              $0.add("name", "emurun" as String?)
              $0.add("semanticVersion", version as String?)
              $0.array("rules") { for rule in rules { $0.object { Self.add(rule, to: &$0) } } }
            }
          }
          $0.object("originalUriBaseIds") {
            $0.object("%SRCROOT%") { $0.add("uri", Self.uri(top + "/") as String?) }
          }
          // Columns are not known; the standard wants their unit all the same (3.14.17).
          $0.add("columnKind", "unicodeCodePoints" as String?)
          $0.array("results") {
            for result in results { $0.object { add(result, numbers[result.rule], to: &$0) } }
          }
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  private static func add(_ rule: Rule, to json: inout JSONWriter) {
    json.add("id", rule.id as String?)
    json.object("shortDescription") { $0.add("text", rule.summary as String?) }
    json.object("defaultConfiguration") { $0.add("level", rule.level as String?) }
  }

  private func add(_ result: Result, _ number: Int?, to json: inout JSONWriter) {
    json.add("ruleId", result.rule.id as String?)
    if let number { json.add("ruleIndex", number) }
    json.add("level", result.rule.level as String?)
    json.object("message") { $0.add("text", result.message as String?) }
    if let count = result.count { json.add("occurrenceCount", count) }
    json.array("locations") {
      $0.object {
        $0.object("physicalLocation") { addPlace(of: result, to: &$0) }
        if let function = result.function {
          $0.array("logicalLocations") {
            $0.object {
              $0.add("fullyQualifiedName", function as String?)
              $0.add("kind", "function" as String?)
            }
          }
        }
      }
    }
    if let fingerprint = result.fingerprint {
      json.object("partialFingerprints") { $0.add("emurun/v1", fingerprint as String?) }
    }
    if let properties = result.properties { json.object("properties", properties) }
  }

  private func addPlace(of result: Result, to json: inout JSONWriter) {
    let file = result.file ?? image
    json.object("artifactLocation") {
      let isBelow = file.hasPrefix(top + "/")
      let path = isBelow ? String(file.dropFirst(top.utf8.count + 1)) : file
      let isRelative = !path.hasPrefix("/")
      $0.add("uri", (isRelative ? Self.escaped(path) : Self.uri(path)) as String?)
      if isRelative { $0.add("uriBaseId", "%SRCROOT%" as String?) }
    }
    if let line = result.line, result.file != nil {
      json.object("region") { $0.add("startLine", line) }
    }
    // What no double can hold, many readers of JSON cannot.
    if let address = result.address, address < 1 << 53 {
      json.object("address") {
        $0.add("absoluteAddress", address)
        $0.add("kind", "instruction" as String?)
      }
    }
  }

  private static func uri(_ path: String) -> String { "file://" + escaped(path) }

  /// RFC 3986, section 2.3: what a path segment may hold as it is.
  private static func escaped(_ path: String) -> String {
    path.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        byte < 0x80
        && (scalar.properties.isAlphabetic || "0123456789-._~/".unicodeScalars.contains(scalar))
      let digits = String(byte, radix: 16, uppercase: true)
      return isPlain ? String(scalar) : "%" + (digits.count == 1 ? "0" : "") + digits
    }.joined()
  }
}
