import Glibc

@_silgen_name("swift_demangle")
private func swiftDemangle(
  _ name: UnsafePointer<CChar>?, _ length: Int, _ output: UnsafeMutablePointer<CChar>?,
  _ outputSize: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// C++'s, of the library that Swift's runtime is linked with (Itanium C++ ABI, 3.4).
private typealias CXXDemangle =
  @convention(c) (
    UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?,
    UnsafeMutablePointer<Int32>?
  ) -> UnsafeMutablePointer<CChar>?
private let cxxDemangle = dlsym(nil, "__cxa_demangle").map {
  unsafeBitCast($0, to: CXXDemangle.self)
}

/// A symbol of Swift or C++ as people write it, by the runtime's own demangler; other names stay.
package func demangled(_ name: String) -> String {
  // Names of this length come from damaged files alone, and demanglers are recursive.
  guard name.utf8.count < 1_000 else { return name }
  let text: UnsafeMutablePointer<CChar>?
  if name.hasPrefix("$") {
    text = swiftDemangle(name, name.utf8.count, nil, nil, 0)
  } else if name.hasPrefix("_Z"), references(name) <= 16 {
    text = cxxDemangle?(name, nil, nil, nil)
  } else {
    return name
  }
  guard let text else { return name }
  defer { free(text) }
  return String(cString: text)
}

/// To what stands in a C++ name before: each can double what is written, and a damaged file may have many.
private func references(_ name: String) -> Int {
  zip(name.utf8, name.utf8.dropFirst()).count { first, second in
    let isReference = first == UInt8(ascii: "S") || first == UInt8(ascii: "T")
    return isReference
      && (second == UInt8(ascii: "_") || 0x30...0x39 ~= second || 0x41...0x5A ~= second)
  }
}
