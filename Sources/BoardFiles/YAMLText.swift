import Emu
import Yams

/// A value in a YAML file (1.1, by libyaml), which knows where it is. All scalars are text: what a number is says who reads it.
struct YAMLText {
  let path: String
  let node: Node

  /// Files larger than that are no boards and no scripts.
  private static let largest = 1 << 20

  /// A whole file.
  init(path: String) throws(FileError) {
    try self.init(WholeFile.read(path, most: Self.largest), path: path)
  }

  init(_ bytes: [UInt8], path: String) throws(FileError) {
    self.path = path
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileError(path, "is no UTF-8 text")
    }
    do {
      let parser = try Parser(yaml: text, resolver: .basic)
      guard let root = try parser.singleRoot() else { throw FileError(path, "is empty") }
      node = root
    } catch let error as FileError {
      throw error
    } catch let error as YamlError {
      throw Self.error(error, path)
    } catch {
      throw FileError(path, "\(error)")
    }
  }

  fileprivate init(_ node: Node, _ path: String) {
    self.node = node
    self.path = path
  }

  private static func error(_ error: YamlError, _ path: String) -> FileError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return FileError(path, line: mark.line, column: mark.column, problem)
    case .reader(let problem, _, _, _): return FileError(path, problem)
    case .duplicatedKeysInMapping(let keys, let context):
      return FileError(
        path, line: context.mark.line, column: context.mark.column,
        "\"\(keys.first ?? "")\" is there twice")
    default: return FileError(path, "\(error)")
    }
  }

  // MARK: Errors

  func error(_ message: String) -> FileError {
    FileError(path, line: node.mark?.line, column: node.mark?.column, message)
  }

  // MARK: What it is

  var isList: Bool { node.sequence != nil }
  var isMap: Bool { node.mapping != nil }
  var scalar: String? { node.scalar?.string }

  /// - Parameter what: for the message: "a name".
  func text(_ what: String) throws(FileError) -> String {
    guard let text = node.scalar?.string else { throw error("here is to be \(what)") }
    return text
  }

  func list(_ what: String) throws(FileError) -> [YAMLText] {
    guard let nodes = node.sequence else { throw error("here is to be \(what)") }
    return nodes.map { YAMLText($0, path) }
  }

  /// The members of a map, in order.
  func members(_ what: String) throws(FileError) -> [(key: YAMLText, value: YAMLText)] {
    guard let mapping = node.mapping else { throw error("here is to be \(what)") }
    return mapping.map { (YAMLText($0.key, path), YAMLText($0.value, path)) }
  }

  func fields(_ what: String) throws(FileError) -> YAMLFields {
    YAMLFields(self, try members(what))
  }

  func number(_ what: String = "a number") throws(FileError) -> UInt64 {
    try read(what, BoardQuantity.number)
  }
  func size() throws(FileError) -> UInt64 { try read("a size such as 64 KiB", BoardQuantity.size) }
  func flag() throws(FileError) -> Bool { try read("true or false", { Bool($0) }) }

  func read<T>(_ what: String, _ parse: (String) -> T?) throws(FileError) -> T {
    let text = try text(what)
    guard let value = parse(text) else { throw error("here is to be \(what), not \"\(text)\"") }
    return value
  }
}

/// The members of a map that has certain keys and no others.
struct YAMLFields {
  let map: YAMLText
  private let members: [(key: YAMLText, value: YAMLText)]
  private var known: [String] = []

  fileprivate init(_ map: YAMLText, _ members: [(key: YAMLText, value: YAMLText)]) {
    self.map = map
    self.members = members
  }

  mutating func optional(_ key: String) -> YAMLText? {
    known.append(key)
    return members.first { $0.key.scalar == key }?.value
  }

  mutating func required(_ key: String) throws(FileError) -> YAMLText {
    if let value = optional(key) { return value }
    throw missing(key)
  }

  /// A key is not there; perhaps it is, with a slip.
  func missing(_ key: String) -> FileError {
    for (written, _) in members {
      let name = written.scalar ?? ""
      if !known.contains(name) && Self.isSlip(name, of: key) {
        return written.error("there is no key \"\(name)\" here; is \(key) meant?")
      }
    }
    return map.error("\"\(key)\" is missing")
  }

  /// One letter too many, too few, or another one.
  private static func isSlip(_ text: String, of word: String) -> Bool {
    let (a, b) = (Array(text), Array(word))
    let start = zip(a, b).prefix { $0 == $1 }.count
    let end = min(
      zip(a.reversed(), b.reversed()).prefix { $0 == $1 }.count, min(a.count, b.count) - start)
    return abs(a.count - b.count) <= 1 && max(a.count, b.count) - start - end <= 1
  }

  /// Everything has been asked for that there may be: what else is there is a mistake.
  func finish() throws(FileError) {
    for (key, _) in members {
      let name = key.scalar ?? ""
      if known.contains(name) { continue }
      throw key.error(
        "there is no key \"\(name)\" here; there are \(known.joined(separator: ", "))")
    }
  }
}
