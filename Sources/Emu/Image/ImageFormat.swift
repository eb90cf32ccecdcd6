extension Image.Format {
  /// The format that a file's first bytes announce. One that announces itself and is then wrong
  /// is an error of that format and not a raw image: hence the short looks.
  init(recognising bytes: [UInt8]) {
    if bytes.starts(with: [0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]) {
      self = .elf
    } else if UF2.recognises(bytes) {
      self = .uf2
    } else if HexText.recognises(bytes, mark: ":", digits: 8) {
      self = .ihex
    } else if HexText.recognises(bytes, mark: "S", digits: 5) {
      self = .srec
    } else {
      self = .raw
    }
  }
}
