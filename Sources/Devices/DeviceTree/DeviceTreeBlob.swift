import CFdt

extension DeviceTreeNode {
  /// The flattened tree with this node as its root, made by libfdt. Phandles count from 1 in the order of the tree.
  public func blob() -> [UInt8] {
    var phandles: [String: UInt32] = [:]
    number(&phandles)
    var size = 4096
    while true {
      if let blob = Blob.make(self, phandles, size: size) { return blob }
      size *= 2
    }
  }

  private func number(_ phandles: inout [String: UInt32]) {
    if let label {
      let old = phandles.updateValue(UInt32(phandles.count + 1), forKey: label)
      precondition(old == nil, "two device tree nodes with the label \(label)")
    }
    for child in children { child.number(&phandles) }
  }
}

/// libfdt's sequential write into a buffer.
private struct Blob {
  private let start: UnsafeMutableRawPointer
  private let phandles: [String: UInt32]

  private struct NoSpace: Error {}

  /// nil: it needs a larger buffer.
  static func make(_ root: DeviceTreeNode, _ phandles: [String: UInt32], size: Int) -> [UInt8]? {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
    defer { buffer.deallocate() }
    let blob = Blob(start: buffer, phandles: phandles)
    do {
      try blob.check(fdt_create(buffer, Int32(size)))
      try blob.check(fdt_finish_reservemap(buffer))
      try blob.add(root, name: "")
      try blob.check(fdt_finish(buffer))
    } catch {
      return nil
    }
    let header = buffer.load(as: fdt_header.self)
    let used = Int(UInt32(bigEndian: header.totalsize))
    return Array(UnsafeRawBufferPointer(start: buffer, count: used))
  }

  private func check(_ result: Int32) throws(NoSpace) {
    if result == 0 { return }
    if result == -FDT_ERR_NOSPACE { throw NoSpace() }
    preconditionFailure("libfdt: \(String(cString: fdt_strerror(result)))")
  }

  private func add(_ node: DeviceTreeNode, name: String) throws(NoSpace) {
    try check(fdt_begin_node(start, name))
    for property in node.properties {
      let bytes = bytes(of: property.value)
      try check(fdt_property(start, property.name, bytes, Int32(bytes.count)))
    }
    if let label = node.label {
      let bytes = bytes(of: .cells([.phandle(label)]))
      try check(fdt_property(start, "phandle", bytes, Int32(bytes.count)))
    }
    for child in node.children { try add(child, name: child.name) }
    try check(fdt_end_node(start))
  }

  private func bytes(of value: DeviceTreeNode.Value) -> [UInt8] {
    switch value {
    case .flag: []
    case .strings(let strings): strings.flatMap { Array($0.utf8) + [0] }
    case .cells(let cells): cells.flatMap { bytes(of: number(of: $0)) }
    }
  }

  private func bytes(of number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private func number(of cell: DeviceTreeNode.Cell) -> UInt32 {
    switch cell {
    case .number(let number): return number
    case .phandle(let label):
      guard let phandle = phandles[label] else {
        preconditionFailure("no device tree node has the label \(label)")
      }
      return phandle
    }
  }
}
