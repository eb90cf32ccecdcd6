import CElf
import Emu
import Glibc
import MachineCode

/// What a file's call frame information says of each stretch of code.
struct CallFrames {
  /// Of a stretch of code within which one rule holds.
  struct Row {
    let range: Range<UInt64>
    /// The canonical frame address: a register and an offset; nil: an expression.
    let base: (register: Int, offset: Int)?
    /// Where registers of the caller are, from the CFA.
    let saved: [(register: RegisterNumber, offset: Int)]
  }

  private let handle: DWARFHandle

  /// nil: there is none.
  init?(_ image: Image) {
    guard image.format == .elf, let handle = DWARFHandle(image.contents), handle.frames != nil
    else { return nil }
    self.handle = handle
  }

  /// The rows from an address on as far as they reach without a gap, up to `end`.
  func rows(from start: UInt64, to end: UInt64, registers: Int) -> [Row] {
    var rows: [Row] = []
    var address = start
    while address < end, rows.count < 1 << 12, let row = row(at: address, registers) {
      rows.append(row)
      guard row.range.upperBound > address else { break }
      address = row.range.upperBound
    }
    return rows
  }

  private func row(at address: UInt64, _ registers: Int) -> Row? {
    var rules: OpaquePointer?
    guard let frames = handle.frames, dwarf_cfi_addrframe(frames, address, &rules) == 0, let rules
    else { return nil }
    defer { free(UnsafeMutableRawPointer(rules)) }
    var (start, end): (Dwarf_Addr, Dwarf_Addr) = (0, 0)
    guard dwarf_frame_info(rules, &start, &end, nil) >= 0, start <= address, address < end else {
      return nil
    }
    return Row(
      range: start..<end, base: base(rules),
      saved: (0..<registers).compactMap { number in
        offset(of: number, rules).map { (RegisterNumber(number), $0) }
      })
  }

  private func base(_ rules: OpaquePointer) -> (register: Int, offset: Int)? {
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_frame_cfa(rules, &operations, &count) == 0, count == 1,
      let operation = operations?.pointee
    else { return nil }
    let atom = Int(operation.atom)
    switch atom {
    case DW_OP_breg0...DW_OP_breg31:
      return (atom - DW_OP_breg0, Int(truncatingIfNeeded: Int64(bitPattern: operation.number)))
    case DW_OP_bregx:
      return (
        Int(clamping: operation.number),
        Int(truncatingIfNeeded: Int64(bitPattern: operation.number2))
      )
    default: return nil
    }
  }

  /// Of a register that is kept at the CFA and an offset.
  private func offset(of register: Int, _ rules: OpaquePointer) -> Int? {
    var storage: (Dwarf_Op, Dwarf_Op, Dwarf_Op) = (.init(), .init(), .init())
    return withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: Dwarf_Op.self, capacity: 3) { simple in
        var operations: UnsafeMutablePointer<Dwarf_Op>?
        var count = 0
        guard
          dwarf_frame_register(rules, Int32(register), simple, &operations, &count) == 0,
          let operations, 1...2 ~= count, Int(operations[0].atom) == DW_OP_call_frame_cfa
        else { return nil }
        if count == 1 { return 0 }
        guard Int(operations[1].atom) == DW_OP_plus_uconst else { return nil }
        return Int(truncatingIfNeeded: Int64(bitPattern: operations[1].number))
      }
    }
  }
}
