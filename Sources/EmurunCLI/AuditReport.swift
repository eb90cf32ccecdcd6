import Emu
import MachineCode
import Proofs
import Timeline

/// What an audit came to, in words, as JSON and as diagnostics.
struct AuditReport {
  let path: String
  let board: Board
  let map: CodeMap
  let proof: ZeroTrapProof
  let inventory: Inventory
  let witness: Witness
  /// Swift's own checks that are left in the code, by the instruction that each ends in.
  let checks: [(address: UInt64, check: DebugInfo.RuntimeCheck)]
  let policy: AuditPolicy?
  private let bounds: StackBounds
  private let debug: DebugInfo
  private let callers: [UInt64: UInt64?]
  private let checksByAddress: [UInt64: DebugInfo.RuntimeCheck]

  init(
    _ plan: RunPlan, _ path: String, _ policy: AuditPolicy?, _ duration: VirtualTime?,
    _ compare: UInt64, most: Int
  ) throws(Refusal) {
    let machine = try plan.machine()
    let program = try plan.program()
    self.path = path
    self.policy = policy
    board = plan.board
    map = CodeMap(program)
    proof = ZeroTrapProof(program, on: plan.board, most: most)
    inventory = Inventory(map)
    let limit = Moment(nanoseconds: duration?.nanoseconds ?? 1_000_000_000)
    witness = Witness(machine, map, proof, until: limit, most: compare)
    bounds = StackBounds(FrameTable(map))
    debug = DebugInfo(program.image)
    callers = map.callers
    let info = debug
    checks = inventory.sites.filter { $0.kind == .undefined }.compactMap { site in
      info.runtimeCheck(at: site.address).map { (site.address, $0) }
    }
    checksByAddress = Dictionary(uniqueKeysWithValues: checks.map { ($0.address, $0.check) })
  }

  // MARK: Verdicts

  enum Verdict: String {
    case proved
    case refuted
    case unknown
  }

  var verdict: Verdict {
    if witness.departure != nil { return .refuted }
    return proof.isProved ? .proved : .unknown
  }

  var isGood: Bool {
    witness.contradiction == nil && (policy == nil ? verdict == .proved : violations.isEmpty)
  }

  /// What the policy does not allow.
  var violations: [Diagnostic] {
    guard let policy else { return [] }
    var found = inventory.sites.filter { !policy.allowed.contains($0.kind.rawValue) }.map { site in
      diagnostic(
        .init("policy-" + site.kind.rawValue, .error, "The policy does not allow it."),
        "\(site.kind.rawValue) is not allowed"
          + (checksByAddress[site.address].map { " (\($0.what))" } ?? ""),
        site.address, through: site.function)
    }
    if !policy.devices.isEmpty {
      for (register, sites) in proof.deviceStores.sorted(by: { $0.key < $1.key })
      where !policy.devices.contains(where: { $0.contains(register) }) {
        for site in sites.sorted() {
          found.append(
            diagnostic(.policyDevice, "a store to \(hex(register)) is not allowed", site))
        }
      }
      if !proof.isProved {
        found.append(
          Diagnostic(
            .policyDevice, "not every store is known: which devices they reach is not shown"))
      }
    }
    if let departure = witness.departure, !departure.isInterrupt,
      !inventory.sites.contains(where: { $0.address == departure.pc }),
      !policy.allowed.contains(Obligation.Class.memory.rawValue)
    {
      found.append(
        diagnostic(.policyFault, "a run of it took \(words(departure))", departure.pc))
    }
    if let most = policy.stack {
      for (address, root) in map.roots where root == .entry {
        guard let bound = bounds[address] else { continue }
        if bound.bytes > most || !bound.unknown.isEmpty {
          let reasons = bound.unknown.isEmpty ? "" : ": \(bound.unknown.joined(separator: "; "))"
          found.append(
            Diagnostic(
              .policyStack,
              "the stack may take \(bound.bytes) bytes\(reasons.isEmpty ? "" : " or more")"
                + ", \(most) are allowed\(reasons)"))
        }
      }
    }
    let size = map.program.image.segments.reduce(0 as UInt64) { $0 + UInt64($1.bytes.count) }
    if let most = policy.size, size > most {
      found.append(
        Diagnostic(.policySize, "the image has \(size) bytes to load, \(most) are allowed"))
    }
    if let most = policy.runtimeChecks, checks.count > most {
      found.append(
        Diagnostic(
          .policyChecks, "\(checks.count) runtime checks are left, \(most) are allowed"))
    }
    return found
  }

