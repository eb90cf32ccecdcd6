import Emu
import Glibc
import Testing

/// Files that cannot be read at all, and one that can.
@Suite struct ImageFileTests {
  /// Runs a body with the name of an empty directory, and removes what it leaves there.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/emurun-image-XXXXXX".utf8CString)
    #expect(mkdtemp(&template) != nil)
    let directory = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    defer {
      unlink("\(directory)/file")
      rmdir(directory)
    }
    try body(directory)
  }

  private func error(_ path: String) -> ImageError? {
    do throws(ImageError) {
      _ = try Image(path: path)
      return nil
    } catch {
      return error
    }
  }

  @Test func readsAFile() throws {
    try withDirectory { directory in
      let path = "\(directory)/file"
      let file = fopen(path, "w")
      let bytes = ELFFile().bytes
      #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
      fclose(file)
      let image = try Image(path: path)
      #expect(image.contents == bytes)
      #expect(image.path == path)
    }
  }

  @Test func missing() {
    let error = error("/no/such.elf")
    #expect(error?.message == "/no/such.elf: there is no such file; check the path")
    #expect(error?.exitCode == 66)
    #expect(self.error("/dev/null/x")?.exitCode == 66)
  }

  @Test func directory() {
    let error = error("/tmp")
    #expect(error?.message == "/tmp: is a directory; name an image file in it")
    #expect(error?.exitCode == 66)
  }

  @Test func device() {
    for path in ["/dev/zero", "/dev/null"] {
      let error = error(path)
      #expect(
        error?.message
          == "\(path): is a pipe, socket or device; copy what it gives into a file first")
      #expect(error?.exitCode == 66)
    }
  }

  @Test func namedPipe() throws {
    try withDirectory { directory in
      let path = "\(directory)/file"
      #expect(mkfifo(path, 0o600) == 0)
      #expect(
        error(path)?.message
          == "\(path): is a pipe, socket or device; copy what it gives into a file first")
    }
  }

  @Test func empty() throws {
    try withDirectory { directory in
      let path = "\(directory)/file"
      fclose(fopen(path, "w"))
      #expect(error(path)?.message == "\(path): is empty; build it again, or check the path")
      #expect(error(path)?.exitCode == 65)
    }
  }

  @Test func tooLarge() throws {
    try withDirectory { directory in
      let path = "\(directory)/file"
      fclose(fopen(path, "w"))
      #expect(truncate(path, 1 << 40) == 0)  // a hole: it takes no room on the disk
      #expect(
        error(path)?.message
          == "\(path): is 1099511627776 bytes long, more than the 1 GiB that an image may have; "
          + "check that it is an image, or strip its debug information")
    }
  }

  // To root every file is readable.
  @Test(.enabled(if: geteuid() != 0)) func unreadable() throws {
    try withDirectory { directory in
      let path = "\(directory)/file"
      fclose(fopen(path, "w"))
      #expect(chmod(path, 0) == 0)
      #expect(
        error(path)?.message == "\(path): may not be read by this user; check its permissions")
      #expect(error(path)?.exitCode == 66)
    }
  }
}
