import Debugger
import Emu

/// What can be looked into: "scopes", "variables" and "setVariable".
enum Container {
  /// A group of a hart's registers.
  case registers(hart: Int, group: String)
  case globals
  /// Those of a file.
  case file(String)
  /// Variables and parameters of a call.
  case locals(FrameID)
  /// Members or elements of a variable, of a call where there is one.
  case variable(String, FrameID?)
  case devices
  case device(String)

  var frame: FrameID? {
    switch self {
    case .locals(let frame): frame
    case .variable(_, let frame): frame
    case .registers, .globals, .file, .devices, .device: nil
    }
  }

  /// The variable that a name in there is of.
  func path(of name: String) throws(Failure) -> String {
    switch self {
    case .registers: return "$" + name
    case .file(let file): return "\(file):\(name)"
    case .variable(let path, _): return Self.path(of: name, in: path)
    case .locals: return name
    case .globals, .devices, .device:
      throw Failure("\(name.prefix(64)) is nothing that has a place of its own")
    }
  }

  /// A part of a variable. What a pointer leads to, where that is one value, is called `*`.
  static func path(of name: String, in path: String) -> String {
    name == "*" ? path + "[0]" : path + (name.hasPrefix("[") ? name : "." + name)
  }
}

extension Target {
  func container(_ reference: Int) throws(Failure) -> Container {
    guard containers.indices.contains(reference &- 1) else {
      throw Failure("there is nothing of number \(reference); it may be of a stop before this one")
    }
    return containers[reference - 1]
  }

  func reference(to container: Container) -> Int {
    // Who asks again and again, without going on, gets no more.
    if containers.count == 1 << 20 { return 0 }
    containers.append(container)
    return containers.count
  }

  /// Of a core, in the order of `layout`.
  var registerGroups: [(group: String, name: String)] {
    [
      ("general", "Registers"), ("float", "Floating point"), ("csr", "Control and status"),
      ("system", "System"),
    ].filter { group in layout.all.contains { $0.group == group.0 } }.map { ($0.0, $0.1) }
  }

  func registers(_ group: String) -> [RegisterLayout.Entry] {
    layout.all.filter { $0.group == group }
  }
}

extension Adapter {
  private struct ScopesArguments: Decodable { var frameId: Int }

  private struct ScopesBody: Encodable {
    struct Scope: Encodable {
      var name: String
      var presentationHint: String?
      var variablesReference: Int
      var expensive = false
    }
    var scopes: [Scope]
  }

  func scopes(_ request: Request, _ target: Target) throws(Failure) {
    let frame = try FrameID(arguments(ScopesArguments.self).frameId, target)
    var scopes: [ScopesBody.Scope] = []
    func add(_ name: String, _ container: Container, hint: String? = nil) {
      scopes.append(
        .init(
          name: name, presentationHint: hint, variablesReference: target.reference(to: container)))
    }
    if !target.locals(in: frame).isEmpty { add("Locals", .locals(frame), hint: "locals") }
    add("Globals", .globals, hint: "globals")
    // Those of callers are not all known.
    if frame.level == 0 {
      for (group, name) in target.registerGroups {
        add(name, .registers(hart: frame.hart, group: group), hint: "registers")
      }
    }
    add("Devices", .devices)
    respond(to: request, ScopesBody(scopes: scopes))
  }

  private struct VariablesArguments: Decodable {
    var variablesReference: Int
    var start: Int?
    var count: Int?
    var format: ValueFormat?
  }

  private struct VariablesBody: Encodable { var variables: [Variable] }

  struct Variable: Encodable {
    var name: String
    var value: String
    var type: String?
    var evaluateName: String?
    var variablesReference = 0
    var namedVariables: Int?
    var indexedVariables: Int?
    var memoryReference: String?
  }

  /// In one answer.
  private static let mostVariables = 4096

