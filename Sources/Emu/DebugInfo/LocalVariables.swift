extension DebugInfo {
  /// A variable or parameter of a function at one moment of a run, or a part of one.
  public struct Local: Sendable, Hashable {
    /// As it was asked for: `point.x`.
    public let name: String
    /// Whose it is, as its source has it; of one that was inlined, that one.
    public let function: String
    public let kind: Variable.Kind
    /// As the source calls its type.
    public let type: String
    /// In bytes.
    public let size: UInt64
    /// Where its bytes are at that moment, the first ones first.
    public let pieces: [Piece]
    /// nil: it is one value, or its debug information does not tell.
    public let parts: Parts?
    /// Which bits of its bytes it is; nil: all.
    public var field: BitField?

    public struct Piece: Sendable, Hashable {
      public enum Place: Sendable, Hashable {
        case memory(UInt64)
        /// By DWARF's number, from one of its bytes on.
        case register(Int, byte: UInt64)
        /// The program has it nowhere: its debug information says what it is.
        case value([UInt8])
        /// The compiler has not kept it.
        case nowhere
      }
      public var place: Place
      /// In bytes.
      public var size: UInt64
    }

    /// Why there is no value, as one sentence.
    public var lossWords: String {
      "\(name) of \(function) is optimised out there: its debug information says no place for it"
    }
  }

  /// Variables and parameters of the function that a frame is of, those of inner blocks and of functions that were inlined there
  /// first.
  ///
  /// - Parameters:
  ///   - frame: of `backtrace`.
  ///   - memory: what that had.
  public func locals(
    in frame: Frame, memory: @escaping (_ address: UInt64, _ size: Int) -> UInt64?
  ) -> [Local] {
    let scopes = LocalScopes(self, frame, memory)
    return scopes.all.flatMap { scope in
      scope.variables.compactMap { try? scopes.local(VariablePath($0.name), $0, scope) }
    }
  }

  /// One of them or a part of it: `count`, `point.x`, `main::table[3]`.
  public func local(
    _ path: String, in frame: Frame, memory: @escaping (_ address: UInt64, _ size: Int) -> UInt64?
  ) throws(VariableError) -> Local {
    let (function, steps) = Self.localPath(path)
    let scopes = LocalScopes(self, frame, memory)
    for scope in scopes.all where function.map(scope.isCalled) ?? true {
      for variable in scope.variables where variable.name == steps.name {
        return try scopes.local(steps, variable, scope)
      }
    }
    let place = frame.function ?? "0x" + String(frame.pc, radix: 16)
    if let function, !scopes.all.contains(where: { $0.isCalled(function) }) {
      throw VariableError("it is in \(place) there, and not in \(function)")
    }
    throw VariableError("\(place) has no variable \(steps.name)")
  }

  /// `function::variable`, as GDB has it.
  private static func localPath(_ path: String) -> (function: String?, steps: VariablePath) {
    guard let end = path.indices.dropLast().last(where: { path[$0...].hasPrefix("::") }) else {
      return (nil, VariablePath(path))
    }
    return (String(path[..<end]), VariablePath(String(path[end...].dropFirst(2))))
  }
}
