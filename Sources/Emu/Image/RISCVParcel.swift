/// Whether bytes can be RV64GC code: a look at the fields that say which instruction it is.
enum RISCVParcel {
  static func isInstruction(_ bytes: some Sequence<UInt8>) -> Bool {
    let bytes = bytes.prefix(4).map(UInt32.init)
    guard bytes.count >= 2 else { return false }
    let low = bytes[0] | bytes[1] << 8
    guard low & 3 == 3 else { return isCompressed(low) }
    return bytes.count == 4 && isFull(low | bytes[2] << 16 | bytes[3] << 24)
  }

  private static func isFull(_ word: UInt32) -> Bool {
    let function = word >> 12 & 7
    switch word & 0x7F {
    case 0x17, 0x37, 0x6F: return true  // AUIPC, LUI, JAL
    case 0x13, 0x33: return true  // OP-IMM, OP
    case 0x03: return function != 7  // LOAD
    case 0x23: return function < 4  // STORE
    case 0x63: return function != 2 && function != 3  // BRANCH
    case 0x67: return function == 0  // JALR
    case 0x73: return function != 4  // SYSTEM
    case 0x0F: return function < 3  // MISC-MEM
    case 0x1B: return function < 2 || function == 5  // OP-IMM-32
    case 0x3B: return function != 2 && function != 3  // OP-32
    case 0x07, 0x27: return function == 2 || function == 3  // LOAD-FP, STORE-FP
    case 0x2F: return function == 2 || function == 3  // AMO
    case 0x43, 0x47, 0x4B, 0x4F, 0x53: return word >> 25 & 3 < 2  // single and double
    default: return false
    }
  }

  private static func isCompressed(_ parcel: UInt32) -> Bool {
    let destination = parcel >> 7 & 31
    switch (parcel & 3, parcel >> 13) {
    case (0, 0): return parcel & 0x1FE0 != 0  // C.ADDI4SPN of nothing is the illegal 0
    case (0, 4): return false
    case (1, 1): return destination != 0  // C.ADDIW
    case (1, 3): return parcel & 0x107C != 0  // C.LUI, C.ADDI16SP of nothing
    case (1, 4): return parcel & 0x1C40 != 0x1C40  // the last two of C.SUB's row
    case (2, 2), (2, 3): return destination != 0  // C.LWSP, C.LDSP
    case (2, 4): return parcel & 0x1FFC != 0  // C.JR to x0
    default: return true
    }
  }
}
