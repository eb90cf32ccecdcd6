import Emu

/// Findings in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS), for code hosts and editors that show them
/// beside the source. Sections are those of the standard.
extension FindingReport {
  /// - Parameters:
  ///   - version: emurun's own.
  ///   - image: the path of what ran, where the source is not known.
  ///   - top: source files below this folder are named from it (%SRCROOT%, 3.14.14).
  public func sarif(version: String, image: String, top: String) -> [UInt8] {
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
              $0.array("rules") {
                for kind in Finding.Kind.allCases { $0.object { Self.add(kind, to: &$0) } }
              }
            }
          }
          $0.object("originalUriBaseIds") {
            $0.object("%SRCROOT%") { $0.add("uri", Self.uri(top + "/") as String?) }
          }
          // Columns are not known; the standard wants their unit all the same (3.14.17).
          $0.add("columnKind", "unicodeCodePoints" as String?)
          $0.array("results") {
            for row in rows { $0.object { Self.add(row, image, top, to: &$0) } }
          }
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  private static func add(_ kind: Finding.Kind, to json: inout JSONWriter) {
    json.add("id", rule(kind) as String?)
    json.object("shortDescription") { $0.add("text", description(kind) as String?) }
    json.object("defaultConfiguration") { $0.add("level", level(kind) as String?) }
  }

  private static func rule(_ kind: Finding.Kind) -> String {
    String(kind.rawValue.map { $0 == " " ? "-" : $0 })
  }

  private static func level(_ kind: Finding.Kind) -> String {
    kind == .notModelled ? "note" : "warning"
  }

  private static func description(_ kind: Finding.Kind) -> String {
    switch kind {
    case .notModelled: "The hardware has it; the emulator has no model of it."
    case .reserved: "Software touches what the hardware has not."
    case .clockGated: "Software touches a peripheral whose clock is off."
    case .unaligned: "Software makes an unaligned access to a peripheral."
    case .wrongWidth: "Software accesses a register at a width that it does not take."
    case .readOnly: "Software stores into what can only be read."
    case .guestError: "Software uses a peripheral as its manual forbids."
    }
  }

  private static func add(
    _ row: Row, _ image: String, _ top: String, to json: inout JSONWriter
  ) {
    let finding = row.finding
    json.add("ruleId", rule(finding.kind) as String?)
    json.add("ruleIndex", Finding.Kind.allCases.firstIndex(of: finding.kind) ?? 0)
    json.add("level", level(finding.kind) as String?)
    json.object("message") {
      let verb = finding.address == nil ? "" : finding.isStore ? ", written" : ", read"
      $0.add("text", "\(finding.kind.rawValue): \(row.what)\(verb)" as String?)
    }
    json.add("occurrenceCount", finding.count)
    json.array("locations") {
      $0.object {
        $0.object("physicalLocation") { addPlace(of: row, image, top, to: &$0) }
        if let function = row.function {
          $0.array("logicalLocations") {
            $0.object {
              $0.add("fullyQualifiedName", function.name as String?)
              $0.add("kind", "function" as String?)
            }
          }
        }
      }
    }
    // What stays the same when lines move (3.27.17).
    json.object("partialFingerprints") {
      let place = row.function?.name ?? finding.pc.map { String($0, radix: 16) } ?? ""
      $0.add("emurun/v1", "\(rule(finding.kind)):\(row.what):\(place)" as String?)
    }
    json.object("properties") {
      $0.add("device", row.peripheral as String?)
      $0.add("register", row.register)
      $0.array("fields") { for field in row.fields { $0.add(nil, field as String?) } }
      $0.add("index", finding.index)
    }
  }

  private static func addPlace(
    of row: Row, _ image: String, _ top: String, to json: inout JSONWriter
  ) {
    let file = row.line?.file ?? image
    json.object("artifactLocation") {
      let isBelow = file.hasPrefix(top + "/")
      let path = isBelow ? String(file.dropFirst(top.utf8.count + 1)) : file
      let isRelative = !path.hasPrefix("/")
      $0.add("uri", (isRelative ? escaped(path) : uri(path)) as String?)
      if isRelative { $0.add("uriBaseId", "%SRCROOT%" as String?) }
    }
    if let line = row.line {
      json.object("region") { $0.add("startLine", line.line) }
    }
    if let pc = row.finding.pc {
      json.object("address") {
        $0.add("absoluteAddress", pc)
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
