import ArgumentParser

/// The command itself: everything but running it.
public struct Emurun: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "emurun",
    abstract:
      "Run firmware for RV64 and Cortex-M4 boards, the same to the last instruction every time.",
    usage: """
      emurun IMAGE [OPTIONS]
      emurun --bios FIRMWARE --kernel KERNEL [OPTIONS]
      emurun boards [--show NAME]
      emurun diff A B
      emurun init FOLDER
      emurun repeat DIR
      emurun test DIR
      emurun coverage merge A B -o SUM
      emurun doctor
      emurun svd FILE
      emurun inspect IMAGE
      emurun frames IMAGE
      emurun disasm IMAGE
      emurun audit IMAGE
      emurun equiv A B
      emurun why IMAGE EXPR
      emurun dap
      """,
    discussion: """
      The console comes out on standard output byte for byte; everything that emurun has to say \
      goes to standard error.
      """,
    version: "0.1.0",
    subcommands: [
      BoardsCommand.self, DiffCommand.self, DoctorCommand.self, InitCommand.self,
      RepeatCommand.self, SVDCommand.self, TestCommand.self, CoverageCommand.self,
      InspectCommand.self, FramesCommand.self, DisassemblyCommand.self, AuditCommand.self,
      EquivCommand.self,
      WhyCommand.self, AdapterCommand.self,
    ])

  @Argument(help: "ELF, raw, Intel HEX, SREC or UF2: told apart by content.")
  var image: String?

  @OptionGroup(title: "Machine")
  var machine: MachineOptionsGroup

  @OptionGroup(title: "Boot (RV64)")
  var boot: BootOptionsGroup

  @OptionGroup(title: "Drives (RV64)")
  var drives: DriveOptionsGroup

  @OptionGroup(title: "When it ends")
  var ending: EndingOptionsGroup

  @OptionGroup(title: "Input and output")
  var streams: StreamOptionsGroup

  @OptionGroup(title: "Snapshots")
  var snapshots: SnapshotOptionsGroup

  @OptionGroup(title: "Recordings")
  var recordings: RecordingOptionsGroup

  @OptionGroup(title: "Findings")
  var findings: FindingOptionsGroup

  @OptionGroup(title: "The world outside")
  var world: WorldOptionsGroup

  @OptionGroup(title: "Evidence")
  var evidence: EvidenceOptionsGroup

  @OptionGroup(title: "Debugger")
  var debugger: DebuggerOptionsGroup

  public init() {}
}

struct MachineOptionsGroup: ParsableArguments {
  @Option(
    name: [.long, .customShort("M"), .customLong("machine", withSingleDash: true)],
    help: ArgumentHelp(
      "The board, or a file that describes one; otherwise the image decides. 'emurun boards' lists them.",
      valueName: "name|file.yaml"),
    transform: QEMUWords.parse)
  var board: QEMUWords?

  @Option(
    name: .customLong("cpu", withSingleDash: true),
    help: ArgumentHelp(
      """
      As QEMU users type it, rv64,g=on: refused where the core is another. svade=on and \
      zicclsm=off can be chosen.
      """, valueName: "model"),
    transform: QEMUWords.parse)
  var cpu: QEMUWords?

  @Option(
    name: [.long, .customShort("m")],
    help: ArgumentHelp("RV64: how much RAM: 512M, 2G.", valueName: "size"),
    transform: MemorySize.parse)
  var memory: MemorySize?

  @Option(
    name: [.long, .customLong("smp", withSingleDash: true)],
    help: ArgumentHelp("RV64: how many harts, 1 to 8.", valueName: "n"),
    transform: HartCount.parse)
  var smp: HartCount?

  @Option(
    help: ArgumentHelp(
      "Several harts: instructions in a turn of one of them. (default: 5000)", valueName: "n"),
    transform: Quantum.parse)
  var quantum: Quantum?

  @Option(
    help: ArgumentHelp(
      "Cortex-M4: m4 counts cycles as its manual has them. (default: one an instruction)",
      valueName: "m4"),
    transform: CycleTiming.parse)
  var cycles: CycleTiming?

  @Option(
    help: ArgumentHelp(
      "Lay a file over memory, as it is. May be repeated.", valueName: "file@addr"),
    transform: FileAtAddress.parse)
  var load: [FileAtAddress] = []

  @Flag(
    name: [.long, .customLong("semihosting", withSingleDash: true)],
    help: "Answer the firmware's semihosting calls.")
  var semihosting = false

  @Option(
    help: ArgumentHelp(
      "Semihosting: files below this folder can be opened; none unless told.", valueName: "folder"))
  var semihostingRoot: String?

  @Option(
    name: [.long, .customLong("append", withSingleDash: true)],
    help: ArgumentHelp(
      "The kernel's, or under semihosting the firmware's, command line.", valueName: "text"))
  var append: String?
}

struct BootOptionsGroup: ParsableArguments {
  @Option(
    name: [.long, .customLong("bios", withSingleDash: true)],
    help: ArgumentHelp(
      "What starts in M mode; none: the kernel itself; default: emurun's own SBI.",
      valueName: "file[@addr]"))
  var bios: String?

  @Option(
    name: [.long, .customLong("kernel", withSingleDash: true)],
    help: ArgumentHelp("The image, as QEMU users name it.", valueName: "file"))
  var kernel: String?

