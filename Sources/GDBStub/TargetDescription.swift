import Debugger
import Emu

/// The XML documents that GDB reads before anything else: which registers there are (appendix G), what is in memory (E.9), and
/// which threads (E.8).
enum TargetDescription {
  /// Without an OS: GDB would take a RISC-V for one with Linux, and make steps by breakpoints that traps miss.
  static func target(_ layout: RegisterLayout) -> String {
    var xml = """
      <?xml version="1.0"?>
      <!DOCTYPE target SYSTEM "gdb-target.dtd">
      <target version="1.0">
      <architecture>\(layout.architecture)</architecture>
      <osabi>none</osabi>

      """
    for feature in layout.features {
      xml += "<feature name=\"\(feature.name)\">\n"
      if feature.entries.contains(where: { $0.type == "riscv_double" }) { xml += doubles }
      for entry in feature.entries {
        xml +=
          "<reg name=\"\(entry.name)\" bitsize=\"\(8 * entry.size)\" regnum=\"\(entry.number)\""
          + " type=\"\(entry.type)\""
          + (entry.group.map { " group=\"\($0)\"" } ?? "") + "/>\n"
      }
      xml += "</feature>\n"
    }
    return xml + "</target>\n"
  }

  private static let doubles = """
    <union id="riscv_double">
    <field name="float" type="ieee_single"/>
    <field name="double" type="ieee_double"/>
    </union>

    """

  /// All that can be addressed: what no memory answers may be a device, or with paging anything.
  static func memoryMap(_ board: Board) -> String {
    var xml = """
      <?xml version="1.0"?>
      <!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" \
      "http://sourceware.org/gdb/gdb-memory-map.dtd">
      <memory-map>

      """
    func add(_ type: String, _ start: UInt64, _ end: UInt64?) {
      // The length of what reaches to the end of 64 bits is 2^64 - start.
      let length = end.map { $0 - start } ?? 0 &- start
      let range = "start=\"0x\(hex(start))\" length=\"0x\(hex(length))\""
      if type == "flash" {
        let block = "<property name=\"blocksize\">0x\(hex(Flash.block))</property>"
        xml += "<memory type=\"flash\" \(range)>\(block)</memory>\n"
      } else {
        xml += "<memory type=\"\(type)\" \(range)/>\n"
      }
    }
    var next: UInt64 = 0
    for region in board.regions.sorted(by: { $0.address < $1.address }) {
      if next < region.address { add("ram", next, region.address) }
      let isFlash = !region.writable && board.core.machine == .arm
      add(isFlash ? "flash" : region.writable ? "ram" : "rom", region.address, region.end)
      next = region.end
    }
    add("ram", next, board.core.machine == .arm ? 1 << 32 : nil)
    return xml + "</memory-map>\n"
  }

  static func threads(_ machine: Machine) -> String {
    var xml = "<?xml version=\"1.0\"?>\n<threads>\n"
    for hart in machine.harts {
      xml +=
        "<thread id=\"\(hex(UInt64(hart.number) + 1))\" core=\"\(hart.number)\" name=\"hart "
        + "\(hart.number)\">\(machine.words(of: hart))</thread>\n"
    }
    return xml + "</threads>\n"
  }
}
