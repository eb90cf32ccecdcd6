import Emu

/// A value as QEMU users write it: `rv64,g=on`, `file=disk.img,format=raw,id=hd0`. Two commas are one
/// in a value; a word without `=` is on.
struct QEMUWords: OptionValue, Hashable {
  static let form = "words as QEMU has them: name,key=value,..."
  /// The word in front, where the first one has no `=`.
  let name: String?
  private(set) var properties: [(key: String, value: String)] = []

  init?(argument: String) {
    var words = [""]
    var rest = argument[...]
    while let character = rest.popFirst() {
      if character != "," {
        words[words.count - 1].append(character)
      } else if rest.first == "," {
        rest.removeFirst()
        words[words.count - 1].append(character)
      } else {
        words.append("")
      }
    }
    let first = words.removeFirst()
    name = first.contains("=") ? nil : first
    if name == nil { words.insert(first, at: 0) }
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let key = parts.first, !key.isEmpty else { return nil }
      properties.append((String(key), parts.count == 2 ? String(parts[1]) : "on"))
    }
  }

  static func == (a: QEMUWords, b: QEMUWords) -> Bool {
    a.name == b.name && a.properties.elementsEqual(b.properties, by: ==)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    for (key, value) in properties {
      hasher.combine(key)
      hasher.combine(value)
    }
  }

  /// nil: neither.
  static func isOn(_ value: String) -> Bool? {
    switch value {
    case "on", "true", "yes": true
    case "off", "false", "no": false
    default: nil
    }
  }
}

/// `-cpu`, held against the core that there is.
enum CPUModel {
  /// What QEMU calls what the core has, whatever it is told.
  private static let has: Set<String> = [
    "i", "m", "a", "f", "d", "c", "s", "u", "g", "Zicsr", "Zifencei", "Counters", "mmu", "pmp",
  ]
  private static let words =
    "the core is rv64 (RV64GC: i m a f d c, s and u mode, mmu, pmp; svade and zicclsm can be chosen)"

  /// The options of the core that it names.
  static func check(_ model: QEMUWords) throws(Refusal) -> RV64Options {
    var options: RV64Options = []
    guard model.name == "rv64" else {
      throw Refusal(
        ExitCode.usage, "-cpu: there is no \"\(model.name ?? "")\" on this board; \(words)")
    }
    for (key, value) in model.properties {
      switch (QEMUWords.isOn(value), has.contains(key)) {
      case (let isOn?, _) where key == "svade": if isOn { options.insert(.svade) }
      case (let isOn?, _) where key == "zicclsm": if !isOn { options.insert(.trapsMisaligned) }
      case (true?, true), (false?, false): continue
      case (nil, _) where key == "priv_spec" && value == "v1.12.0": continue
      case (true?, false): throw Refusal(ExitCode.usage, "-cpu: \(words), and has no \(key)")
      case (false?, true):
        throw Refusal(ExitCode.usage, "-cpu: \(words), and \(key) cannot be switched off")
      case (nil, _):
        throw Refusal(ExitCode.usage, "-cpu: \(key)=\(value) cannot be chosen; \(words)")
      }
    }
    return options
  }
}

/// `-machine`: a board's name, and of QEMU's properties those that are as this board is anyway.
enum MachineProperties {
  static func check(_ machine: QEMUWords) throws(Refusal) {
    for (key, value) in machine.properties {
      switch (key, value) {
      case ("aclint", "off"), ("aia", "none"), ("usb", "off"), ("accel", "tcg"): continue
      case ("dumpdtb", _): continue
      default:
        throw Refusal(
          ExitCode.usage,
          "-machine: \(key)=\(value) cannot be had; known are dumpdtb=FILE, and aclint=off, aia=none, "
            + "usb=off and accel=tcg, which change nothing")
      }
    }
  }
}
