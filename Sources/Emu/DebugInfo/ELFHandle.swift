import CElf

/// libelf's view of a copy of a file.
package final class ELFHandle {
  package let elf: OpaquePointer
  /// libelf and libdw point into this for as long as they live.
  private let memory: UnsafeMutableRawBufferPointer

  private static let isReady = elf_version(UInt32(EV_CURRENT)) != EV_NONE

  package init?(_ bytes: [UInt8]) {
    guard Self.isReady, !bytes.isEmpty else { return nil }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    memory.copyBytes(from: bytes)
    let characters = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard let elf = elf_memory(characters, memory.count) else {
      memory.deallocate()
      return nil
    }
    self.elf = elf
    self.memory = memory
  }

  deinit {
    elf_end(elf)
    memory.deallocate()
  }

  /// The sections' headers in order, from the null section's successor on.
  package func sections() -> [(section: OpaquePointer, header: GElf_Shdr)] {
    var found: [(OpaquePointer, GElf_Shdr)] = []
    var section: OpaquePointer?
    while let next = elf_nextscn(elf, section) {
      section = next
      var header = GElf_Shdr()
      guard gelf_getshdr(next, &header) != nil else { break }
      found.append((next, header))
    }
    return found
  }
}
