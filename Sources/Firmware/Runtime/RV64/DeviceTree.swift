/// A node of a flattened device tree, read where it lies. It yields all the nodes below it, a parent
/// before its children. (No `Sequence`: that drags in arrays, and they allocate.)
struct DeviceTreeNode: IteratorProtocol {
  private var position: UnsafeRawPointer
  private let names: UnsafeRawPointer
  private var depth = 0

  /// What stands above the root of the tree at `address`.
  init(treeAt address: UnsafeRawPointer) {
    position = address + Int(address.word(2))
    names = address + Int(address.word(3))
  }

  mutating func next() -> DeviceTreeNode? {
    while depth >= 0 {
      switch takeItem() {
      case .nodeBegin:
        var node = self
        node.depth = 0
        depth += 1
        return node
      case .nodeEnd: depth -= 1
      case .property: continue
      case .treeEnd: return nil
      }
    }
    return nil
  }

  func first(where matches: (DeviceTreeNode) -> Bool) -> DeviceTreeNode? {
    var below = self
    while let node = below.next() {
      if matches(node) { return node }
    }
    return nil
  }

  /// A property of this node, whose properties all come before its first child.
  subscript(name: StaticString) -> Property? {
    var cursor = self
    while case .property(let found, let property) = cursor.takeItem() {
      if found.isString(name) { return property }
    }
    return nil
  }

  func isCompatible(with name: StaticString) -> Bool {
    guard let list = self["compatible"] else { return false }
    var entry = list.start
    while entry < list.start + list.length {
      if entry.isString(name) { return true }
      entry += entry.stringLength + 1
    }
    return false
  }

  struct Property {
    let start: UnsafeRawPointer
    let length: Int

    /// One of the big-endian words that most values are made of.
    subscript(index: Int) -> UInt32 { start.word(index) }
  }

  private enum Item {
    case nodeBegin
    case nodeEnd
    case property(name: UnsafeRawPointer, Property)
    case treeEnd
  }

  // Three callers, each of which would else have its own copy.
  @inline(never)
  private mutating func takeItem() -> Item {
    while true {
      let item = position
      switch item.word(0) {
      case 1:
        position += 4 + paddedToWords((item + 4).stringLength + 1)
        return .nodeBegin
      case 2:
        position += 4
        return .nodeEnd
      case 3:
        let property = Property(start: item + 12, length: Int(item.word(1)))
        position += 12 + paddedToWords(property.length)
        return .property(name: names + Int(item.word(2)), property)
      case 4:  // Something has been blotted out here.
        position += 4
      default:
        return .treeEnd
      }
    }
  }

  private func paddedToWords(_ length: Int) -> Int { (length + 3) & ~3 }
}

extension UnsafeRawPointer {
  fileprivate func word(_ index: Int) -> UInt32 {
    load(fromByteOffset: index * 4, as: UInt32.self).bigEndian
  }

  fileprivate var stringLength: Int {
    var length = 0
    while load(fromByteOffset: length, as: UInt8.self) != 0 { length += 1 }
    return length
  }

  fileprivate func isString(_ text: StaticString) -> Bool {
    guard stringLength == text.utf8CodeUnitCount else { return false }
    for offset in 0..<text.utf8CodeUnitCount
    where load(fromByteOffset: offset, as: UInt8.self) != text.utf8Start[offset] {
      return false
    }
    return true
  }
}
