import CoreShim

/// The libunicorn that this process was linked with, and what it is worth.
public struct EngineLibrary: Sendable {
  /// "2.0": all that the library says of itself. The build ID is exact.
  public let version: String
  /// GNU build ID in hexadecimal digits; empty: none.
  public let buildID: String
  public let path: String
  /// This very build was proven; any other has to pass the self-test before its first run.
  public let isTested: Bool

  public static let current = EngineLibrary()

  private init() {
    var library = CoreLibrary()
    core_library(&library)
    version = "\(library.major).\(library.minor)"
    buildID = Self.text(&library.build_id)
    path = Self.text(&library.path)
    isTested = library.tested
  }

  /// The check that it fails; nil: it can be used. Computed once.
  public var failure: String? { core_check().map { String(cString: $0) } }

  /// Short guests on both cores; the check that fails, nil: all passed. A few milliseconds.
  public func selfTest() -> String? { core_self_test().map { String(cString: $0) } }

  /// A C array of characters, which Swift sees as a tuple.
  private static func text<T>(_ field: inout T) -> String {
    withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
