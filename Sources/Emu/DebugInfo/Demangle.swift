import Glibc

@_silgen_name("swift_demangle")
private func swiftDemangle(
  _ name: UnsafePointer<CChar>?, _ length: Int, _ output: UnsafeMutablePointer<CChar>?,
  _ outputSize: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// A Swift symbol as people write it, by the runtime's own demangler; other names stay.
package func demangled(_ name: String) -> String {
  // Names of this length come from damaged files alone, and the demangler is recursive.
  guard name.hasPrefix("$"), name.utf8.count < 1_000,
    let text = swiftDemangle(name, name.utf8.count, nil, nil, 0)
  else { return name }
  defer { free(text) }
  return String(cString: text)
}