  /// For SARIF: what stands in the way, or what the policy does not allow.
  var diagnostics: [Diagnostic] {
    if policy != nil { return violations }
    var found = proof.obligations.map { obligation in
      diagnostic(
        .init(obligation.kind.rawValue, .warning, "Not shown to go well."), obligation.reason,
        obligation.address, calls: obligation.calls)
    }
    if let departure = witness.departure {
      found.insert(
        diagnostic(
          .init("departure", .error, "A run left the straight path."), words(departure),
          departure.pc), at: 0)
    }
    found += checks.map { address, check in
      Diagnostic(
        .init("runtime-check", .note, "A check of Swift's own that is left in the image."),
        check.what, address: address, function: map.program.name(address), file: check.file,
        line: check.line)
    }
    return found
  }

  private func diagnostic(
    _ rule: Diagnostic.Rule, _ what: String, _ address: UInt64, calls: [UInt64] = [],
    through function: UInt64? = nil
  ) -> Diagnostic {
    let line = debug.sourceLine(at: address).map { ($0.file, $0.line) }
    // What a check of Swift's ends in has no line of its own.
    let place = line ?? checksByAddress[address].map { ($0.file, $0.line) }
    return Diagnostic(
      rule, what + way(calls, function), address: address, function: map.program.name(address),
      file: place?.0, line: place?.1)
  }

  /// "; by reset > main": one way of calls to it.
  private func way(_ calls: [UInt64], _ function: UInt64?) -> String {
    var names = calls.map { map.program.name($0 - 1) }
    if let function { names = map.path(to: function, callers).map { map.program.name($0) } }
    return names.isEmpty ? "" : "; by \(names.joined(separator: " > "))"
  }

  // MARK: Words

  func text() -> String {
    var lines = ["\(path) on \(board.name): \(headline)"]
    if let contradiction = witness.contradiction {
      lines.append("BUG OF EMURUN: \(contradiction); please report it with the image")
    }
    if policy != nil {
      lines += violations.map { "  \(words($0))" }
      if violations.isEmpty { lines.append("  the policy is kept") }
    } else {
      lines += obligationLines
    }
    lines.append("static: " + staticWords)
    for (register, sites) in proof.deviceStores.sorted(by: { $0.key < $1.key }) {
      let places = sites.sorted().map { map.program.name($0).printable }
      lines.append("  stores to \(name(ofRegister: register)): \(places.joined(separator: ", "))")
    }
    lines.append("run: " + runWords)
    lines += checkLines + inventoryLines
    return lines.joined(separator: "\n")
  }

  private var headline: String {
    switch verdict {
    case .proved: "proved: it never traps and is never interrupted"
    case .refuted: "refuted: " + (witness.departure.map(words) ?? "")
    case .unknown:
      "unknown: of \(Quantity.grouped(proof.obligations.count)) "
        + (proof.obligations.count == 1 ? "instruction" : "places") + " something is not shown"
    }
  }

  private func words(_ departure: Witness.Departure) -> String {
    let line = debug.sourceLine(at: departure.pc).map { " (\($0.file):\($0.line))" } ?? ""
    return
      "\(name(of: departure)) at \(map.program.name(departure.pc).printable)\(line), after "
      + "\(Quantity.grouped(departure.index)) instructions"
  }

  private func name(of departure: Witness.Departure) -> String {
    let names = EventNames(board)
    guard let event = departure.event else { return "a breakpoint" }
    switch event.kind {
    case .interrupt: return names.interrupt(event)
    case .sbi: return "a call of SBI, \(names.sbi(event)),"
    default: return names.trap(event)
    }
  }

  private var obligationLines: [String] {
    let most = 20
    var lines = proof.obligations.prefix(most).map { obligation in
      "  "
        + words(
          diagnostic(
            .init(obligation.kind.rawValue, .warning, ""), obligation.reason, obligation.address,
            calls: obligation.calls))
    }
    let rest = proof.obligations.count - lines.count
    if rest > 0 { lines.append("  and \(rest) more; --json and --sarif have them all") }
    return lines
  }

  private func words(_ diagnostic: Diagnostic) -> String {
    let place = diagnostic.function.map { " at \($0.printable)" } ?? ""
    let line = diagnostic.file.map { " (\($0.printable):\(diagnostic.line ?? 0))" } ?? ""
    return "\(diagnostic.rule.id)\(place)\(line): \(diagnostic.message.printable)"
  }

