import Foundation

/// The golden model, a process that writes its commit log into a pipe.
public final class Spike {
  /// In `PATH`, or where scripts/setup puts it.
  public static let path: String? = {
    let environment = ProcessInfo.processInfo.environment
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let own = root.appendingPathComponent(".build/spike/bin/spike").path
    let folders = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/spike" }
    return ([own] + folders).first { FileManager.default.isExecutableFile(atPath: $0) }
  }()
  public static let isRequired = ProcessInfo.processInfo.environment["CI"] != nil

  /// As Spike's defaults are, less extensions that are not here.
  private static let options = ["--isa=rv64gc_zicntr_zihpm", "-m128"]
  /// Until it counts as hung.
  private static let patience = 600

  /// The memory from `begin_signature` to `end_signature` at the end of the run; empty: it came to none.
  public static func signature(_ path: String, image: String) throws -> [UInt8] {
    let file = URL(fileURLWithPath: image + ".signature")
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments =
      options + ["+signature=" + file.path, "+signature-granularity=8", image]
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let watchdog = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(patience), execute: watchdog)
    process.waitUntilExit()
    watchdog.cancel()
    guard let text = try? Data(contentsOf: file) else { return [] }
    return bytes(of: [UInt8](text))
  }

  /// From lines of sixteen digits, the byte with the highest address first.
  private static func bytes(of text: [UInt8]) -> [UInt8] {
    func nibble(_ digit: UInt8) -> UInt64 { UInt64(digit < 58 ? digit - 48 : digit - 87) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    for line in text.split(separator: 10) {
      let word = line.reduce(0 as UInt64) { $0 << 4 | nibble($1) }
      for byte in 0..<8 as Range<UInt64> {
        bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte)))
      }
    }
    return bytes
  }

  private let process = Process()
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var (start, end) = (0, 0)

  /// - Parameter image: an ELF file.
  public init(_ path: String, image: String) throws {
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = Self.options + ["--log-commits", "--log=/dev/stdout", image]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    reading = pipe
    descriptor = pipe.fileHandleForReading.fileDescriptor
  }

  private let reading: Pipe

  deinit {
    process.terminate()
    // It may hold on to the pipe.
    try? reading.fileHandleForReading.close()
    process.waitUntilExit()
  }

  /// The next line without its end; nil: there is none. Good until the next call.
  public func next() -> UnsafeRawBufferPointer? {
    while true {
      let found: UnsafeRawBufferPointer? = buffer.withUnsafeBytes { bytes in
        guard start < end, let base = bytes.baseAddress,
          let newline = memchr(base + start, 10, end - start)
        else { return nil }
        let count = UnsafeRawPointer(newline) - (base + start)
        return UnsafeRawBufferPointer(start: base + start, count: count)
      }
      if let found {
        start += found.count + 1
        return found
      }
      if !fill() { return nil }
    }
  }

  private func fill() -> Bool {
    var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if poll(&wait, 1, Int32(Self.patience * 1000)) <= 0 { return false }
    buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      memmove(base, base + start, end - start)
    }
    end -= start
    start = 0
    if end == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
    let count = buffer.withUnsafeMutableBytes { bytes in
      read(descriptor, bytes.baseAddress.map { $0 + end }, bytes.count - end)
    }
    end += max(count, 0)
    return count > 0
  }
}
