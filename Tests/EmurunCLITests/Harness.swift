import Glibc

@testable import EmurunCLI

/// What a command line came to.
struct Outcome {
  let code: Int32
  let output: String
  let errors: String
}

/// Runs the command in this process on a host of memory. The host's clock stands still.
func emurun(
  _ arguments: String..., input: Int32 = -1, environment: [String: String] = ["LANG": "C.UTF-8"],
  isInterrupted: @escaping () -> Bool = { false }
) -> Outcome {
  emurun(arguments, input: input, environment: environment, isInterrupted: isInterrupted)
}

func emurun(
  _ arguments: [String], input: Int32 = -1, environment: [String: String] = ["LANG": "C.UTF-8"],
  isInterrupted: @escaping () -> Bool = { false }
) -> Outcome {
  let (output, errors) = (Output(), Output())
  let host = Host(
    output: output, errors: errors, input: input, environment: { environment[$0] },
    isInterrupted: isInterrupted)
  let code = Emurun.main(arguments, on: host)
  return Outcome(code: code, output: output.text, errors: errors.text)
}

/// A file of this package's top folder.
func package(_ path: String) -> String {
  let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
  return (parts.dropLast(3) + [path[...]]).joined(separator: "/")
}

func image(_ name: String) -> String { package("images/" + name) }

/// A folder that is empty at first and gone afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  var template = Array("/tmp/emurun-tests.XXXXXX".utf8CString)
  guard let made = mkdtemp(&template) else { throw Refusal(errno, "mkdtemp") }
  let folder = String(cString: made)
  defer { remove(folder: folder) }
  return try body(folder)
}

private func remove(folder: String) {
  for name in names(in: folder) where unlink(folder + "/" + name) != 0 {
    remove(folder: folder + "/" + name)
  }
  rmdir(folder)
}

/// Sorted.
func names(in folder: String) -> [String] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

func write(_ bytes: some Sequence<UInt8>, to path: String) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  _ = writeAll(Array(bytes), to: descriptor)
  close(descriptor)
}

func read(_ path: String) throws -> String {
  String(decoding: try InputFile.read(path, standardInput: -1), as: UTF8.self)
}

/// Little-endian words, as a raw image.
func words(_ words: UInt32...) -> [UInt8] {
  words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
}

/// The end of a pipe that this can be read from, and nothing more.
func pipe(_ text: String) -> Int32 {
  var ends: [Int32] = [0, 0]
  Glibc.pipe(&ends)
  _ = writeAll(Array(text.utf8), to: ends[1])
  close(ends[1])
  return ends[0]
}
