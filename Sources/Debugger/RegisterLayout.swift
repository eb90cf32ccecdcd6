import Emu

/// The registers of a core as debuggers number them: "Standard Target Features" of GDB's manual (appendix G.5), and for the numbers
/// the order in which GDB's own files of the architectures have them.
package struct RegisterLayout {
  package struct Entry {
    package let name: String
    package let number: Int
    /// In bytes.
    package let size: Int
    /// Of the words that it is made of, the lowest first.
    package let parts: [RegisterName]
    package var type = "int"
    package var group: String?
    /// What lldb calls it if it has a role.
    package var role: String?
  }

  package struct Feature {
    package let name: String
    package var entries: [Entry]
  }

  package let architecture: String
  /// What lldb knows it by: no more than what an image says of itself, or lldb takes it for another machine's and drops it.
  package let triple: String
  package let features: [Feature]
  /// By number.
  private let entries: [Int: Entry]
  /// Those of a `g` packet, in its order.
  package let general: [Entry]

  package subscript(number: Int) -> Entry? { entries[number] }
  package var all: [Entry] { features.flatMap(\.entries) }
  package let pc: Entry
  package let sp: Entry

  package init(_ hart: Hart, _ machine: Image.Machine) {
    switch machine {
    case .riscv64:
      architecture = "riscv:rv64"
      triple = "riscv64"
      features = Self.rv64(hart)
    case .arm:
      architecture = "arm"
      triple = "thumbv7em"
      features = Self.cortexM()
    }
    general = features[0].entries
    entries = Dictionary(uniqueKeysWithValues: features.flatMap(\.entries).map { ($0.number, $0) })
    guard let pc = general.first(where: { $0.role == "pc" }),
      let sp = general.first(where: { $0.role == "sp" })
    else { preconditionFailure("a core without pc or sp") }
    self.pc = pc
    self.sp = sp
  }

  private static func rv64(_ hart: Hart) -> [Feature] {
    let names = DebugInfo.registerNames(.riscv64)
    let pointers = ["ra": "code_ptr", "sp": "data_ptr", "gp": "data_ptr", "tp": "data_ptr"]
    let roles = ["ra": "ra", "sp": "sp", "s0": "fp"]
    var cpu = names.enumerated().map { number, name in
      Entry(
        name: name == "s0" ? "fp" : name, number: number, size: 8, parts: [.x(number)],
        type: pointers[name] ?? "int", group: "general", role: roles[name])
    }
    cpu.append(
      Entry(
        name: "pc", number: 32, size: 8, parts: [.pc], type: "code_ptr", group: "general",
        role: "pc"))
    let floats = floatNames.enumerated().map { number, name in
      Entry(
        name: name, number: 33 + number, size: 8, parts: [.f(number)], type: "riscv_double",
        group: "float")
    }
    func csr(_ name: String, _ number: UInt16, _ group: String) -> Entry {
      Entry(
        name: name, number: 65 + Int(number), size: number <= 3 ? 4 : 8, parts: [.csr(number)],
        group: group)
    }
    let floatState = [("fflags", 1), ("frm", 2), ("fcsr", 3)].map { csr($0.0, $0.1, "float") }
    let others = ControlRegisters.names.filter { hart.value(of: .csr($0.number)) != nil }
      .map { csr($0.name, $0.number, "csr") }
    let privilege = Entry(
      name: "priv", number: 65 + 4096, size: 8, parts: [.privilege], group: "general")
    return [
      Feature(name: "org.gnu.gdb.riscv.cpu", entries: cpu),
      Feature(name: "org.gnu.gdb.riscv.fpu", entries: floats + floatState),
      Feature(name: "org.gnu.gdb.riscv.csr", entries: others),
      Feature(name: "org.gnu.gdb.riscv.virtual", entries: [privilege]),
    ]
  }

  private static let floatNames =
    (0...7).map { "ft\($0)" } + ["fs0", "fs1"] + (0...7).map { "fa\($0)" }
    + (2...11).map { "fs\($0)" } + (8...11).map { "ft\($0)" }

  private static func cortexM() -> [Feature] {
    var core = (0...12).map {
      Entry(name: "r\($0)", number: $0, size: 4, parts: [.r($0)], group: "general")
    }
    core += [
      Entry(
        name: "sp", number: 13, size: 4, parts: [.r(13)], type: "data_ptr", group: "general",
        role: "sp"),
      Entry(name: "lr", number: 14, size: 4, parts: [.r(14)], group: "general", role: "ra"),
      Entry(
        name: "pc", number: 15, size: 4, parts: [.pc], type: "code_ptr", group: "general",
        role: "pc"),
      Entry(name: "xpsr", number: 25, size: 4, parts: [.xpsr], group: "general", role: "flags"),
    ]
    let doubles = (0..<16).map {
      Entry(
        name: "d\($0)", number: 26 + $0, size: 8, parts: [.s(2 * $0), .s(2 * $0 + 1)],
        type: "ieee_double", group: "float")
    }
    let fpscr = Entry(name: "fpscr", number: 42, size: 4, parts: [.fpscr], group: "float")
    let system: [(String, RegisterName)] = [
      ("msp", .msp), ("psp", .psp), ("primask", .primask), ("basepri", .basepri),
      ("faultmask", .faultmask), ("control", .control),
    ]
    return [
      Feature(name: "org.gnu.gdb.arm.m-profile", entries: core),
      Feature(name: "org.gnu.gdb.arm.vfp", entries: doubles + [fpscr]),
      Feature(
        name: "org.gnu.gdb.arm.m-system",
        entries: system.enumerated().map { place, register in
          Entry(
            name: register.0, number: 43 + place, size: 4, parts: [register.1],
            type: place < 2 ? "data_ptr" : "int", group: "system")
        }),
    ]
  }
}

extension Hart {
  package func read(_ entry: RegisterLayout.Entry) -> [UInt8]? {
    let size = entry.size / entry.parts.count
    var bytes: [UInt8] = []
    for part in entry.parts {
      guard let value = value(of: part) else { return nil }
      for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
    }
    return bytes
  }
}

extension Debuggee {
  /// False: there is no such register, or it does not take that.
  package func write(_ entry: RegisterLayout.Entry, _ bytes: [UInt8], hart: Int) -> Bool {
    guard bytes.count == entry.size else { return false }
    let size = entry.size / entry.parts.count
    return entry.parts.enumerated().allSatisfy { place, part in
      let word = bytes[place * size..<(place + 1) * size].reversed().reduce(0 as UInt64) {
        $0 << 8 | UInt64($1)
      }
      return machine.set(part, to: word, hart: hart)
    }
  }
}
