/// Something that software asked of the board and did not get, from one place in its code.
public struct Finding: Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// The hardware has it, the model has not.
    case notModelled = "not modelled"
    /// The hardware has nothing there.
    case reserved
    /// The peripheral has no clock, or not yet.
    case clockGated = "clock gated"
    /// Peripherals take aligned accesses only.
    case unaligned
    /// An access of a width that the register does not take.
    case wrongWidth = "wrong width"
    /// A store into what can only be read.
    case readOnly = "read-only"
    /// Anything else that the hardware would not have done either.
    case guestError = "guest error"
  }
  public var kind = Kind.notModelled
  public var device: String
  /// The register, "NAME.FIELD", or a few words.
  public var name: String
  /// Of the access: what its address is called; nil: it was no access of a device's register.
  public var register: String?
  /// Of the access, physical.
  public var address: UInt64?
  public var isStore = false
  /// What was stored first.
  public var value: UInt64 = 0
  /// The instruction, as the program has it (virtual); nil: none, the device acted by itself.
  public var pc: UInt64?
  public var hart: UInt8 = 0
  /// When it happened first.
  public var tick: Tick
  public var index: UInt64
  public var count = 1
}

/// What was found in a run, in the order in which it came up first: one for each thing and place.
struct Findings: Sendable {
  private(set) var list: [Finding] = []
  private var numbers: [Key: Int] = [:]
  /// How often something was found.
  private(set) var total: UInt64 = 0
  /// A guest that runs wild may touch as many addresses as there are.
  static let most = 4096

  init() {}

  /// Goes on behind these.
  init(_ list: [Finding]) {
    self.list = list
    for (number, finding) in list.enumerated() {
      total += UInt64(finding.count)
      if number < Self.most { numbers[Key(finding)] = number }
    }
  }

  private struct Key: Hashable, Sendable {
    var kind: Finding.Kind
    var device: String
    var name: String
    var pc: UInt64?

    init(_ finding: Finding) {
      kind = finding.kind
      device = finding.device
      name = finding.name
      pc = finding.pc
    }
  }

  /// Its number in the list.
  mutating func add(_ finding: Finding) -> Int {
    total += 1
    let key = Key(finding)
    if let number = numbers[key] {
      list[number].count += 1
      return number
    }
    if list.count == Self.most {
      var rest = finding
      rest.device = "core"
      rest.name = "more than \(Self.most) of these: the rest is only counted"
      (rest.register, rest.address, rest.pc) = (nil, nil, nil)
      list.append(rest)
    } else if list.count > Self.most {
      list[Self.most].count += 1
      return Self.most
    } else {
      numbers[key] = list.count
      list.append(finding)
    }
    return list.count - 1
  }
}
