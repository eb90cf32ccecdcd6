import Emu

/// `.ARM.attributes` and `.riscv.attributes`: what a compiler says it compiled for (Addenda to the
/// Arm ABI, "Build Attributes"; RISC-V ELF psABI, "Attributes").
enum BuildAttributes {
  static let profile = "CPU arch profile"

  /// As far as they can be read; values that are numbers in words where they have some.
  static func read(_ bytes: [UInt8], _ machine: Image.Machine) -> [(name: String, value: String)] {
    var reader = Reader(bytes: bytes[...])
    var found: [(String, String)] = []
    guard reader.byte() == UInt8(ascii: "A") else { return [] }
    while let size = reader.word(), size >= 4, var vendor = reader.part(Int(size) - 4) {
      let name = vendor.text()
      guard name == (machine == .arm ? "aeabi" : "riscv") else { continue }
      while let scope = vendor.number(), let size = vendor.word() {
        // The size counts the tag, a byte, and itself.
        guard size >= 5, var file = vendor.part(Int(size) - 5) else { return found }
        guard scope == 1 else { continue }
        while let tag = file.number() {
          guard let value = file.value(of: tag, machine) else { return found }
          let known = machine == .arm ? arm[tag] : riscv[tag]
          if machine == .arm && tag == 7, let code = UInt8(value), code > 32 {
            found.append((profile, String(UnicodeScalar(code))))
            continue
          }
          let words = Int(value).flatMap { known?.values.indices.contains($0) == true ? $0 : nil }
            .flatMap { known?.values[$0] }
          found.append((known?.name ?? "Tag \(tag)", words ?? value))
        }
      }
    }
    return found
  }

  private struct Reader {
    var bytes: ArraySlice<UInt8>

    mutating func byte() -> UInt8? { bytes.popFirst() }

    mutating func word() -> UInt32? {
      guard bytes.count >= 4 else { return nil }
      defer { bytes = bytes.dropFirst(4) }
      return bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func part(_ size: Int) -> Reader? {
      guard size <= bytes.count else { return nil }
      defer { bytes = bytes.dropFirst(size) }
      return Reader(bytes: bytes.prefix(size))
    }

    /// ULEB128; nil at the end and for what is larger than any tag or value.
    mutating func number() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 63, by: 7) {
        guard let byte = byte() else { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 == 0 { return value }
      }
      return nil
    }

    mutating func text() -> String {
      let text = bytes.prefix { $0 != 0 }
      bytes = bytes.dropFirst(text.count + 1)
      return String(decoding: text, as: UTF8.self)
    }

    mutating func value(of tag: UInt64, _ machine: Image.Machine) -> String? {
      // Arm: 4, 5 and odd tags from 33 up are text, 32 is both. RISC-V: odd ones are.
      if machine == .arm && tag == 32 { return number().map { "\($0) \(text())" } }
      let isText =
        machine == .arm ? tag == 4 || tag == 5 || tag > 32 && tag % 2 == 1 : tag % 2 == 1
      return isText ? text() : number().map { String($0) }
    }
  }

  private typealias Names = [UInt64: (name: String, values: [String])]

  private static let riscv: Names = [
    4: ("stack align", []), 5: ("arch", []), 6: ("unaligned access", ["no", "yes"]),
    8: ("privileged spec", []), 10: ("privileged spec minor", []),
    12: ("privileged spec revision", []), 14: ("atomic ABI", []),
  ]

  private static let arm: Names = [
    4: ("CPU raw name", []), 5: ("CPU name", []),
    6: (
      "CPU arch",
      [
        "pre-v4", "v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6T2", "v6K", "v7", "v6-M",
        "v6S-M", "v7E-M", "v8", "v8-R", "v8-M.baseline", "v8-M.mainline",
      ]
    ),
    8: ("Arm ISA use", ["no", "yes"]),
    9: ("Thumb ISA use", ["no", "Thumb-1", "Thumb-2", "yes"]),
    10: (
      "FP arch",
      ["none", "VFPv1", "VFPv2", "VFPv3", "VFPv3-D16", "VFPv4", "VFPv4-D16", "v8", "v8-D16"]
    ),
    12: ("Advanced SIMD arch", ["none", "v1", "v1 with fused MAC", "v8"]),
    13: ("PCS config", []), 14: ("ABI PCS R9 use", ["V6", "SB", "TLS", "unused"]),
    15: ("ABI PCS RW data", ["absolute", "PC-relative", "SB-relative", "none"]),
    16: ("ABI PCS RO data", ["absolute", "PC-relative", "none"]),
    17: ("ABI PCS GOT use", ["none", "direct", "GOT-indirect"]), 18: ("ABI wchar_t", []),
    19: ("ABI FP rounding", ["unused", "needed"]),
    20: ("ABI FP denormal", ["unused", "needed", "sign only"]),
    21: ("ABI FP exceptions", ["unused", "needed"]),
    22: ("ABI FP user exceptions", ["unused", "needed"]),
    23: ("ABI FP number model", ["unused", "finite", "RTABI", "IEEE 754"]),
    24: ("ABI align needed", ["no", "8-byte", "4-byte"]),
    25: ("ABI align preserved", ["no", "8-byte, except leaf SP", "8-byte"]),
    26: ("ABI enum size", ["unused", "small", "int", "forced to int"]),
    27: ("ABI hard FP use", ["as FP arch", "SP only", "DP only", "SP and DP"]),
    28: ("ABI VFP args", ["base", "VFP registers", "custom", "compatible"]),
    30: (
      "ABI optimization goals",
      ["none", "speed", "all speed", "size", "all size", "debugging", "all debugging"]
    ),
    31: (
      "ABI FP optimization goals",
      ["none", "speed", "all speed", "size", "all size", "accuracy", "all accuracy"]
    ), 34: ("CPU unaligned access", ["no", "v6"]), 36: ("FP half precision", ["no", "yes"]),
    38: ("ABI FP 16-bit format", ["none", "IEEE 754", "alternative"]),
    44: ("DIV use", ["if the CPU has it", "no", "yes"]), 67: ("conformance", []),
  ]
}
