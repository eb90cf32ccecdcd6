import Testing

@Suite struct HelpTests {
  @Test func help() {
    let outcome = emurun("--help")
    #expect(outcome.code == 0)
    #expect(outcome.errors == "")
    #expect(
      outcome.output == """
        OVERVIEW: Run firmware for RV64 and Cortex-M4 boards, the same to the last instruction
        every time.

        The console comes out on standard output byte for byte; everything that emurun has to say
        goes to standard error.

        USAGE: emurun IMAGE [OPTIONS]
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

        ARGUMENTS:
          <image>                 ELF, raw, Intel HEX, SREC or UF2: told apart by content.

        MACHINE:
          -M, --board, -machine <name|file.yaml>
                                  The board, or a file that describes one; otherwise the image
                                  decides. 'emurun boards' lists them.
          -cpu <model>            As QEMU users type it, rv64,g=on: refused where the core is
                                  another. svade=on and zicclsm=off can be chosen.
          -m, --memory <size>     RV64: how much RAM: 512M, 2G.
          --smp, -smp <n>         RV64: how many harts, 1 to 8.
          --quantum <n>           Several harts: instructions in a turn of one of them. (default:
                                  5000)
          --cycles <m4>           Cortex-M4: m4 counts cycles as its manual has them. (default:
                                  one an instruction)
          --load <file@addr>      Lay a file over memory, as it is. May be repeated.
          --semihosting, -semihosting
                                  Answer the firmware's semihosting calls.
          --semihosting-root <folder>
                                  Semihosting: files below this folder can be opened; none unless
                                  told.
          --append, -append <text>
                                  The kernel's, or under semihosting the firmware's, command line.

        BOOT (RV64):
          --bios, -bios <file[@addr]>
                                  What starts in M mode; none: the kernel itself; default:
                                  emurun's own SBI.
          --kernel, -kernel <file>
                                  The image, as QEMU users name it.
          --initrd, -initrd <file>
                                  An initial RAM disk for the kernel.
          --dtb, -dtb <file>      A device tree blob instead of the board's own.
          --dtb-dump <file>       Write the device tree blob that software would get, and end.
          --sbi <host|firmware>   Who answers the calls of S mode: emurun, or what runs in M
                                  mode. (default: host; firmware where there is a --bios file)
          -bios-sbi-pass-through  The same as --sbi firmware; a raw --bios of at most 60 KiB is a
                                  boot ROM at 0x1000.
          --mode <m|s>            The mode of the image's first instruction, m or s.

        DRIVES (RV64):
          --drive, -drive <file>  A raw disk image. What the guest writes is forgotten, or with
                                  ,write in the file after the run; ,readonly. May be repeated.
          -device <words>         As QEMU users type it: virtio-blk-device,drive=id.
          --virtio <legacy|modern>
                                  Registers of virtio devices: modern is version 2, legacy
                                  version 1. (default: modern)
          -global <word>          As QEMU users type it: virtio-mmio.force-legacy=false.
          --seed <n>              Of all that is random on a board. (default: 0)

        WHEN IT ENDS:
          --for <duration>        Virtual time to run: 10s, 500ms, 2us, inf. (default: 10s; inf
                                  with --interactive, --gdb; that of a recording)
          --max-instructions <n>  Stop directly after the n-th retired instruction.
          --expect-text <text>    Success (0) when the console prints it; 124 if it never does.
          --fail-text <text>      Failure (1) when the console prints it.
          --no-reboot, -no-reboot A guest reset ends the run.

        INPUT AND OUTPUT:
          --input <file>          Console input, taken as fast as the firmware reads; - is
                                  standard input.
          --press <name@time+duration>
                                  Press a button of the board at a virtual time, for a while:
                                  SW1@1.5s+200ms. May be repeated.
          --uart <n=file>         Where the output of UART n goes: a file, or stdout. May be
                                  repeated.
          --itm <[n=]file>        Cortex-M: the bytes written to ITM stimulus port n (0 unless
                                  told). May be repeated.
          --interactive           The terminal is the console; Ctrl-A x ends the run.
          -nographic              The same, where standard input is a terminal.

        SNAPSHOTS:
          --save <file[@time]>    Write where the run is at its end, or at a virtual time, to go
                                  on from: boot.snap@1.5s.
          --restore <file>        Go on from there: with the same image, and the options that it
                                  was started with.

        RECORDINGS:
          --record <file>         Write all that comes from outside, with its instruction, to
                                  have the run again.
          --replay <file>         The run of a recording, debugged, traced or drawn as one likes;
                                  the image may be left out.
          --realtime              Virtual time does not run ahead of the host's clock.

        FINDINGS:
          --sarif <file>          Findings, what software asked of the board and did not get, as
                                  SARIF 2.1.0.
          --svd <file>            CMSIS-SVD of the chip: names registers and fields; what the
                                  board has not answers as at reset.
          --strict                A finding is an error: exit code 1.
          --check-frames          Hold each call and return against the image's frames; 1 where
                                  one is not right.

        THE WORLD OUTSIDE:
          --script <file.yaml>    What is done to the board and expected of it, step by step; 0
                                  when all came, 1 when not.

        EVIDENCE:
          --trace <kinds>         Events as text on standard error:
                                  led,gpio,uart,mmio,irq,trap,sbi.
          --trace-file <file>     Events as JSON Lines into a file, instead of text. (default
                                  kinds: all but mmio)
          --commit-log <file>     RV64: every retired instruction, as Spike's --log-commits
                                  writes it.
          --coverage <file>       Which lines, functions and branches of the image's source were
                                  executed, for genhtml.
          --profile <file>        Which functions the instructions were of: collapsed stacks, or
                                  a flame graph (.svg); --perfetto gets their calls.
          --html <file>           The run as a page to look at in a browser.
          --svg <file>            The run as a picture.
          --vcd <file>            The run for GTKWave and the like.
          --perfetto <file>       The run for Perfetto, as Chrome's trace events.
          --report <folder>       A folder for report.json, uart.log, led.vcd, timeline.html and
                                  junit.xml; 'emurun repeat' does it again.
          --otlp <file|url>       The run for OpenTelemetry: OTLP/JSON into a file, or to a
                                  collector at http://host:4318.
          --log <json>            What emurun says, as JSON objects on standard error, one a
                                  line; for every command.
          --json                  One JSON report on standard output instead of words and console.
          --digest                Print the SHA-256 of all that could be seen of the run.
          --twice                 Run twice, sliced differently, and compare; 70 if they differ.

        DEBUGGER:
          --gdb <[host:]port>     Serve GDB or lldb there; stdio: on standard input and output.
                                  This machine alone unless a host is named. The run then has no
                                  end but its own.
          -s                      The same as --gdb 1234.
          -S                      Wait for the debugger before the first instruction.
          --history <size>        Memory for the way back, reverse-stepi and the like; 0: none.
                                  (default: 256M)

        OPTIONS:
          --version               Show the version.
          -h, --help              Show help information.

        SUBCOMMANDS:
          boards                  List the boards, with memory map and devices.
          diff                    Compare two traces that --trace-file wrote; 1 if they differ.
          doctor                  Check libunicorn and this host.
          init                    Write a package: firmware, tests that boot it, a policy, a CI
                                  file.
          repeat                  Repeat the run of a --report folder and compare; 70 if it is
                                  another run.
          svd                     List and check the registers in a CMSIS-SVD file.
          test                    Run the scripts in a folder as tests; 1 if one fails.
          coverage                Put together what --coverage wrote of several runs.
          inspect                 Show what is in an image, and what is wrong with it.
          frames                  Show every function's stack frame, and how much stack the
                                  program may need.
          disasm                  Show the code of an image, and what of it was executed.
          audit                   Show that an image never traps, or where it does, or what
                                  stands in the way.
          equiv                   Run two builds of a program and compare them; 1 if they differ.
          why                     Run an image, and show the chain of writes that led to a value.
          dap                     Serve an editor's debugger by the Debug Adapter Protocol.

          See 'emurun help <subcommand>' for detailed help.

        """)
    #expect(emurun("-h").output == outcome.output)
    #expect(emurun("help").output == outcome.output)
  }

  @Test func helpOfCommands() {
    #expect(
      emurun("boards", "--help").output == """
        OVERVIEW: List the boards, with memory map and devices.

        USAGE: emurun boards [--show <name|file.yaml>]

        OPTIONS:
          --show <name|file.yaml> Print one board as a file for --board, which gives the same
                                  board again.
          -h, --help              Show help information.


        """)
    #expect(emurun("coverage", "--help").output.contains("See 'emurun coverage help <subcommand>'"))
    #expect(emurun("help", "doctor").output == emurun("doctor", "--help").output)
  }

  @Test func version() {
    let outcome = emurun("--version")
    #expect(outcome.code == 0)
    #expect(outcome.output == "0.1.0\n")
  }

  @Test func boards() {
    let outcome = emurun("boards")
    #expect(outcome.code == 0)
    #expect(outcome.errors == "")
    for word in ["m4-led", "rv64-virt", "0x400F_E000", "0x1006_0000", "PF1", "led3"] {
      #expect(outcome.output.contains(word))
    }
  }

  @Test func doctor() {
    let outcome = emurun("doctor")
    #expect(outcome.code == 0)
    let lines = outcome.output.split(separator: "\n")
    #expect(
      lines.map { String($0.prefix { $0 != " " }) } == ["libunicorn", "", "", "self-test", "host"])
    #expect(lines[3].hasSuffix("passed"))
  }
}
