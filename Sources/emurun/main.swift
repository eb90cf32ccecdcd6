import EmurunCLI

// Straight to exit: the kernel takes an engine's memory back faster than anybody could.
Host.exit(Emurun.main(Array(CommandLine.arguments.dropFirst()), on: .process()))
