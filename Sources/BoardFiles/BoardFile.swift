import Devices
import Emu

/// A board as a YAML file: docs/boards.md. What `extends` another one says only what is different.
public struct BoardFile {
  /// The devices that it can name.
  private let types: DeviceTypes
  /// What a name behind `extends` is.
  private let named: (String) throws(BoardError) -> Board

  /// - Parameter named: the boards that can be extended; those that are built in, unless told.
  public init(
    types: DeviceTypes = .builtIn,
    named: @escaping (String) throws(BoardError) -> Board = { name throws(BoardError) in
      try Boards.named(name)
    }
  ) {
    self.types = types
    self.named = named
  }

  public func read(path: String) throws(FileError) -> Board {
    try read(YAMLText(path: path), depth: 0)
  }

  public func read(_ text: String, path: String) throws(FileError) -> Board {
    try read(YAMLText(Array(text.utf8), path: path), depth: 0)
  }

  private static let deepest = 8

  private func read(_ root: YAMLText, depth: Int) throws(FileError) -> Board {
    var fields = try root.fields("a board: a map with name, core, clock, memory, devices")
    var base: Board?
    if let extends = fields.optional("extends") {
      base = try extended(extends, depth: depth)
    }
    var reader = BoardReader(types: types, path: root.path, base: base)
    return try reader.board(&fields)
  }

  /// A name, or a file beside this one.
  private func extended(_ name: YAMLText, depth: Int) throws(FileError) -> Board {
    let text = try name.text("the name of a board")
    if Self.isPath(text) {
      if depth == Self.deepest {
        throw name.error("boards extend each other \(depth) deep; is there a circle?")
      }
      let folder = name.path.lastIndex(of: "/").map { String(name.path[...$0]) } ?? ""
      return try read(
        YAMLText(path: text.hasPrefix("/") ? text : folder + text), depth: depth + 1)
    }
    do { return try named(text) } catch { throw name.error(error.message) }
  }

  /// Is it a file, and no name of a board?
  public static func isPath(_ text: String) -> Bool {
    text.contains("/") || text.hasSuffix(".yaml") || text.hasSuffix(".yml")
  }
}
