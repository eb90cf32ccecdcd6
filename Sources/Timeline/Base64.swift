/// RFC 4648, with padding.
public enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    let count = (bytes.count + 2) / 3 * 4
    return [UInt8](unsafeUninitializedCapacity: count) { text, size in
      bytes.withUnsafeBufferPointer { bytes in
        alphabet.withUnsafeBufferPointer { alphabet in
          var (from, to) = (0, 0)
          while from < bytes.count {
            let left = bytes.count - from
            var bits = UInt32(bytes[from]) << 16
            if left > 1 { bits |= UInt32(bytes[from + 1]) << 8 }
            if left > 2 { bits |= UInt32(bytes[from + 2]) }
            text[to] = alphabet[Int(bits >> 18)]
            text[to + 1] = alphabet[Int(bits >> 12) & 63]
            text[to + 2] = left > 1 ? alphabet[Int(bits >> 6) & 63] : UInt8(ascii: "=")
            text[to + 3] = left > 2 ? alphabet[Int(bits) & 63] : UInt8(ascii: "=")
            from += 3
            to += 4
          }
        }
      }
      size = count
    }
  }
}
