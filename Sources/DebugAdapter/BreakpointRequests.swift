import Debugger
import Emu

/// What the client has set, each list replaced as a whole: "setBreakpoints" (one a source), "setFunctionBreakpoints",
/// "setInstructionBreakpoints" and "setDataBreakpoints".
struct BreakpointList {
  enum Owner: Hashable {
    case source(String)
    case functions
    case instructions
    case data
  }

  struct Entry {
    var id: Int
    var addresses: [UInt64] = []
    var watch: (kind: BreakpointTable.Kind, range: Range<UInt64>)?
    /// What is true where it stops; nil: it always does.
    var condition: String?
    /// What is said in place of a stop, with expressions in braces.
    var log: String?
  }

  private var entries: [Owner: [Entry]] = [:]
  private var latest = 0

  mutating func newID() -> Int {
    latest += 1
    return latest
  }

  mutating func set(_ owner: Owner, _ new: [Entry]) { entries[owner] = new }

  /// For the machine; and those of which there are too many.
  func table() -> (table: BreakpointTable, refused: Set<Int>) {
    var table = BreakpointTable()
    var refused: Set<Int> = []
    for entry in entries.values.joined().sorted(by: { $0.id < $1.id }) {
      for address in entry.addresses { _ = table.set(.hardware, address, size: 2) }
      guard let watch = entry.watch else { continue }
      let size = watch.range.upperBound - watch.range.lowerBound
      if !table.set(watch.kind, watch.range.lowerBound, size: size) { refused.insert(entry.id) }
    }
    return (table, refused)
  }

  func entries(at address: UInt64) -> [Entry] {
    entries.values.joined().filter { $0.addresses.contains(address) }.sorted { $0.id < $1.id }
  }

  func hits(_ address: UInt64) -> (reason: String, ids: [Int]) {
    var ids: [Int] = []
    var reason = "instruction breakpoint"
    for (owner, list) in entries {
      let hit = list.filter { $0.addresses.contains(address) && $0.log == nil }
      ids += hit.map(\.id)
      switch owner {
      case .source where !hit.isEmpty: reason = "breakpoint"
      case .functions where !hit.isEmpty && reason != "breakpoint": reason = "function breakpoint"
      default: break
      }
    }
    return (reason, ids.sorted())
  }

  func watches(at address: UInt64) -> [Int] {
    (entries[.data] ?? []).filter { $0.watch?.range.contains(address) ?? false }.map(\.id)
  }
}

/// One of a list in a request.
private protocol WantedBreakpoint: Decodable {
  var condition: String? { get }
  var hitCondition: String? { get }
  var logMessage: String? { get }
}

extension WantedBreakpoint {
  var logMessage: String? { nil }
}

extension Adapter {
  /// "Breakpoint".
  struct BreakpointBody: Encodable {
    var id: Int
    var verified = true
    var message: String?
    var source: Source?
    var line: Int?
    var instructionReference: String?
  }

  struct BreakpointsBody: Encodable {
    var breakpoints: [BreakpointBody]
  }

  /// More than anybody sets in one list.
  private static let most = 4096

  private func set<Wanted: WantedBreakpoint>(
    _ request: Request, _ target: Target, _ owner: BreakpointList.Owner, _ wanted: [Wanted],
    _ resolve: (Wanted, inout BreakpointBody) -> BreakpointList.Entry?
  ) throws(Failure) {
    guard wanted.count <= Self.most else { throw Failure("more than \(Self.most) breakpoints") }
    var entries: [BreakpointList.Entry] = []
    var bodies = wanted.map { wanted in
      var body = BreakpointBody(id: target.breakpoints.newID())
      if wanted.hitCondition?.isEmpty == false {
        body.message = "hits are not counted, since one may go back: a condition can say the same"
        body.verified = false
      } else if var entry = resolve(wanted, &body) {
        entry.id = body.id
        entry.condition = wanted.condition.flatMap { $0.isEmpty ? nil : $0 }
        entry.log = wanted.logMessage.flatMap { $0.isEmpty ? nil : $0 }
        entries.append(entry)
        body.instructionReference = entry.addresses.first.map { "0x\(hex($0))" }
      } else {
        body.verified = false
      }
      return body
    }
    target.breakpoints.set(owner, entries)
    let (table, refused) = target.breakpoints.table()
    target.debuggee.breakpoints = table
    for place in bodies.indices where refused.contains(bodies[place].id) {
      bodies[place].verified = false
      bodies[place].message = "there are \(Breakpoints.mostWatches) at most"
    }
    respond(to: request, BreakpointsBody(breakpoints: bodies))
  }

  private struct SourceArguments: Decodable {
    struct Wanted: WantedBreakpoint {
      var line: Int
      var condition: String?
      var hitCondition: String?
      var logMessage: String?
    }
    var source: Source
    var breakpoints: [Wanted]?
    /// As it once was.
    var lines: [Int]?
  }

