import Emu

/// Recursive descent; nothing is longer or deeper than a person writes.
struct ExpressionParser {
  private var rest: Substring
  private let evaluation: Evaluation
  /// What is read now has no consequence, as behind `p &&` where p is 0: it may make no sense.
  private var isSkipped = false

  init(_ text: String, _ evaluation: Evaluation) {
    rest = text[...]
    self.evaluation = evaluation
  }

  private mutating func skip() { rest = rest.drop { $0 == " " || $0 == "\t" } }

  private mutating func take(_ character: Character) -> Bool {
    skip()
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  mutating func end() throws(Failure) {
    skip()
    if !rest.isEmpty { throw Failure("what is \"\(rest.prefix(64))\"?") }
  }

  /// Operators that bind no looser than `level`.
  mutating func expression(depth: Int, level: Int = 0) throws(Failure) -> Value {
    if depth > 32 { throw Failure("an expression of more than 32 levels") }
    var value = try term(depth)
    while let (operation, its) = next(level) {
      rest = rest.dropFirst(operation.count)
      let (wasSkipped, isDecided) = (isSkipped, value.isTrue == (operation == "||"))
      let isLogical = operation == "&&" || operation == "||"
      isSkipped = wasSkipped || isLogical && isDecided
      let other = try expression(depth: depth + 1, level: its + 1)
      isSkipped = wasSkipped
      value =
        isLogical
        ? evaluation.truth(isDecided ? value.isTrue : other.isTrue)
        : try combine(value, operation, other)
    }
    return value
  }

  private func combine(_ one: Value, _ operation: String, _ other: Value) throws(Failure) -> Value {
    if isSkipped { return one }
    return try evaluation.combine(one, operation, other)
  }

  /// C's, by how they bind.
  private static let operators: [[String]] = [
    ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<=", ">=", "<", ">"], ["<<", ">>"],
    ["+", "-"], ["*", "/", "%"],
  ]
  private static let byLength = operators.enumerated().flatMap { level, names in
    names.map { (name: $0, level: level) }
  }.sorted { $0.name.count > $1.name.count }

  private mutating func next(_ level: Int) -> (name: String, level: Int)? {
    skip()
    return Self.byLength.first { rest.hasPrefix($0.name) }.flatMap { $0.level >= level ? $0 : nil }
  }

  private mutating func term(_ depth: Int) throws(Failure) -> Value {
    if depth > 32 { throw Failure("an expression of more than 32 levels") }
    if take("*") { return try content(depth) }
    if take("&") {
      let value = try term(depth + 1)
      if isSkipped { return value }
      guard let address = value.address else { throw Failure("that has no place in memory") }
      return evaluation.word(address)
    }
    if take("-") {
      return try combine(evaluation.count(0), "-", term(depth + 1))
    }
    if take("!") { return evaluation.truth(try !term(depth + 1).isTrue) }
    if take("~") {
      return try combine(term(depth + 1), "^", evaluation.count(.max))
    }
    if take("(") {
      let value = try expression(depth: depth + 1)
      if !take(")") { throw Failure("a ) is missing") }
      return value
    }
    let isRegister = take("$")
    let word = try word(depth)
    if isSkipped { return evaluation.count(0) }
    if isRegister { return try evaluation.register(word) }
    guard let first = word.first, ("0"..."9").contains(first) else {
      return try evaluation.name(word)
    }
    let digits = word.filter { $0 != "_" }
    let number =
      digits.hasPrefix("0x") || digits.hasPrefix("0X")
      ? UInt64(digits.dropFirst(2), radix: 16)
      : digits.hasPrefix("0b") ? UInt64(digits.dropFirst(2), radix: 2) : UInt64(digits)
    guard let number else { throw Failure("\(word.prefix(64)) is no number") }
    return digits.count == 1 || !digits.hasPrefix("0")
      ? evaluation.count(number) : evaluation.word(number)
  }

  /// A name with members and elements, or a number.
  private mutating func word(_ depth: Int) throws(Failure) -> String {
    skip()
    var word = ""
    while let next = rest.first {
      if next == "[", !word.isEmpty {
        rest = rest.dropFirst()
        let index = try expression(depth: depth + 1)
        if !take("]") { throw Failure("a ] is missing") }
        word += "[\(Int64(bitPattern: index.extended))]"
        continue
      }
      let isArrow = rest.hasPrefix("->") && !word.isEmpty
      guard isArrow || next.isLetter || next.isNumber || "_.$:".contains(next) else { break }
      word += isArrow ? "->" : String(next)
      rest = rest.dropFirst(isArrow ? 2 : 1)
    }
    if word.isEmpty {
      throw Failure(rest.isEmpty ? "the expression ends early" : "what is \"\(rest.prefix(64))\"?")
    }
    return word
  }

  // MARK: *

  private static let types: [String: (size: UInt64, kind: DebugInfo.Variable.Kind)] = {
    var types: [String: (UInt64, DebugInfo.Variable.Kind)] = [
      "float": (4, .floatingPoint), "double": (8, .floatingPoint), "Float": (4, .floatingPoint),
      "Double": (8, .floatingPoint), "char": (1, .unsigned), "bool": (1, .boolean),
      "Bool": (1, .boolean), "int": (4, .signed), "short": (2, .signed),
    ]
    for bits in [8, 16, 32, 64] as [UInt64] {
      types["uint\(bits)_t"] = (bits / 8, .unsigned)
      types["UInt\(bits)"] = (bits / 8, .unsigned)
      types["int\(bits)_t"] = (bits / 8, .signed)
      types["Int\(bits)"] = (bits / 8, .signed)
    }
    return types
  }()

  private mutating func content(_ depth: Int) throws(Failure) -> Value {
    let start = rest
    if take("("), let name = try? word(depth), let type = Self.types[name], take("*"), take(")") {
      let address = try term(depth + 1)
      if isSkipped { return address }
      return try evaluation.load(address.number, size: type.size, type.kind, type: name)
    }
    rest = start
    let pointer = try term(depth + 1)
    return isSkipped ? pointer : try evaluation.content(of: pointer)
  }
}