  func variables(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(VariablesArguments.self)
    let container = try target.container(arguments.variablesReference)
    let wanted = names(in: container, target)
    let start = max(0, min(arguments.start ?? 0, wanted.count))
    let asked = arguments.count ?? 0
    let count = asked <= 0 ? Self.mostVariables : min(asked, Self.mostVariables)
    let isHex = arguments.format?.hex ?? false
    let variables = wanted[start...].prefix(count).map {
      variable($0, in: container, target, isHex: isHex)
    }
    respond(to: request, VariablesBody(variables: variables))
  }

  private func names(in container: Container, _ target: Target) -> [String] {
    switch container {
    case .registers(_, let group): return target.registers(group).map(\.name)
    case .globals: return Array(Set(target.debug.variableNames.map(\.file))).sorted()
    case .file(let file): return target.debug.variableNames.filter { $0.file == file }.map(\.name)
    case .locals(let frame): return target.locals(in: frame)
    case .variable(let path, let frame):
      switch target.parts(of: path, in: frame) {
      case .members(let names): return names
      case .elements(let count): return (0..<min(count, 1 << 16)).map { "[\($0)]" }
      case .pointee(let names): return names.isEmpty ? ["*"] : names
      case nil: return []
      }
    case .devices: return target.machine.board.devices.map(\.name)
    case .device(let name): return (target.machine.fields(ofDevice: name) ?? []).map(\.name)
    }
  }

  private func variable(
    _ name: String, in container: Container, _ target: Target, isHex: Bool
  ) -> Variable {
    var variable = Variable(name: name, value: "")
    switch container {
    case .globals: variable.variablesReference = target.reference(to: .file(name))
    case .devices: variable.variablesReference = target.reference(to: .device(name))
    case .device(let device):
      let field = target.machine.fields(ofDevice: device)?.first { $0.name == name }
      variable.value = field?.value ?? ""
    case .registers(let hart, _):
      fill(&variable, path: "$" + name, Evaluation(target, hart: hart, isHex: isHex))
    case .file(let file):
      fill(&variable, path: "\(file):\(name)", Evaluation(target, hart: 0, isHex: isHex))
    case .locals(let frame):
      fill(&variable, path: name, Evaluation(target, hart: frame.hart, isHex: isHex, frame))
    case .variable(let path, let frame):
      fill(
        &variable, path: Container.path(of: name, in: path),
        Evaluation(target, hart: frame?.hart ?? 0, isHex: isHex, frame))
    }
    return variable
  }

  private func fill(_ variable: inout Variable, path: String, _ evaluation: Evaluation) {
    variable.evaluateName = path
    do throws(Failure) {
      let value = try evaluation.value(of: path)
      variable.value = evaluation.words(value)
      variable.type = value.type
      variable.memoryReference = value.address.map { "0x\(hex($0))" }
      if value.hasParts {
        variable.variablesReference = evaluation.target.reference(
          to: .variable(path, evaluation.frame))
      }
    } catch {
      variable.value = "<\(error.words)>"
    }
  }

  // MARK: Writing

  private struct SetArguments: Decodable {
    var variablesReference: Int
    var name: String
    var value: String
    var format: ValueFormat?
  }

  private struct SetBody: Encodable {
    var value: String
    var type: String?
  }

  func setVariable(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(SetArguments.self)
    let container = try target.container(arguments.variablesReference)
    let path = try container.path(of: arguments.name)
    var hart = target.debuggee.latest.hart
    if case .registers(let number, _) = container { hart = number }
    let frame = container.frame
    let evaluation = Evaluation(
      target, hart: frame?.hart ?? hart, isHex: arguments.format?.hex ?? false, frame)
    try evaluation.write(arguments.value, to: path)
    let value = try evaluation.value(of: path)
    for notice in target.debuggee.takeNotices() { say(notice + "\n") }
    respond(to: request, SetBody(value: evaluation.words(value), type: value.type))
  }
}

/// "ValueFormat".
struct ValueFormat: Decodable {
  var hex: Bool?
}
