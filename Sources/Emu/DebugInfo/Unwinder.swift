import CElf
import Glibc

/// Goes from a frame to its caller's by the call frame information of a file.
struct Unwinder {
  let frames: OpaquePointer?
  let machine: Image.Machine
  let memory: (_ address: UInt64, _ size: Int) -> UInt64?

  /// The registers of one frame by DWARF number, nil where unknown.
  struct Frame: Sendable {
    var pc: UInt64
    var registers: [UInt64?]
    /// `pc` is an instruction that did not finish, and not one that a call returns to.
    var isExact: Bool

    /// Where frame information is looked up: a call that never returns may be the last
    /// instruction of its function, and what it would return to the first of another.
    var site: UInt64 { isExact || pc == 0 ? pc : pc - 1 }
  }

  static func registerCount(_ machine: Image.Machine) -> Int { machine == .arm ? 16 : 32 }
  var stackPointer: Int { machine == .arm ? 13 : 2 }
  var returnAddress: Int { machine == .arm ? 14 : 1 }
  private var wordSize: Int { machine == .arm ? 4 : 8 }

  enum Step {
    /// Its pc is still as the return address has it, with the Thumb bit.
    case caller(Frame)
    /// There is frame information, and by that or by what the stack holds the way ends here.
    case end
    case noInformation
  }

  /// To be freed; nil: there is no frame information.
  private func rules(of frame: Frame) -> OpaquePointer? {
    var rules: OpaquePointer?
    guard let frames, dwarf_cfi_addrframe(frames, frame.site, &rules) == 0 else { return nil }
    return rules
  }

  private func cfa(_ rules: OpaquePointer, _ frame: Frame) -> UInt64? {
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_frame_cfa(rules, &operations, &count) == 0, count > 0 else { return nil }
    return DWARFExpression(operations, count).address(in: .init(frame: frame, read: read))
      .map(trimmed)
  }

  /// The canonical frame address: the stack pointer before the call.
  func cfa(of frame: Frame) -> UInt64? {
    guard let rules = rules(of: frame) else { return nil }
    defer { free(UnsafeMutableRawPointer(rules)) }
    return cfa(rules, frame)
  }

  func step(from frame: Frame) -> Step {
    guard let rules = rules(of: frame) else { return .noInformation }
    defer { free(UnsafeMutableRawPointer(rules)) }
    guard let cfa = cfa(rules, frame) else { return .end }
    var caller = frame
    for number in frame.registers.indices {
      caller.registers[number] = value(of: number, rules, frame, cfa)
    }
    let column = Int(dwarf_frame_info(rules, nil, nil, &caller.isExact))
    guard caller.registers.indices.contains(column), let pc = caller.registers[column] else {
      return .end
    }
    caller.pc = pc
    return .caller(caller)
  }

  /// A word of the stack.
  func read(_ address: UInt64) -> UInt64? { memory(trimmed(address), wordSize) }

  func trimmed(_ value: UInt64) -> UInt64 {
    machine == .arm ? UInt64(UInt32(truncatingIfNeeded: value)) : value
  }

  private func value(
    of register: Int, _ rules: OpaquePointer, _ frame: Frame, _ cfa: UInt64
  ) -> UInt64? {
    // The stack pointer before the call is what the CFA is by definition.
    if register == stackPointer { return cfa }
    var storage: (Dwarf_Op, Dwarf_Op, Dwarf_Op) = (.init(), .init(), .init())
    return withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: Dwarf_Op.self, capacity: 3) { simple in
        var operations: UnsafeMutablePointer<Dwarf_Op>?
        var count = 0
        guard dwarf_frame_register(rules, Int32(register), simple, &operations, &count) == 0 else {
          return nil
        }
        guard count > 0 else {
          // "Same value" is no operations at all, "undefined" is none of ours.
          return operations == nil ? frame.registers[register] : nil
        }
        return DWARFExpression(operations, count)
          .value(in: .init(frame: frame, cfa: cfa, read: read)).map(trimmed)
      }
    }
  }
}
