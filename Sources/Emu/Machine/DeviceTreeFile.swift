import CFdt

/// A flattened device tree as it is handed to software: checked, and told what only the boot knows.
/// Devicetree Specification 0.4: chapter 5 (the format), section 3.6 (`chosen`).
struct DeviceTreeFile {
  private(set) var bytes: [UInt8]

  /// Throws what is wrong with a blob that is none.
  init(_ bytes: [UInt8], from source: String) throws(MachineError) {
    let result = bytes.withUnsafeBytes { buffer in
      buffer.baseAddress.map { fdt_check_full($0, buffer.count) } ?? -FDT_ERR_TRUNCATED
    }
    if result != 0 {
      throw MachineError(
        .image,
        "\(source): is no device tree blob (\(Self.words(result))); make one with dtc -O dtb")
    }
    // What follows the blob in its file is no part of it.
    let size = bytes.withUnsafeBytes { buffer in
      buffer.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
    }
    self.bytes = Array(bytes.prefix(Int(size)))
  }

  /// `chosen` gets these properties; what it has of the same names is replaced.
  mutating func choose(_ properties: [(name: String, value: [UInt8])]) {
    if properties.isEmpty { return }
    let room = properties.reduce(256) { $0 + $1.name.utf8.count + $1.value.count + 32 }
    var bytes = [UInt8](repeating: 0, count: bytes.count + room)
    bytes.withUnsafeMutableBytes { tree in
      guard let tree = tree.baseAddress else { return }
      Self.check(fdt_open_into(self.bytes, tree, Int32(self.bytes.count + room)))
      var node = fdt_path_offset(tree, "/chosen")
      if node < 0 { node = fdt_add_subnode(tree, 0, "chosen") }
      Self.check(min(node, 0))
      for (name, value) in properties {
        Self.check(fdt_setprop(tree, node, name, value, Int32(value.count)))
      }
      Self.check(fdt_pack(tree))
    }
    let size = bytes.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
    }
    self.bytes = Array(bytes.prefix(Int(size)))
  }

  /// A checked tree in a buffer with room enough: nothing is left that may go wrong.
  private static func check(_ result: Int32) {
    precondition(result >= 0, "libfdt: \(words(result))")
  }

  private static func words(_ result: Int32) -> String { String(cString: fdt_strerror(result)) }
}
