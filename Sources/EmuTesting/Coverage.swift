import Emu
import Glibc
import MachineCode
import Synchronization

/// The environment variable that names a folder for the coverage of the firmware which tests run: when a process of tests ends, it leaves a
/// tracefile of lcov there for each image, which `emurun coverage merge` puts together.
///
/// It counts all machines but those that live until the process ends, from the first call on of `Image.bundled`, `Image.file` or
/// `Machine(image:)`.
public let coverageFolderVariable = "EMURUN_COVERAGE"

enum CoverageFolder {
  private struct Ran {
    let image: Image
    var code: ExecutedCode
  }

  /// By SHA-256: what the machines that are gone have executed.
  private static let ran = Mutex<[String: Ran]>([:])

  private static let isWanted: Bool = {
    guard getenv(coverageFolderVariable) != nil else { return false }
    Machine.executedCodeReader.withLock { $0 = { add($0, $1) } }
    atexit { CoverageFolder.write() }
    return true
  }()

  /// Before the first machine.
  static func begin() { _ = isWanted }

  private static func add(_ image: Image, _ code: ExecutedCode) {
    ran.withLock { $0[image.sha256, default: Ran(image: image, code: .none)].code.formUnion(code) }
  }

  private static func write() {
    guard let folder = getenv(coverageFolderVariable).map({ String(cString: $0) }) else { return }
    mkdir(folder, 0o777)
    for (sha256, ran) in ran.withLock({ $0 }) {
      // Without a line table there is nothing to say.
      guard let coverage = LCOV(ran.image, ran.code) else { continue }
      let name = ran.image.path.split(separator: "/").last.map(String.init) ?? "image"
      let path = "\(folder)/\(name)-\(sha256.prefix(8))-\(getpid()).info"
      if !EvidenceFolder.write(Array(coverage.text.utf8), path) { perror(path) }
    }
  }
}