  @Option(
    name: [.long, .customLong("initrd", withSingleDash: true)],
    help: ArgumentHelp("An initial RAM disk for the kernel.", valueName: "file"))
  var initrd: String?

  @Option(
    name: [.long, .customLong("dtb", withSingleDash: true)],
    help: ArgumentHelp("A device tree blob instead of the board's own.", valueName: "file"))
  var dtb: String?

  @Option(
    help: ArgumentHelp(
      "Write the device tree blob that software would get, and end.", valueName: "file"))
  var dtbDump: String?

  @Option(
    help: ArgumentHelp(
      "Who answers the calls of S mode: emurun, or what runs in M mode. (default: host; firmware "
        + "where there is a --bios file)", valueName: "host|firmware"))
  var sbi: String?

  @Flag(
    name: .customLong("bios-sbi-pass-through", withSingleDash: true),
    help: "The same as --sbi firmware; a raw --bios of at most 60 KiB is a boot ROM at 0x1000.")
  var passThrough = false

  @Option(
    help: ArgumentHelp("The mode of the image's first instruction, m or s.", valueName: "m|s"))
  var mode: String?
}

struct EndingOptionsGroup: ParsableArguments {
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "Virtual time to run: 10s, 500ms, 2us, inf. (default: 10s; inf with --interactive, --gdb; that of a recording)",
      valueName: "duration"),
    transform: VirtualTime.parse)
  var duration: VirtualTime?

  @Option(
    help: ArgumentHelp("Stop directly after the n-th retired instruction.", valueName: "n"))
  var maxInstructions: UInt64?

  @Option(
    help: ArgumentHelp(
      "Success (0) when the console prints it; 124 if it never does.", valueName: "text"))
  var expectText: String?

  @Option(help: ArgumentHelp("Failure (1) when the console prints it.", valueName: "text"))
  var failText: String?

  @Flag(
    name: [.long, .customLong("no-reboot", withSingleDash: true)],
    help: "A guest reset ends the run.")
  var noReboot = false
}

struct StreamOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Console input, taken as fast as the firmware reads; - is standard input.", valueName: "file")
  )
  var input: String?

  @Option(
    help: ArgumentHelp(
      "Press a button of the board at a virtual time, for a while: SW1@1.5s+200ms. May be repeated.",
      valueName: "name@time+duration"),
    transform: Press.parse)
  var press: [Press] = []

  @Option(
    help: ArgumentHelp(
      "Where the output of UART n goes: a file, or stdout. May be repeated.", valueName: "n=file"),
    transform: UARTOutput.parse)
  var uart: [UARTOutput] = []

  @Option(
    help: ArgumentHelp(
      "Cortex-M: the bytes written to ITM stimulus port n (0 unless told). May be repeated.",
      valueName: "[n=]file"),
    transform: StimulusOutput.parse)
  var itm: [StimulusOutput] = []

  @Flag(help: "The terminal is the console; Ctrl-A x ends the run.")
  var interactive = false

  @Flag(
    name: .customLong("nographic", withSingleDash: true),
    help: "The same, where standard input is a terminal.")
  var noGraphic = false
}

struct EvidenceOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Events as text on standard error: led,gpio,uart,mmio,irq,trap,sbi.", valueName: "kinds"),
    transform: TraceList.parse)
  var trace: TraceList?

  @Option(
    help: ArgumentHelp(
      "Events as JSON Lines into a file, instead of text. (default kinds: all but mmio)",
      valueName: "file"))
  var traceFile: String?

  @Option(
    help: ArgumentHelp(
      "RV64: every retired instruction, as Spike's --log-commits writes it.", valueName: "file"))
  var commitLog: String?

  @Option(
    help: ArgumentHelp(
      "Which lines, functions and branches of the image's source were executed, for genhtml.",
      valueName: "file"))
  var coverage: String?

  @Option(
    help: ArgumentHelp(
      "Which functions the instructions were of: collapsed stacks, or a flame graph (.svg); --perfetto gets their calls.",
      valueName: "file"))
  var profile: String?

  @Option(help: ArgumentHelp("The run as a page to look at in a browser.", valueName: "file"))
  var html: String?

  @Option(help: ArgumentHelp("The run as a picture.", valueName: "file"))
  var svg: String?

  @Option(help: ArgumentHelp("The run for GTKWave and the like.", valueName: "file"))
  var vcd: String?

  @Option(
    help: ArgumentHelp("The run for Perfetto, as Chrome's trace events.", valueName: "file"))
  var perfetto: String?

  @Option(
    help: ArgumentHelp(
      "A folder for report.json, uart.log, led.vcd, timeline.html and junit.xml; 'emurun repeat' does it again.",
      valueName: "folder"))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "The run for OpenTelemetry: OTLP/JSON into a file, or to a collector at http://host:4318.",
      valueName: "file|url"))
  var otlp: String?

  @Option(
    help: ArgumentHelp(
      "What emurun says, as JSON objects on standard error, one a line; for every command.",
      valueName: "json"))
  var log: String?

  @Flag(help: "One JSON report on standard output instead of words and console.")
  var json = false

  @Flag(help: "Print the SHA-256 of all that could be seen of the run.")
  var digest = false

  @Flag(help: "Run twice, sliced differently, and compare; 70 if they differ.")
  var twice = false
}
