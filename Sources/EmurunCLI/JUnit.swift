/// JUnit's XML as CI systems read it: suites of cases, of which some failed.
struct JUnit {
  struct Case {
    var name: String
    var suite: String
    /// Virtual, so that the same run has the same file.
    var nanoseconds: UInt64
    /// What is wrong; nil: it passed.
    var failure: String?
    var properties: [(name: String, value: String)] = []
    var output: [UInt8] = []
    var errors = ""
  }
  var name: String
  var cases: [Case]

  func xml() -> String {
    let failures = cases.count { $0.failure != nil }
    let time = Self.seconds(cases.reduce(0) { $0 &+ $1.nanoseconds })
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites tests=\"\(cases.count)\" failures=\"\(failures)\" time=\"\(time)\">\n"
    text +=
      "  <testsuite name=\"\(Self.escaped(name))\" tests=\"\(cases.count)\" failures=\"\(failures)\" "
      + "errors=\"0\" skipped=\"0\" time=\"\(time)\">\n"
    for one in cases { text += Self.xml(one) }
    return text + "  </testsuite>\n</testsuites>\n"
  }

  private static func xml(_ one: Case) -> String {
    var text =
      "    <testcase classname=\"\(escaped(one.suite))\" name=\"\(escaped(one.name))\" "
      + "time=\"\(seconds(one.nanoseconds))\">\n"
    if !one.properties.isEmpty {
      text += "      <properties>\n"
      for property in one.properties {
        text +=
          "        <property name=\"\(escaped(property.name))\" value=\"\(escaped(property.value))\"/>\n"
      }
      text += "      </properties>\n"
    }
    if let failure = one.failure {
      let message = failure.split(separator: "\n").first.map(String.init) ?? failure
      text += "      <failure message=\"\(escaped(message))\">\(escaped(failure))</failure>\n"
    }
    let output = String(decoding: one.output, as: UTF8.self)
    text += "      <system-out>\(escaped(output))</system-out>\n"
    if !one.errors.isEmpty { text += "      <system-err>\(escaped(one.errors))</system-err>\n" }
    return text + "    </testcase>\n"
  }

  private static func seconds(_ nanoseconds: UInt64) -> String {
    let digits = String(nanoseconds % 1_000_000_000)
    return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 9 - digits.count)
      + digits
  }

  /// XML 1.0 has no way to write most control characters: they become U+FFFD.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\r": result += "&#13;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default:
        let isAllowed = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}