  func setBreakpoints(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(SourceArguments.self)
    guard let path = arguments.source.path ?? arguments.source.name else {
      throw Failure("source.path is missing")
    }
    let all =
      arguments.breakpoints ?? arguments.lines?.map { SourceArguments.Wanted(line: $0) } ?? []
    try set(request, target, .source(path), all) { wanted, body in
      let line = wanted.line.addingReportingOverflow(1 - firstLine).partialValue
      let places = target.debug.places(ofLine: line) { SourceNames.isSame($0, path) }
      guard let first = places.first else {
        body.message = "the image has no code of this line and those behind it"
        return nil
      }
      body.line = first.line - 1 + firstLine
      body.source = Source(name: target.sources.source(first.file).name, path: path)
      return BreakpointList.Entry(id: 0, addresses: places.map(\.address))
    }
  }

  private struct FunctionArguments: Decodable {
    struct Wanted: WantedBreakpoint {
      var name: String
      var condition: String?
      var hitCondition: String?
    }
    var breakpoints: [Wanted]
  }

  func setFunctionBreakpoints(_ request: Request, _ target: Target) throws(Failure) {
    let wanted = try arguments(FunctionArguments.self).breakpoints
    try set(request, target, .functions, wanted) { wanted, body in
      guard let address = target.debug.address(ofSymbol: wanted.name) else {
        body.message = "the image has no symbol \(wanted.name.prefix(64))"
        return nil
      }
      return BreakpointList.Entry(id: 0, addresses: [target.instruction(address)])
    }
  }

  private struct InstructionArguments: Decodable {
    struct Wanted: WantedBreakpoint {
      var instructionReference: String
      var offset: Int64?
      var condition: String?
      var hitCondition: String?
    }
    var breakpoints: [Wanted]
  }

  func setInstructionBreakpoints(_ request: Request, _ target: Target) throws(Failure) {
    let wanted = try arguments(InstructionArguments.self).breakpoints
    try set(request, target, .instructions, wanted) { wanted, body in
      guard let address = UInt64(reference: wanted.instructionReference, wanted.offset) else {
        body.message = "\(wanted.instructionReference.prefix(64)) is no address"
        return nil
      }
      return BreakpointList.Entry(id: 0, addresses: [target.instruction(address)])
    }
  }

  // MARK: Data

  private struct DataInfoArguments: Decodable {
    var variablesReference: Int?
    var name: String
    var bytes: UInt64?
    var asAddress: Bool?
  }

  private struct DataInfoBody: Encodable {
    var dataId: String?
    var description: String
    var accessTypes: [String]?

    enum CodingKeys: CodingKey { case dataId, description, accessTypes }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      // null, where there is none.
      try container.encode(dataId, forKey: .dataId)
      try container.encode(description, forKey: .description)
      try container.encodeIfPresent(accessTypes, forKey: .accessTypes)
    }
  }

  func dataBreakpointInfo(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(DataInfoArguments.self)
    var name = arguments.name
    if let reference = arguments.variablesReference, reference > 0 {
      name = try target.container(reference).path(of: name)
    }
    let value = try? Evaluation(target, hart: target.debuggee.latest.hart).value(of: name)
    let address = arguments.asAddress == true ? value?.number : value?.address
    guard let address else {
      return respond(
        to: request, DataInfoBody(description: "\(name.prefix(64)) has no place in memory"))
    }
    let known = arguments.asAddress == true ? nil : value?.size
    let size = max(1, min(arguments.bytes ?? known ?? UInt64(target.layout.pc.size), 1 << 20))
    respond(
      to: request,
      DataInfoBody(
        dataId: "0x\(hex(address)),\(size)", description: "\(size) bytes at 0x\(hex(address))",
        accessTypes: ["read", "write", "readWrite"]))
  }

  private struct DataArguments: Decodable {
    struct Wanted: WantedBreakpoint {
      var dataId: String
      var accessType: String?
      var condition: String?
      var hitCondition: String?
    }
    var breakpoints: [Wanted]
  }

  func setDataBreakpoints(_ request: Request, _ target: Target) throws(Failure) {
    let wanted = try arguments(DataArguments.self).breakpoints
    try set(request, target, .data, wanted) { wanted, body in
      let words = wanted.dataId.split(separator: ",").map(String.init)
      let kinds: [String: BreakpointTable.Kind] = [
        "read": .load, "write": .store, "readWrite": .access,
      ]
      if wanted.condition?.isEmpty == false {
        body.message = "data breakpoints have no conditions"
        return nil
      }
      guard words.count == 2, let address = UInt64(reference: words[0]),
        let size = UInt64(words[1]), size > 0, let kind = kinds[wanted.accessType ?? "write"]
      else {
        body.message = "\(wanted.dataId.prefix(64)): dataBreakpointInfo gave no such thing"
        return nil
      }
      let (end, overflow) = address.addingReportingOverflow(size)
      return BreakpointList.Entry(id: 0, watch: (kind, address..<(overflow ? .max : end)))
    }
  }
}

extension Target {
  /// A function's address on a Cortex-M may have the Thumb bit.
  func instruction(_ address: UInt64) -> UInt64 { isArm ? address & 0xFFFF_FFFE : address }
}

extension UInt64 {
  /// "0x20000000" and so many bytes behind.
  init?(reference: String, _ offset: Int64? = nil) {
    let isHex = reference.hasPrefix("0x") || reference.hasPrefix("0X")
    let number =
      isHex ? UInt64(reference.dropFirst(2), radix: 16) : UInt64(reference)
    guard let number else { return nil }
    self = number &+ UInt64(bitPattern: offset ?? 0)
  }
}
