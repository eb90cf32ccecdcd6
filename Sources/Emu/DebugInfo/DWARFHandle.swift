import CElf

/// libdw's view of an ELF file. It knows how to unwind without line numbers and the other way
/// round, so either part may be missing.
package final class DWARFHandle {
  /// Held for its memory, which libdw points into.
  private let file: ELFHandle
  package let dwarf: OpaquePointer?
  /// Call frames: `.debug_frame`, else `.eh_frame`.
  package let frames: OpaquePointer?
  private let ownsFrames: Bool

  package init?(_ bytes: [UInt8]) {
    guard let file = ELFHandle(bytes) else { return nil }
    self.file = file
    dwarf = dwarf_begin_elf(file.elf, DWARF_C_READ, nil)
    // An image may name another file with more of its DWARF; we open none on an image's word.
    if let dwarf { dwarf_setalt(dwarf, nil) }
    let debugFrames = dwarf.flatMap(dwarf_getcfi)
    frames = debugFrames ?? dwarf_getcfi_elf(file.elf)
    ownsFrames = debugFrames == nil
  }

  deinit {
    if ownsFrames, let frames { dwarf_cfi_end(frames) }
    if let dwarf { dwarf_end(dwarf) }
  }
}
