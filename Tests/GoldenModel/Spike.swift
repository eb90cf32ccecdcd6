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

  private let process = Process()
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var (start, end) = (0, 0)

  /// - Parameter image: an ELF file.
  public init(_ path: String, image: String) throws {
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = [
      "--isa=rv64gc_zicntr_zihpm", "-m128", "--log-commits", "--log=/dev/stdout", image,
    ]
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