  private var staticWords: String {
    let total = map.addresses.count
    return proof.isProved
      ? "\(Quantity.grouped(proof.reached.count)) instructions may run, of "
        + "\(Quantity.grouped(total)) in the code map"
      : "\(Quantity.grouped(total)) instructions in \(Quantity.grouped(map.functions.count)) "
        + (map.functions.count == 1 ? "function" : "functions") + " in the code map"
  }

  private var runWords: String {
    let end = witness.end.map { "ended by \($0.rawValue)" } ?? "stopped"
    return
      "\(Quantity.grouped(witness.index)) instructions, \(end); "
      + "\(Quantity.grouped(witness.compared)) looked up, "
      + (witness.contradiction == nil
        ? "none that the static side had not" : "with a contradiction")
      + (witness.dataThatRan.map {
        "; \(map.program.name($0).printable) is marked as data and ran, so the code map lacks it"
      } ?? "")
      + (witness.cameFromOutside.map {
        "; \(map.program.name($0).printable) ran, reached by what the code map does not follow"
      } ?? "")
  }

  private var checkLines: [String] {
    if checks.isEmpty { return [] }
    return ["runtime checks left by Swift: \(checks.count)"]
      + checks.map { address, check in
        "  \(check.what) at \(check.file.printable):\(check.line), in "
          + map.program.name(address).printable
      }
  }

  private var inventoryLines: [String] {
    var counts: [Obligation.Class: Int] = [:]
    for site in inventory.sites { counts[site.kind, default: 0] += 1 }
    let words = Obligation.Class.allCases.compactMap { kind in
      counts[kind].map { "\($0) \(kind.rawValue)" }
    }
    return words.isEmpty
      ? [] : ["in the code map, reached or not: \(words.joined(separator: ", "))"]
  }

  private func name(ofRegister address: UInt64) -> String {
    guard let device = board.devices.first(where: { address >= $0.address && address < $0.end })
    else { return hex(address) }
    let register = device.map.registers.first {
      let offset = address - device.address
      return offset >= $0.offset && offset - $0.offset < $0.size * $0.count
    }
    return "\(device.name)\(register.map { "." + $0.name } ?? "") at \(hex(address))"
  }

  // MARK: JSON

  func json() -> String {
    var json = JSONWriter(pretty: true)
    json.object {
      $0.add("image", path)
      $0.add("board", board.name)
      $0.add("boardRevision", board.revision)
      $0.add("verdict", verdict.rawValue)
      if policy != nil { $0.add("policyKept", violations.isEmpty) }
      $0.add("contradiction", witness.contradiction)
      $0.object("static") {
        $0.add("isProved", proof.isProved)
        $0.add("reached", proof.reached.count)
        $0.add("functions", map.functions.count)
        $0.add("instructions", map.addresses.count)
      }
      $0.array("deviceStores") {
        for (register, sites) in proof.deviceStores.sorted(by: { $0.key < $1.key }) {
          $0.object {
            $0.add("register", hex: register)
            $0.array("instructions") { for site in sites.sorted() { $0.add(nil, hex: site) } }
          }
        }
      }
      $0.object("run") {
        $0.add("index", witness.index)
        $0.add("virtualNanoseconds", witness.nanoseconds)
        $0.add("compared", witness.compared)
        $0.add("end", witness.end?.rawValue)
        if let departure = witness.departure {
          $0.object("departure") {
            $0.add("isInterrupt", departure.isInterrupt)
            $0.add("name", name(of: departure))
            $0.add("index", departure.index)
            $0.add("virtualNanoseconds", departure.nanoseconds)
            $0.add("pc", hex: departure.pc)
            $0.add("function", map.program.name(departure.pc))
          }
        }
      }
      $0.array("findings") {
        for diagnostic in diagnostics { $0.object { $0.add(diagnostic) } }
      }
      $0.array("inventory") {
        for site in inventory.sites {
          $0.object {
            $0.add("kind", site.kind.rawValue)
            $0.add("address", hex: site.address)
            $0.add("function", map.program.name(site.address))
          }
        }
      }
    }
    return json.text
  }
}

extension Diagnostic.Rule {
  fileprivate static let policyDevice = Self(
    "policy-device", .error, "A store to a device that the policy does not name.")
  fileprivate static let policyFault = Self(
    "policy-fault", .error, "A run faulted at an instruction of no class that could be allowed.")
  fileprivate static let policyStack = Self(
    "policy-stack", .error, "More stack than the policy allows, or no bound.")
  fileprivate static let policySize = Self(
    "policy-size", .error, "A larger image than the policy allows.")
  fileprivate static let policyChecks = Self(
    "policy-runtime-checks", .error, "More runtime checks than the policy allows.")
}
