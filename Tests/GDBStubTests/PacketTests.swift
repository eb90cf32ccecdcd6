import Debugger
import Devices
import Emu
import GDBStub
import Testing

/// Literal packets and their answers.
@Suite struct PacketTests {
  /// At power-on of `led-heartbeat`: whatever a debugger asks before the first instruction.
  @Test func cortexM() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    let machine = debugger.session.machine
    let pc = Conversation.hex((0..<4).map { UInt8(truncatingIfNeeded: machine.pc >> (8 * $0)) })
    for (packet, answer) in [
      ("?", "T05thread:1;f:\(pc);d:00100020;"), ("qC", "QC1"), ("qAttached", "1"),
      ("qfThreadInfo", "m1"), ("qsThreadInfo", "l"), ("T1", "OK"), ("T2", "E03"), ("Hg0", "OK"),
      ("Hg1", "OK"), ("Hc-1", "OK"), ("Hg2", "E03"), ("Hx", "E16"), ("vMustReplyEmpty", ""),
      ("vCont?", "vCont;c;C;s;S;t;r"), ("pd", "00100020"), ("pf", pc), ("p19", "00000001"),
      ("p1a", "0000000000000000"), ("p2a", "00000000"), ("p2b", "00100020"), ("p63", "E16"),
      ("p", "E16"), ("P0=78563412", "OK"), ("p0", "78563412"), ("P0=12", "E16"), ("P63=00", "E16"),
      ("m0,4", "00100020"), ("m0,0", ""), ("m10000000,4", "E0e"), ("m0", "E16"),
      ("M20000100,4:01020304", "OK"), ("m20000100,4", "01020304"), ("m20000102,1", "03"),
      ("M20000100,4:01", "E16"), ("M20000100,1:zz", "E16"), ("M30000000,1:00", "E0e"),
      ("X20000100,0:", "OK"), ("X20000100,2:ab", "OK"), ("m20000100,4", "61620304"),
      ("x20000100,2", "ab"), ("x0,0", "OK"), ("Z0,100,2", "OK"), ("Z1,101,2", "OK"),
      ("z0,100,2", "OK"), ("z1,101,2", "OK"), ("Z5,0,4", ""), ("Z2,20000000,4", "OK"),
      ("z2,20000000,4", "OK"), ("Z2", "E16"), ("qThreadExtraInfo,1", hex("hart 0: thread mode")),
      ("qSymbol::", "OK"), ("qOffsets", "Text=0;Data=0;Bss=0"), ("QStartNoAckMode", "OK"),
      ("!", "OK"), ("qTStatus", ""),
      ("nonsense", ""),
      ("", ""), ("vFlashErase:0,100000000", "E0e"), ("vFlashErase:20000000,400", "E0e"),
      ("qXfer:features:read:other.xml:0,10", "E16"), ("qXfer:auxv:read::0,10", ""),
      ("qXfer:features:read:target.xml:ffffff,10", "E16"),
      ("qXfer:features:read:target.xml:0,5", "m<?xml"),
    ] {
      #expect(debugger.ask(packet) == answer, "\(packet)")
    }
  }

  private func hex(_ text: String) -> String { Conversation.hex(text.utf8) }

  @Test func rv64() throws {
    let debugger = try Conversation("timer-heartbeat-rv64.elf", harts: 2)
    for (packet, answer) in [
      ("?", "T05thread:1;20:0010000000000000;2:0000000000000000;"), ("qfThreadInfo", "m1,2"),
      ("p20", "0010000000000000"), ("Pa=0102030405060708", "OK"), ("pa", "0102030405060708"),
      ("P0=0102030405060708", "OK"), ("p0", "0000000000000000"), ("p1041", "0300000000000000"),
      ("P1041=0200000000000000", "E16"), ("p21", "0000000000000000"), ("p382", "0000000000000000"),
      ("P382=0000008000000000", "OK"), ("p382", "0000008000000000"),
      ("p44", "00000000"),
      ("Hg2", "OK"), ("p1", "0000000000000000"), ("p20", "0010000000000000"), ("Hg1", "OK"),
      ("m1000,2", "9702"), ("qThreadExtraInfo,2", hex("hart 1: M mode")), ("qC", "QC1"),
      ("m10000005,1", "60"), ("x80000000,0", "OK"),
      (
        "qRegisterInfo20",
        "name:pc;bitsize:64;offset:256;encoding:uint;format:hex;set:general;gcc:32;dwarf:32;generic:pc;"
      ),
      ("qRegisterInfo1000", "E16"), ("qWatchpointSupportInfo:", "num:32;"),
      (
        "qMemoryRegionInfo:80000010",
        "start:80000000;size:8000000;permissions:rwx;name:\(hex("dram"));"
      ),
    ] {
      #expect(debugger.ask(packet) == answer, "\(packet)")
    }
    let general = debugger.ask("g")
    #expect(general.utf8.count == 33 * 16)
    #expect(debugger.ask("G" + general) == "OK")
    #expect(
      debugger.ask("qHostInfo")
        == "triple:\(hex("riscv64"));endian:little;ptrsize:8;watchpoint_exceptions_received:before;"
    )
    #expect(
      debugger.ask("jThreadsInfo").hasPrefix("[{\"tid\":1,\"name\":\"hart 0\",\"reason\":\"trap\""))
  }

  /// Documents come in pieces of any size.
  @Test(arguments: ["led-heartbeat.elf", "timer-heartbeat-rv64.elf"], [7, 100, 4096])
  func documents(image: String, piece: Int) throws {
    let debugger = try Conversation(image)
    for (object, heading, end) in [
      ("features:read:target.xml", "<?xml", "</target>\n"),
      ("memory-map:read:", "<?xml", "</memory-map>\n"),
      ("threads:read:", "<?xml", "</threads>\n"),
    ] {
      var document = ""
      while true {
        let offset = String(document.utf8.count, radix: 16)
        let reply = debugger.ask("qXfer:\(object):\(offset),\(String(piece, radix: 16))")
        document += reply.dropFirst()
        if reply.hasPrefix("l") { break }
        try #require(reply.hasPrefix("m") && reply.utf8.count == piece + 1)
      }
      #expect(document.hasPrefix(heading) && document.hasSuffix(end))
    }
  }

  /// Reading a device does not change it, whatever it is: here the UART gives its byte to the program.
  @Test func devicesAreNotDisturbed() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    let machine = debugger.session.machine
    machine.send("x".utf8)
    let digest = machine.stateDigest
    #expect(debugger.ask("m4000c000,4") == debugger.ask("m4000c000,4"))
    #expect(debugger.ask("m4000c000,10").utf8.count == 32)
    #expect(debugger.ask("me000ed00,4") == "41c20f41")
    #expect(machine.stateDigest == digest)
    // What is written is written.
    #expect(debugger.ask("M400fe604,4:02000000") == "OK")
    #expect(debugger.ask("m400fe604,4") == "02000000")
    #expect(machine.stateDigest != digest)
  }

  /// With the Thumb bit or without it is the same place.
  @Test func breakpointsAreTakenAway() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    debugger.ask("Z1,41,2")
    debugger.ask("z1,41,2")
    #expect(debugger.session.debuggee.breakpoints.addresses.isEmpty)
    debugger.ask("Z0,40,2")
    debugger.ask("z0,41,2")
    #expect(debugger.session.debuggee.breakpoints.addresses.isEmpty)
  }

  @Test func flash() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    for (packet, answer) in [
      ("vFlashErase:10000,400", "OK"), ("vFlashWrite:10000:abc", "OK"), ("m10000,4", "00000000"),
      ("vFlashDone", "OK"), ("m10000,4", "616263ff"), ("vFlashErase:0,8000000", "E0e"),
      ("vFlashDone", "OK"),
    ] {
      #expect(debugger.ask(packet) == answer, "\(packet)")
    }
  }

  @Test func leaving() throws {
    let detached = try Conversation("led-heartbeat.elf")
    #expect(detached.ask("D") == "OK" && detached.session.ending == .detached)
    let killed = try Conversation("led-heartbeat.elf")
    #expect(killed.ask("vKill;1") == "OK" && killed.session.ending == .killed)
    let silent = try Conversation("led-heartbeat.elf")
    #expect(silent.ask("k") == "" && silent.session.ending == .killed)
  }

  @Test func monitorWords() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    #expect(debugger.monitor("help").contains("monitor goto"))
    #expect(debugger.monitor("").contains("monitor goto"))
    #expect(debugger.monitor("icount") == "index 0, retired 0, 0 ns\n")
    #expect(debugger.monitor("devices").contains("uart0 at 0x4000c000"))
    #expect(debugger.monitor("info uart0").contains(" = "))
    #expect(debugger.monitor("info nothing").contains("monitor devices"))
    #expect(debugger.monitor("goto 1000").hasPrefix("index 1000, retired 1000, "))
    let digest = debugger.session.machine.stateDigest
    #expect(debugger.monitor("snapshot here").hasPrefix("here: index 1000,"))
    #expect(debugger.monitor("goto 5000").hasPrefix("index 5000,"))
    #expect(debugger.monitor("goto 400").contains("nothing is kept of index 400"))
    #expect(debugger.monitor("goto here").hasPrefix("index 1000,"))
    #expect(debugger.session.machine.stateDigest == digest)
    #expect(debugger.monitor("goto nowhere").contains("no snapshot"))
    #expect(debugger.monitor("make tea").contains("not known"))
    #expect(debugger.monitor("reset halt").hasPrefix("reset; index 1000,"))
    #expect(
      debugger.ask("pf")
        == Conversation.hex(
          (0..<4).map { UInt8(truncatingIfNeeded: debugger.session.machine.pc >> (8 * $0)) }))
    #expect(debugger.session.machine.resets == 1)
  }
}
