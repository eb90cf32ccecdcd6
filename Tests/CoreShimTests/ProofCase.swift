import CoreProofs
import Glibc
import Testing

/// One variant of a proof in `Tests/CoreProofs`: a seed, a core, or a case.
struct ProofCase: CustomTestStringConvertible, Sendable {
  let name: String
  let variant: Int32

  var testDescription: String { "\(name) \(variant)" }

  /// The variants that `make test` runs; `EMURUN_SOAK` multiplies them, once for each 2,000.
  static func all(_ name: String) -> [ProofCase] {
    let soak = getenv("EMURUN_SOAK").flatMap { Int32(String(cString: $0)) } ?? 0
    guard let proof = core_proof(name) else { return [ProofCase(name: name, variant: 0)] }
    return (0..<proof.pointee.variants * max(soak / 2_000, 1)).map {
      ProofCase(name: name, variant: $0)
    }
  }

  func run(sourceLocation: SourceLocation = #_sourceLocation) throws {
    var report = core_proof_run(name, variant)
    let text = withUnsafeBytes(of: &report.text) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    if report.skipped {
      print("skipped: \(testDescription): \(text)")
      return
    }
    try #require(!report.failed, "\(testDescription): \(text)", sourceLocation: sourceLocation)
  }
}
