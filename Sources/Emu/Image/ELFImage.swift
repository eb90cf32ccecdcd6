/// ELF: the segments of type `PT_LOAD`, at their physical addresses.
enum ELFImage {
  static func layout(of file: ImageFile) throws(ImageError) -> ImageLayout {
    let headers = try ELFHeaders(file)
    try checkType(headers)
    var loads: [ELFHeaders.Segment] = []
    for index in 0..<headers.segmentCount {
      let segment = headers.segment(index)
      if segment.type == interpreter {
        throw file.bad(
          "wants an operating system's dynamic linker; link it with -static and no -pie")
      }
      guard segment.type == loadable, segment.memorySize > 0 || segment.fileSize > 0 else {
        continue
      }
      try check(segment, index, headers)
      loads.append(segment)
    }
    try checkSharing(loads, file)
    // Some linkers leave all physical addresses zero and mean the virtual ones, as BFD reads it.
    let lacksPhysical = loads.count > 1 && loads.allSatisfy { $0.physicalAddress == 0 }
    var segments: [Image.Segment] = []
    segments.reserveCapacity(loads.count)
    for load in loads {
      let address = lacksPhysical ? load.virtualAddress : load.physicalAddress
      // A Cortex-M has no translation: what runs elsewhere than it is stored (`.data > RAM AT>
      // FLASH`) is copied by the program, and the zeros after it are zeros over there.
      let isStored = headers.machine == .arm && address != load.virtualAddress
      let size = isStored ? load.fileSize : load.memorySize
      guard size > 0 else { continue }
      // A linker script may leave the flags out (`PHDRS { … FLAGS(0) }`, riscv-tests): what may not even be read says nothing.
      let flags = load.flags & 7 == 0 ? 7 : load.flags
      segments.append(
        .init(
          address: address, virtualAddress: load.virtualAddress, bytes: contents(of: load, file),
          size: size, isExecutable: flags & 1 != 0, isWritable: flags & 2 != 0))
    }
    guard !segments.isEmpty else {
      throw file.bad("has no segment to load (PT_LOAD); link it with a linker script")
    }
    var layout = ImageLayout(segments: try SegmentBuilder.sorted(segments, file))
    layout.machine = headers.machine
    layout.virtualEntry = headers.entry
    layout.entry = physicalEntry(headers.entry, in: layout.segments, headers.machine)
    return layout
  }

  private static let loadable: UInt32 = 1
  private static let interpreter: UInt32 = 3

  private static func checkType(_ headers: ELFHeaders) throws(ImageError) {
    switch headers.type {
    // Firmware that relocates itself (OpenSBI) is ET_DYN: it loads where its headers say.
    case 2, 3: return
    case 1: throw headers.file.bad("is an object file (.o); link it into a program")
    case 4: throw headers.file.bad("is a core dump; name the program that left it")
    default: throw headers.file.bad("is of ELF type \(headers.type), no program; link it again")
    }
  }

  private static func check(
    _ segment: ELFHeaders.Segment, _ index: Int, _ headers: ELFHeaders
  ) throws(ImageError) {
    let file = headers.file
    guard segment.fileSize <= segment.memorySize else {
      throw file.bad(
        "segment \(index) has \(segment.fileSize) bytes in the file and only "
          + "\(segment.memorySize) in memory; the file is damaged: build it again")
    }
    guard segment.fileSize == 0 || file.holds(segment.fileSize, at: segment.offset) else {
      throw ELFHeaders.cutShort(file, "segment \(index)")
    }
    let top = headers.machine == .arm ? UInt64(UInt32.max) : .max
    for address in [segment.physicalAddress, segment.virtualAddress]
    where segment.memorySize - 1 > top - address {
      throw file.bad(
        "segment \(index) of \(segment.memorySize) bytes at \(file.hex(address)) wraps around "
          + "the end of the address space; check its linker script")
    }
  }

  private static func contents(of load: ELFHeaders.Segment, _ file: ImageFile) -> [UInt8] {
    // A segment without bytes was not checked against the file: its offset may be anything.
    guard load.fileSize > 0 else { return [] }
    let start = Int(load.offset)
    return Array(file.bytes[start..<start + Int(load.fileSize)])
  }

  /// Segments that take the same bytes of the file again and again could make a small file fill
  /// the host's memory; no linker makes one.
  private static func checkSharing(
    _ loads: [ELFHeaders.Segment], _ file: ImageFile
  ) throws(ImageError) {
    var total: UInt64 = 0
    for load in loads { total += load.fileSize }
    guard total <= UInt64(file.bytes.count) else {
      throw file.bad(
        "its segments take \(total) bytes from a file of \(file.bytes.count); "
          + "the file is damaged: build it again")
    }
  }

  /// The entry is a virtual address; a processor starts with translation off.
  private static func physicalEntry(
    _ entry: UInt64, in segments: [Image.Segment], _ machine: Image.Machine
  ) -> UInt64? {
    let target = machine == .arm ? entry & ~1 : entry
    for segment in segments where target >= segment.virtualAddress {
      let offset = target - segment.virtualAddress
      if offset < segment.size { return segment.address + offset + (entry - target) }
    }
    // Some kernels give the physical address at once.
    return segments.contains { $0.address...$0.lastAddress ~= target } ? entry : nil
  }
}

extension Image {
  /// A segment without what lies below `address`, where that is the file's own headers: linkers that
  /// are given no script put them in front of the first section. nil where it is anything else.
  func withoutHeaders(_ segment: Segment, below address: UInt64) -> Segment? {
    guard format == .elf, let headers = try? ELFHeaders(file) else { return nil }
    let length = Int(min(address - segment.address, segment.size, UInt64(contents.count)))
    guard length <= headers.leadingBytes, segment.bytes.starts(with: contents[..<length]) else {
      return nil
    }
    var rest = segment
    rest.address += UInt64(length)
    rest.virtualAddress &+= UInt64(length)
    rest.bytes.removeFirst(length)
    rest.size -= UInt64(length)
    return rest
  }
}
