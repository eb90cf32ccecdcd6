import CExpat

/// An element of an XML file, with its line: as much of XML as a data file needs. Read by expat.
final class XMLElement {
  let name: String
  let line: Int
  private(set) var attributes: [String: String] = [:]
  fileprivate(set) var text = ""
  fileprivate(set) var children: [XMLElement] = []

  fileprivate init(_ name: String, line: Int) {
    self.name = name
    self.line = line
  }

  /// The text of a child, without the space around it; nil: there is no such child, or nothing in it.
  subscript(name: String) -> String? {
    guard let text = child(name)?.text.trimmed, !text.isEmpty else { return nil }
    return text
  }

  func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

  fileprivate func set(_ attribute: String, _ value: String) { attributes[attribute] = value }
}

extension String {
  fileprivate var trimmed: String {
    let isSpace = { (byte: UInt8) in byte == 32 || (9...13).contains(byte) }
    let start = utf8.firstIndex { !isSpace($0) } ?? endIndex
    let end = utf8.lastIndex { !isSpace($0) }.map(utf8.index(after:)) ?? start
    return String(self[start..<max(start, end)])
  }
}

extension XMLElement {
  /// Deeper than any data file is: what a reader of the tree recurses through.
  private static let deepest = 64
  private static let mostElements = 4_000_000

  /// The root element. Entities cannot be declared: no expansion, no other file.
  static func read(_ bytes: [UInt8], path: String) throws(FileError) -> XMLElement {
    guard let parser = XML_ParserCreate(nil) else { throw FileError(path, "no memory to parse it") }
    defer { XML_ParserFree(parser) }
    let state = State(parser)
    XML_SetUserData(parser, Unmanaged.passUnretained(state).toOpaque())
    XML_SetElementHandler(
      parser,
      { context, name, attributes in State.of(context)?.begin(name, attributes) },
      { context, _ in State.of(context)?.end() })
    XML_SetCharacterDataHandler(parser) { context, text, count in
      State.of(context)?.add(text, count)
    }
    XML_SetEntityDeclHandler(parser) { context, _, _, _, _, _, _, _, _ in
      State.of(context)?.fail("declares an entity; a data file has no need of one")
    }
    let status = bytes.withUnsafeBytes { buffer in
      XML_Parse(
        parser, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), 1)
    }
    if let (line, message) = state.failure { throw FileError(path, line: line, message) }
    guard status == XML_STATUS_OK, let root = state.root else {
      let code = XML_GetErrorCode(parser)
      let what = XML_ErrorString(code).map { String(cString: $0) } ?? "no XML"
      throw FileError(
        path, line: Int(XML_GetCurrentLineNumber(parser)),
        column: Int(XML_GetCurrentColumnNumber(parser)) + 1, "is no well-formed XML: \(what)")
    }
    return root
  }

  private final class State {
    private let parser: XML_Parser
    private(set) var root: XMLElement?
    private(set) var failure: (line: Int, message: String)?
    private var open: [XMLElement] = []
    private var count = 0

    init(_ parser: XML_Parser) { self.parser = parser }

    static func of(_ context: UnsafeMutableRawPointer?) -> State? {
      context.map { Unmanaged<State>.fromOpaque($0).takeUnretainedValue() }
    }

    private var line: Int { Int(XML_GetCurrentLineNumber(parser)) }

    func begin(
      _ name: UnsafePointer<CChar>?, _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    ) {
      guard failure == nil, let name else { return }
      count += 1
      if open.count == XMLElement.deepest { return fail("elements are nested too deeply") }
      if count > XMLElement.mostElements { return fail("has too many elements") }
      let element = XMLElement(String(cString: name), line: line)
      var place = 0
      while let key = attributes?[place], let value = attributes?[place + 1] {
        element.set(String(cString: key), String(cString: value))
        place += 2
      }
      if let parent = open.last { parent.children.append(element) } else { root = element }
      open.append(element)
    }

    func end() { _ = open.popLast() }

    func add(_ text: UnsafePointer<CChar>?, _ count: Int32) {
      guard let text, let element = open.last else { return }
      let bytes = UnsafeRawBufferPointer(start: text, count: Int(count))
      element.text += String(decoding: bytes, as: UTF8.self)
    }

    func fail(_ message: String) {
      if failure == nil { failure = (line, message) }
      XML_StopParser(parser, 0)
    }
  }
}
