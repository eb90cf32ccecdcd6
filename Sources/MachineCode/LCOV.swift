/// A tracefile of lcov, as geninfo(1) describes it: which lines, functions and branches of which source files were executed, how
/// often. `genhtml` makes pages of it, and most code hosts read it.
public struct LCOV: Sendable, Hashable {
  public struct Branch: Sendable, Hashable {
    public var line: Int
    /// Which of those of its line, and which way out of it.
    public var block, way: Int
  }

  public struct Function: Sendable, Hashable {
    public var line: Int
    public var count: UInt64
  }

  public struct File: Sendable, Hashable {
    public var functions: [String: Function] = [:]
    public var lines: [Int: UInt64] = [:]
    /// nil: nobody came to the branch.
    public var branches: [Branch: UInt64?] = [:]
  }

  /// By path.
  public internal(set) var files: [String: File] = [:]

  public init() {}

  /// What both have counted.
  public mutating func add(_ other: LCOV) {
    for (path, file) in other.files {
      files[path, default: File()].add(file)
    }
  }

  public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    public let line: Int
    public let description: String
  }
}

extension LCOV.File {
  fileprivate mutating func add(_ other: LCOV.File) {
    lines.merge(other.lines) { $0.clampedAdd($1) }
    functions.merge(other.functions) {
      LCOV.Function(line: min($0.line, $1.line), count: $0.count.clampedAdd($1.count))
    }
    branches.merge(other.branches) { one, two in
      one == nil && two == nil ? nil : (one ?? 0).clampedAdd(two ?? 0)
    }
  }
}

extension UInt64 {
  fileprivate func clampedAdd(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

// MARK: Text

extension LCOV {
  /// The same text for the same counts.
  public var text: String {
    files.sorted { $0.key < $1.key }.map { path, file in "TN:\nSF:\(path)\n\(file.text)" }.joined()
  }

  public init(_ text: String) throws(Problem) {
    var path: String?
    var file = File()
    let all = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in all.enumerated() {
      func problem(_ what: String) -> Problem { Problem(line: number + 1, description: what) }
      if line == "end_of_record" {
        guard let name = path else { throw problem("end_of_record without SF") }
        files[name, default: File()].add(file)
        (path, file) = (nil, File())
        continue
      }
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let colon = line.firstIndex(of: ":") else { throw problem("is no record of lcov") }
      let value = line[line.index(after: colon)...]
      let key = line[..<colon]
      if key == "SF" {
        if path != nil { throw problem("SF before end_of_record") }
        path = String(value)
        continue
      }
      if key == "TN" { continue }
      if path == nil { throw problem("\(key) before SF") }
      guard file.take(key, value) else { throw problem("\(key) with \"\(value)\"") }
    }
    if path != nil {
      throw Problem(line: all.count, description: "end_of_record is missing")
    }
  }
}

extension LCOV.File {
  fileprivate var text: String {
    var text = ""
    let functions = functions.sorted {
      ($0.value.line, $0.key) < ($1.value.line, $1.key)
    }
    for (name, function) in functions { text += "FN:\(function.line),\(name)\n" }
    for (name, function) in functions { text += "FNDA:\(function.count),\(name)\n" }
    text += "FNF:\(functions.count)\nFNH:\(functions.count { $0.value.count > 0 })\n"
    let branches = branches.sorted {
      ($0.key.line, $0.key.block, $0.key.way) < ($1.key.line, $1.key.block, $1.key.way)
    }
    for (branch, count) in branches {
      let words = count.map(String.init) ?? "-"
      text += "BRDA:\(branch.line),\(branch.block),\(branch.way),\(words)\n"
    }
    text += "BRF:\(branches.count)\nBRH:\(branches.count { ($0.value ?? 0) > 0 })\n"
    for (line, count) in lines.sorted(by: { $0.key < $1.key }) { text += "DA:\(line),\(count)\n" }
    return text + "LF:\(lines.count)\nLH:\(lines.count { $0.value > 0 })\nend_of_record\n"
  }

  /// False: that is not how it is written. What is not known is passed over, as lcov does.
  fileprivate mutating func take(_ key: Substring, _ value: Substring) -> Bool {
    let words = value.split(separator: ",", omittingEmptySubsequences: false)
    func number(_ index: Int) -> Int? { index < words.count ? Int(words[index]) : nil }
    switch key {
    case "DA":
      guard words.count >= 2, let line = number(0), let count = UInt64(words[1]) else {
        return false
      }
      lines[line] = (lines[line] ?? 0).clampedAdd(count)
    case "FN":
      // Of lcov 2 with the line where it ends.
      let parts = value.split(separator: ",", maxSplits: 1)
      guard parts.count == 2, let line = Int(parts[0]) else { return false }
      let rest = parts[1].split(separator: ",", maxSplits: 1)
      let name = rest.count == 2 && Int(rest[0]) != nil ? rest[1] : parts[1]
      functions[String(name), default: .init(line: line, count: 0)].line = line
    case "FNDA":
      let parts = value.split(separator: ",", maxSplits: 1)
      guard parts.count == 2, let count = UInt64(parts[0]) else { return false }
      let old = functions[String(parts[1])] ?? .init(line: 0, count: 0)
      functions[String(parts[1])] = .init(line: old.line, count: old.count.clampedAdd(count))
    case "BRDA":
      guard words.count == 4, let line = number(0), let block = number(1), let way = number(2),
        words[3] == "-" || UInt64(words[3]) != nil
      else { return false }
      let branch = LCOV.Branch(line: line, block: block, way: way)
      let new = UInt64(words[3])
      if let old = branches[branch] ?? nil {
        branches[branch] = .some(old.clampedAdd(new ?? 0))
      } else {
        branches[branch] = .some(new)
      }
    default: break
    }
    return true
  }
}
